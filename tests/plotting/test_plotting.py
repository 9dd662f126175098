"""Drawings in the plane and on a line: true geometry, exact boundaries, points, refusals."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import (
    CORNERS,
    areas_of,
    cells_of,
    lines_of,
    plane_complex,
    random_network,
    square_complex,
)
from matplotlib.colors import to_hex

import plnet
from plnet.errors import ConfigError, DimensionError, DomainError, IncompleteResultError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.plotting import CATEGORIES, CLASSES, mark_points, plot_regions
from plnet.plotting.regions import frame
from plnet.plotting.regions.points import coordinates_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(scope="module")
def square():
    return square_complex()


@pytest.fixture(scope="module")
def plane():
    return plane_complex()


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


def test_boundary_on_a_hidden_wall_is_drawn_on_the_whole_plane():
    layers = (Affine([[1, 0], [-1, 0], [0, 1]], [0, 0, 0]), ScalarPWL.relu(3), Affine([[1, -1, 0]], [0]))
    complex_ = plnet.enumerate_regions(PLNetwork(layers, 2))
    segments = lines_of(plot_regions(complex_, view=[(-1, 1), (-1, 1)]), "_boundary")
    assert np.allclose(segments[:, :, 0], 0.0)
    assert np.abs(segments[:, 1] - segments[:, 0]).sum() == pytest.approx(2.0)


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


def test_labels_must_match_points():
    with pytest.raises(DimensionError, match="2 labels"):
        mark_points(plt.figure().subplots(), [[0, 0], [1, 1]], ["a"])


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
    ({"walls": "deep"}, ConfigError, "plain, depth, none"),
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


def test_incomplete_complex_is_drawn_without_boundary_only(square):
    part = replace(square, complete=False, exact=False)
    with pytest.raises(IncompleteResultError, match="boundary=False"):
        plot_regions(part)
    assert len(cells_of(plot_regions(part, boundary=False)).get_paths()) == len(part)
