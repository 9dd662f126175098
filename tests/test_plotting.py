"""Drawings: true sizes, true geometry, exact boundaries, colours, identical bytes, refusals."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgb
from scipy.sparse import csr_array

import plnet
from plnet.errors import ConfigError, DimensionError, DomainError, IncompleteResultError, OutputError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.plotting import (
    CATEGORIES,
    CELLS,
    CLASSES,
    VENUES,
    coloring,
    frame,
    mark_points,
    plot_regions,
    save_figure,
    scene,
    style,
)
from plnet.plotting.coloring import greedy_coloring
from plnet.plotting.points import coordinates_of

CORNERS = np.array([[0.0, 1.0, 2.0, 0.5, 0.0], [2.0, 1.0, 2.5, 0.5, 1.0], [1.5, 3.0, 2.0, 0.0, 1.0]])
"""Three points of R^5 whose plane has oblique coordinates."""


def random_network(widths, seed=0):
    rng = np.random.default_rng(seed)
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layers.append(
            Affine(rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in), rng.normal(size=n_out) * 0.3)
        )
        if i < len(widths) - 2:
            layers.append(ScalarPWL.relu(n_out))
    return PLNetwork(tuple(layers), widths[0])


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before, "a global setting of matplotlib was changed"


@pytest.fixture(scope="module")
def square():
    return plnet.enumerate_regions(random_network([2, 6, 6, 3], 1), plnet.Box(-2, 2))


@pytest.fixture(scope="module")
def plane():
    return plnet.enumerate_regions(random_network([5, 6, 6, 4], 2), plnet.Slice.through(CORNERS, margin=0.5))


def cells_of(ax):
    (found,) = [item for item in ax.collections if isinstance(item, PolyCollection)]
    return found


def lines_of(ax, label):
    (found,) = [
        item for item in ax.collections if isinstance(item, LineCollection) and item.get_label() == label
    ]
    return np.array(found.get_segments())


def areas_of(ax):
    return np.array([area(path.vertices[:-1]) for path in cells_of(ax).get_paths() if len(path.vertices)])


def area(polygon):
    x, y = polygon.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


# Sizes and settings


@pytest.mark.parametrize(
    ("column", "venue", "inches"),
    [("full", "neurips", 5.5), ("half", "icml", 3.25), ("half", "ieee", 3.5), ("half", "nature", 89 / 25.4)],
)
def test_page_of_the_pdf_has_the_width_of_the_column(tmp_path, square, column, venue, inches):
    with style(column, venue, height=2.0):
        _, ax = plt.subplots()
    plot_regions(square, ax=ax)
    (path,) = save_figure(ax.figure, tmp_path / "page.pdf")
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", path.read_bytes())
    assert [float(x) for x in box.groups()] == pytest.approx([72 * inches, 144.0], abs=0.01)


def test_png_has_300_pixels_per_inch(tmp_path, square):
    ax = plot_regions(square)
    path = save_figure(ax.figure, tmp_path / "page")[1]
    height, width = plt.imread(path).shape[:2]
    assert [width, height] == pytest.approx(300 * ax.figure.get_size_inches(), abs=1)


def test_own_figure_has_the_width_of_a_column(square):
    assert plot_regions(square).figure.get_size_inches()[0] == pytest.approx((5.5 - 0.25) / 2)


def test_fonts_in_the_pdf_are_truetype(tmp_path, square):
    (path,) = save_figure(plot_regions(square).figure, tmp_path / "fonts.pdf")
    data = path.read_bytes()
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


@pytest.mark.parametrize("venue", VENUES)
def test_every_venue_gives_settings_that_matplotlib_takes(venue):
    for column in ("half", "full"):
        wanted = style(column, venue)
        with mpl.rc_context(wanted):
            assert mpl.rcParams["pdf.fonttype"] == 42
        assert 2.0 < wanted.width < 7.6
        assert wanted.height == wanted["figure.figsize"][1]
    assert VENUES[venue].half < VENUES[venue].full
    assert VENUES[venue].source


def test_style_nests_and_merges():
    inner = style("full") | {"axes.grid": True}
    outside = mpl.rcParams["figure.figsize"]
    with inner, inner:
        assert mpl.rcParams["axes.grid"]
        assert mpl.rcParams["figure.figsize"] == [5.5, inner.height]
    assert mpl.rcParams["figure.figsize"] == outside


def test_import_of_the_package_leaves_matplotlib_alone():
    program = "import sys, plnet.plotting; assert not any(m.startswith('matplotlib') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


# Geometry


def test_all_regions_are_one_collection(square):
    ax = plot_regions(square)
    assert len(cells_of(ax).get_paths()) == len(square)
    assert ax.get_aspect() == 1.0


@pytest.mark.parametrize("color_by", ["pattern", "class"])
@pytest.mark.parametrize("which", ["square", "plane"])
def test_areas_on_paper_are_the_areas_of_the_regions(request, which, color_by):
    complex_ = request.getfixturevalue(which)
    found = areas_of(plot_regions(complex_, color_by=color_by))
    gram = np.linalg.norm(np.outer(*(CORNERS[1:] - CORNERS[0])) - np.outer(*(CORNERS[:0:-1] - CORNERS[0])))
    # The area of the parallelogram of u and v is |u v^T - v u^T| / sqrt 2 in the Frobenius norm.
    assert found.sum() == pytest.approx(16.0 if which == "square" else 4 * gram / np.sqrt(2), rel=1e-12)
    if color_by == "pattern":
        assert found == pytest.approx(complex_.volumes, rel=1e-9)


def test_lengths_and_angles_on_paper_are_those_of_the_inputs(plane):
    ax = plot_regions(plane, points=CORNERS, boundary=False)
    places = np.array([item.get_offsets()[0] for item in ax.collections[1:]])
    assert places @ places.T == pytest.approx((CORNERS - CORNERS[0]) @ (CORNERS - CORNERS[0]).T, abs=1e-12)
    assert places[1, 1] == 0


def test_drawing_coordinates_of_a_box_are_the_inputs(square):
    assert np.array_equal(frame.frame_of(square.chart).matrix, np.eye(2))
    ax = plot_regions(square)
    assert (ax.get_xlabel(), ax.get_xlim(), ax.get_ylim()) == ("$x_{0}$", (-2.0, 2.0), (-2.0, 2.0))


@pytest.mark.parametrize("widths", [[2, 6, 1], [2, 5, 5, 3]])
def test_unbounded_regions_fill_the_view(widths):
    complex_ = plnet.enumerate_regions(random_network(widths, 4))
    ax = plot_regions(complex_)
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    assert areas_of(ax).sum() == pytest.approx((high - low).prod(), rel=1e-9)
    finite = complex_.leaves.vertices[complex_.leaves.vertices[:, -1] > 0, :2]
    inside = ((finite > low) & (finite < high)).all(axis=1)
    assert inside.mean() > 0.5


def test_far_vertices_do_not_shrink_the_view():
    # Two walls that meet at x0 = 2**20, and a small arrangement around the origin.
    weight = [[1, 0], [0, 1], [1, 1], [1, -1], [0, 1], [2**-20, 1]]
    network = PLNetwork((Affine(weight, [0, 0, -1, -1, -1, -2]), ScalarPWL.relu(6)), 2)
    complex_ = plnet.enumerate_regions(network)
    assert complex_.leaves.vertices[:, 0].max() > 2**19
    assert np.ptp(plot_regions(complex_).get_xlim()) < 100


def test_unbounded_boundary_runs_to_the_edge_of_the_view():
    diagonal = PLNetwork((Affine(np.eye(2), [0.0, 0.0]), ScalarPWL.leaky_relu([0.5, 0.5])), input_dim=2)
    ends = lines_of(plot_regions(diagonal), "_boundary").reshape(-1, 2)
    assert ends[:, 0] == pytest.approx(ends[:, 1])
    assert [ends.min(), ends.max()] == pytest.approx([-1.0, 1.0])


def test_whole_plane_without_walls_is_one_cell():
    affine = PLNetwork((Affine([[1.0, 2.0]], [0.0]),), input_dim=2)
    assert areas_of(plot_regions(affine, boundary=False)) == pytest.approx([4.0])


def test_view_cuts_regions_off(square):
    ax = plot_regions(square, view=[(-0.5, 0.25), (0.0, 1.0)])
    assert areas_of(ax).sum() == pytest.approx(0.75)
    assert len(cells_of(ax).get_paths()) == len(square)


def test_walls_are_drawn_once_in_the_colour_of_their_layer():
    # |x0| and |x1|, then a wall |x0| + |x1| = 1: a square on its corner in a cross.
    network = PLNetwork(
        (
            Affine(np.eye(2), [0.0, 0.0]),
            ScalarPWL.absolute(2),
            Affine([[1.0, 1.0]], [-1.0]),
            ScalarPWL.relu(1),
        ),
        input_dim=2,
    )
    ax = plot_regions(network, plnet.Box(-1, 1), walls="depth", boundary=False)
    (walls,) = [item for item in ax.collections if item.get_label() == "_walls"]
    lengths = np.linalg.norm(np.diff(np.array(walls.get_segments()), axis=1)[:, 0], axis=1)
    colors = [to_hex(color).upper() for color in walls.get_colors()]
    found = [lengths[[color == CATEGORIES[k] for color in colors]].sum() for k in (0, 1)]
    assert found == pytest.approx([4.0, 4 * np.sqrt(2)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["layer 1", "layer 2"]


# Decision boundary and classes


@pytest.mark.parametrize("which", ["square", "plane"])
def test_two_classes_tie_along_the_whole_boundary(request, which):
    complex_ = request.getfixturevalue(which)
    segments = lines_of(plot_regions(complex_), "_boundary")
    assert len(segments) > 3
    share = np.linspace(0, 1, 5)[:, None, None]
    places = (share * segments[:, 0] + (1 - share) * segments[:, 1]).reshape(-1, 2)
    t = places @ np.linalg.inv(frame.frame_of(complex_.chart).matrix).T
    values = np.sort(complex_.network.evaluate(complex_.chart.embed(t)), axis=1)
    assert values[:, -1] - values[:, -2] == pytest.approx(0, abs=1e-12)


def test_boundary_ends_are_exact_ties():
    # The corners are small dyadic numbers, so that no rounding hides an error.
    network = PLNetwork(
        (Affine(np.eye(2), [0.0, 0.0]), ScalarPWL.absolute(2), Affine([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.5])),
        input_dim=2,
    )
    ends = lines_of(plot_regions(network, plnet.Box(-1, 1)), "_boundary").reshape(-1, 2)
    values = network.evaluate(ends, exact=True)
    assert (values[:, 0] == values[:, 1]).all()
    assert len(ends) == 8


@pytest.mark.parametrize("which", ["square", "plane"])
def test_colour_of_a_class_is_the_largest_output_of_the_cell(request, which):
    complex_ = request.getfixturevalue(which)
    ax = plot_regions(complex_, color_by="class")
    inverse = np.linalg.inv(frame.frame_of(complex_.chart).matrix)
    seen = set()
    for path, color in zip(cells_of(ax).get_paths(), cells_of(ax).get_facecolors(), strict=True):
        centre = path.vertices[:-1].mean(axis=0) @ inverse.T
        best = int(complex_.network.evaluate(complex_.chart.embed(centre[None])).argmax())
        assert to_hex(color).upper() == CLASSES[best]
        seen.add(f"class {best}")
    assert {text.get_text() for text in ax.get_legend().get_texts()} == seen
    assert len(seen) > 1


# Colours


@pytest.mark.parametrize("which", ["square", "plane"])
def test_neighbours_differ_in_colour(request, which):
    complex_ = request.getfixturevalue(which)
    colors = [to_hex(color) for color in cells_of(plot_regions(complex_)).get_facecolors()]
    pairs = zip(*complex_.adjacency.nonzero(), strict=True)
    assert all(colors[i] != colors[j] for i, j in pairs)
    assert complex_.adjacency.nnz > len(complex_)


@pytest.mark.parametrize("seed", range(5))
def test_six_colours_are_enough_for_a_planar_graph(seed):
    from scipy.spatial import Delaunay

    triangles = Delaunay(np.random.default_rng(seed).random((120, 2))).simplices
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    graph = csr_array((np.ones(len(pairs)), pairs.T), shape=(120, 120))
    colors = greedy_coloring(graph, len(CELLS))
    assert (colors[pairs[:, 0]] != colors[pairs[:, 1]]).all()
    assert np.bincount(colors, minlength=6).min() > 5


def test_graph_that_needs_more_colours_still_gets_some():
    complete = csr_array(1 - np.eye(9))
    assert sorted(np.bincount(greedy_coloring(complete, 6))) == [1, 1, 1, 2, 2, 2]


def test_colours_do_not_depend_on_the_order_of_the_engine(square):
    other = plnet.enumerate_regions(square.network, plnet.Box(-2, 2), engine="rational")
    colors = [
        dict(zip(map(bytes, c.patterns), coloring.pattern_colors(c, 6).tolist(), strict=True))
        for c in (square, other)
    ]
    assert colors[0] == colors[1]


def test_colours_without_adjacency_differ_across_single_walls(square, monkeypatch):
    monkeypatch.setattr(coloring, "GREEDY_LIMIT", 0)
    colors = coloring.pattern_colors(square, 6)
    i, j = square.adjacency.nonzero()
    assert (colors[i] != colors[j]).all()


def test_gradient_norm_is_that_along_the_plane():
    weight = np.array([[1.0, 2.0, -1.0, 0.5, 3.0], [0.0, 1.0, 1.0, -2.0, 1.0]])
    network = PLNetwork((Affine(weight, [0.0, 0.0]),), input_dim=5)
    basis = np.linalg.qr((CORNERS[1:] - CORNERS[0]).T)[0]
    domain = plnet.Slice.through(CORNERS)
    for output, rows in ((None, weight), (1, weight[1:])):
        ax = plot_regions(network, domain, color_by="gradient_norm", output=output, boundary=False)
        assert np.asarray(cells_of(ax).get_array()) == pytest.approx(np.linalg.norm(rows @ basis))


def test_output_colour_is_the_mean_over_the_region(plane):
    ax = plot_regions(plane, color_by="output", output=2, boundary=False)
    i = int(plane.volumes.argmax())
    corners = plane.vertices(i)
    inside = np.random.default_rng(0).dirichlet(np.ones(3), size=20_000)
    parts = [corners[[0, k, k + 1]] for k in range(1, len(corners) - 1)]
    sizes = [abs(np.linalg.det(p[1:] - p[0])) for p in parts]
    means = [plane.network.evaluate(plane.chart.embed(inside @ p))[:, 2].mean() for p in parts]
    assert cells_of(ax).get_array()[i] == pytest.approx(np.average(means, weights=sizes), abs=0.02)


def test_volume_colour_leaves_out_what_has_none(square):
    bounded = cells_of(plot_regions(square, color_by="volume", boundary=False)).get_array()
    assert bounded.filled(0) == pytest.approx(square.volumes)
    unbounded = plot_regions(random_network([2, 4, 1], 4), color_by="volume", boundary=False)
    masked = cells_of(unbounded).get_array()
    assert np.ma.count_masked(masked) == 8
    assert np.ma.count(masked) == 3


def test_values_of_the_caller_are_drawn(square):
    values = np.arange(len(square))
    assert cells_of(plot_regions(square, color_by=values, vmin=0, vmax=10)).get_clim() == (0, 10)


def simulated(colors, matrix):
    """Return CIELAB of colours (k, 3) after a linear map of their linear RGB values."""
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.clip(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ matrix.T, 0, 1)
    to_xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    xyz = linear @ to_xyz.T / [0.9505, 1.0, 1.0888]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


# Machado, Oliveira and Fernandes (2009), A Physiologically-based Model, severity 1.0.
VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("palette", [CELLS, CLASSES, CATEGORIES])
def test_colours_stay_apart_for_colour_blind_readers(palette, vision):
    lab = simulated(palette, np.array(VISIONS[vision]))
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    # Two is just noticeable side by side; Okabe and Ito's own palette has 17 in this measure.
    assert distances[~np.eye(len(palette), dtype=bool)].min() > 16


# Points


def test_inputs_are_projected_exactly(plane):
    assert coordinates_of(plane.chart, CORNERS).tolist() == [[0, 0], [1, 0], [0, 1]]
    assert coordinates_of(plane.chart, CORNERS[:, None, :]).tolist() == [[0, 0], [1, 0], [0, 1]]
    assert coordinates_of(plane.chart, [[0.25, 0.5]]).tolist() == [[0.25, 0.5]]


def test_labels_keep_inside_the_axes(square):
    ax = plot_regions(square, points=[[1.9, 1.9], [-1.9, -1.9]], labels=["upper right", "lower left"])
    ax.figure.draw_without_rendering()
    box = ax.get_window_extent()
    for text in ax.texts:
        extent = text.get_window_extent()
        assert box.x0 <= extent.x0
        assert extent.x1 <= box.x1
        assert box.y0 <= extent.y0
        assert extent.y1 <= box.y1


# One dimension


def test_line_shows_function_breakpoints_and_pieces():
    network = random_network([1, 5, 2], 3)
    complex_ = plnet.enumerate_regions(network, plnet.Box(-2, 2))
    ax = plot_regions(complex_, points=[[0.5]], labels=["p"])
    assert len(cells_of(ax).get_paths()) == len(complex_)
    assert areas_of(ax).sum() == pytest.approx(4.0)
    curve = ax.lines[0].get_xydata()
    assert len(curve) == len(complex_) + 1
    assert curve[:, 1] == pytest.approx(network.evaluate(curve[:, :1])[:, 0])
    colors = [to_hex(c) for c in cells_of(ax).get_facecolors()]
    i, j = complex_.adjacency.nonzero()
    assert all(colors[a] != colors[b] for a, b in zip(i, j, strict=True))


def test_segment_is_drawn_in_true_length_with_classes():
    network = random_network([5, 6, 4], 5)
    ax = plot_regions(network, plnet.Segment(CORNERS[0], CORNERS[1]), color_by="class", points=CORNERS[:2])
    assert ax.get_xlim()[1] == pytest.approx(np.linalg.norm(CORNERS[1] - CORNERS[0]))
    assert areas_of(ax).sum() == pytest.approx(ax.get_xlim()[1])


def test_unbounded_line_fills_the_view():
    ax = plot_regions(random_network([1, 4, 1], 3), walls="depth")
    assert areas_of(ax).sum() == pytest.approx(np.diff(ax.get_xlim())[0])


# Files


def test_same_figure_gives_same_bytes(tmp_path, square, monkeypatch):
    def files(name):
        ax = plot_regions(square, color_by="class", points=[[0, 0]], labels=["a"])
        return [
            p.read_bytes()
            for p in save_figure(ax.figure, tmp_path / name, ("pdf", "png", "svg", "eps"), dpi=50)
        ]

    first = files("first")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert files("second") == first
    assert not any(word in first[0] for word in (b"CreationDate", b"ModDate"))


def test_saving_twice_changes_nothing(tmp_path, square):
    figure = plot_regions(square, color_by="output").figure
    assert (
        save_figure(figure, tmp_path / "a.pdf")[0].read_bytes()
        == save_figure(figure, tmp_path / "b.pdf")[0].read_bytes()
    )
    assert figure.get_layout_engine() is not None


def test_nothing_is_cut_off_at_the_edge_of_the_paper(tmp_path, square):
    with style("full", height=2.0):
        figure, axes = plt.subplots(1, 2)
    for ax in axes:
        plot_regions(square, ax=ax, color_by="gradient_norm").set_title("before training: 123 regions")
    save_figure(figure, tmp_path / "whole.png")
    tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(tight.x0, tight.y0) > -0.01
    assert tight.x1 < width + 0.01
    assert tight.y1 < height + 0.01


def test_suffix_chooses_the_format_and_dots_in_names_survive(tmp_path):
    figure = plt.figure()
    assert [p.name for p in save_figure(figure, tmp_path / "new" / "net.v2")] == ["net.v2.pdf", "net.v2.png"]
    assert [p.name for p in save_figure(figure, tmp_path / "net.svg")] == ["net.svg"]


def test_borders_get_thinner_with_more_regions(square, monkeypatch):
    assert cells_of(plot_regions(square)).get_linewidth() == pytest.approx(0.3)
    monkeypatch.setattr(scene, "_FULL_WIDTH", len(square) / 4)
    assert cells_of(plot_regions(square)).get_linewidth() == pytest.approx(0.15)
    assert cells_of(plot_regions(square, linewidth=0.2)).get_linewidth() == pytest.approx(0.2)


def test_many_regions_are_rasterised(square, monkeypatch):
    assert not cells_of(plot_regions(square)).get_rasterized()
    monkeypatch.setattr(scene, "MANY_REGIONS", len(square) - 1)
    ax = plot_regions(square)
    assert cells_of(ax).get_rasterized()
    assert not any(item.get_rasterized() for item in ax.collections if isinstance(item, LineCollection))


# What is taken, and what is refused


def test_given_axes_are_used(square):
    figure, axes = plt.subplots(1, 2)
    assert plot_regions(square, ax=axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].collections


def test_torch_modules_and_networks_are_enumerated():
    from plnet.networks import mlp

    module = mlp([2, 4, 2], rng=0)
    complex_ = plnet.enumerate_regions(module, plnet.Box(-1, 1))
    assert len(cells_of(plnet.plot_regions(module, plnet.Box(-1, 1))).get_paths()) == len(complex_)


REFUSED = [
    ({"color_by": "patern"}, ConfigError, "Did you mean 'pattern'"),
    ({"color_by": [1.0, 2.0]}, ConfigError, "one number for each of"),
    ({"color_by": ["a", "b"]}, ConfigError, "one number for each region"),
    ({"walls": "deep"}, ConfigError, "'plain', 'depth', 'none'"),
    ({"color_by": "output", "output": 3}, ConfigError, "outputs 0 to 2"),
    ({"view": [(1, 0), (0, 1)]}, ConfigError, "low < high"),
    ({"points": [[0, 3]]}, DomainError, "x1 <= 2"),
    ({"points": [[0, np.nan]]}, DomainError, "finite"),
    ({"points": [[0, 0, 0]]}, DimensionError, r"\(1, 3\)"),
    ({"points": [[0, 0]], "labels": ["a", "b"]}, DimensionError, "1 labels"),
    ({"labels": ["a"]}, DimensionError, "0 labels"),
    ({"domain": plnet.Box(-1, 1)}, DomainError, "has its domain already"),
]


@pytest.mark.parametrize(("options", "error", "match"), REFUSED)
def test_impossible_requests_are_refused_before_a_figure_is_made(square, options, error, match):
    with pytest.raises(error, match=match):
        plot_regions(square, **options)
    assert not plt.get_fignums()


def test_points_off_the_plane_are_refused(plane):
    with pytest.raises(DomainError, match="Point 1 is not on the slice"):
        plot_regions(plane, points=[CORNERS[0], CORNERS[1] + 0.01])


def test_three_dimensions_are_refused_with_advice():
    with pytest.raises(DimensionError, match=r"Slice\.through"):
        plot_regions(random_network([3, 4, 2]), plnet.Box(-1, 1))


def test_incomplete_complex_is_drawn_without_boundary_only(square):
    part = replace(square, complete=False, exact=False)
    with pytest.raises(IncompleteResultError, match="boundary=False"):
        plot_regions(part)
    assert len(cells_of(plot_regions(part, boundary=False)).get_paths()) == len(part)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"venue": "neuripss"}, "Did you mean 'neurips'"),
        ({"venue": "journal"}, "'icml'"),
        ({"column": "third"}, "'half', 'full'"),
        ({"height": 0.0}, "positive"),
        ({"rows": 0}, "positive"),
    ],
)
def test_impossible_styles_are_refused(options, match):
    with pytest.raises(ConfigError, match=match):
        style(**options)


def test_unwritable_folders_and_unknown_formats_are_refused(tmp_path):
    figure = plt.figure()
    tmp_path.joinpath("file").touch()
    with pytest.raises(OutputError, match="Cannot make the folder"):
        save_figure(figure, tmp_path / "file" / "figure")
    tmp_path.joinpath("taken.pdf").mkdir()
    with pytest.raises(OutputError, match=r"taken\.pdf"):
        save_figure(figure, tmp_path / "taken.pdf")
    with pytest.raises(ConfigError, match="'eps', 'pdf', 'png', 'svg'"):
        save_figure(figure, tmp_path / "figure", ["jpg"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken.pdf"]


def test_labels_must_match_points():
    with pytest.raises(DimensionError, match="2 labels"):
        mark_points(plt.figure().subplots(), [[0, 0], [1, 1]], ["a"])


def test_boundary_on_a_hidden_wall_is_drawn_on_the_whole_plane():
    layers = (Affine([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ScalarPWL.relu(3), Affine([[1, -1, 0]], [0]))
    complex_ = plnet.enumerate_regions(PLNetwork(layers, 2))
    segments = lines_of(plot_regions(complex_, view=[(-1, 1), (-1, 1)]), "_boundary")
    assert np.allclose(segments[:, :, 0], 0.0)
    assert np.abs(segments[:, 1] - segments[:, 0]).sum() == pytest.approx(2.0)
