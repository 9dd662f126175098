"""Colours of regions: neighbours differ, values are what they say, palettes for everybody."""

import numpy as np
import pytest
from drawings import CORNERS, cells_of, plane_complex, random_network, square_complex
from matplotlib.colors import to_hex, to_rgb
from scipy.sparse import csr_array

import plnet
from plnet.ir import Affine, PLNetwork
from plnet.plotting import CATEGORIES, CELLS, CLASSES, plot_regions
from plnet.plotting.regions import coloring
from plnet.plotting.regions.coloring import greedy_coloring

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(scope="module")
def square():
    return square_complex()


@pytest.fixture(scope="module")
def plane():
    return plane_complex()


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


def test_classes_are_far_apart():
    lab = simulated(CLASSES, VISIONS["normal"])
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    assert distances[~np.eye(len(CLASSES), dtype=bool)].min() > 35


@pytest.mark.parametrize("palette", [CELLS, CLASSES])
def test_no_fill_is_grey(palette):
    # Grey reads as no data.
    lab = simulated(palette, VISIONS["normal"])
    assert np.hypot(lab[:, 1], lab[:, 2]).min() > 20
