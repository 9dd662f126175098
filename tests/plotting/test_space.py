"""Figures in three dimensions and of functions of one variable, and figures to turn."""

import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import CORNERS, random_network
from matplotlib.text import Text
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

import plnet
from plnet.errors import ConfigError, DimensionError, MissingExtraError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.plotting import plot_function, plot_regions, save_figure, turnable_regions
from plnet.plotting.regions import space
from plnet.plotting.regions.frame import frame_of, view_of
from plnet.plotting.regions.solids import boundary_polygons, solids_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(scope="module")
def cube():
    return plnet.enumerate_regions(random_network([3, 6, 5, 2], 1), plnet.Box(-1, 1))


def polygon_area(polygon):
    corners = polygon - polygon[0]
    return np.linalg.norm(np.cross(corners[1:-1], corners[2:]).sum(axis=0)) / 2


@pytest.fixture
def drawn(monkeypatch):
    """Return what was drawn, as polygons by the label of their collection."""
    found = {}

    class Recorder(Poly3DCollection):
        def __init__(self, verts, **options):
            found[options["label"]] = [np.asarray(polygon) for polygon in verts]
            super().__init__(verts, **options)

    monkeypatch.setattr(space, "Poly3DCollection", Recorder)
    return found


def solid(complex_, view=None):
    frame = frame_of(complex_.chart)
    clip = view is not None or not complex_.bounded.all()
    return solids_of(complex_, frame, view_of(complex_, frame, view), clip=clip)


def volumes(solids):
    """Return the volume of each region from its polygons: pyramids from its centre."""
    out = np.zeros(len(solids.centres))
    for polygon, i in zip(solids.polygons, solids.region, strict=True):
        corners = polygon - solids.centres[i]
        for k in range(1, len(corners) - 1):
            out[i] += abs(np.linalg.det(corners[[0, k, k + 1]])) / 6
    return out


# Solid regions


def test_polygons_enclose_the_volumes_of_the_regions(cube):
    assert volumes(solid(cube)) == pytest.approx(cube.volumes, rel=1e-9)


def test_slices_are_drawn_in_true_lengths():
    directions = np.array([[1.0, 1, 0, 0, 0], [0, 2, 1, 0, 0], [0, 0, 1, 3, 1]])
    complex_ = plnet.enumerate_regions(random_network([5, 6, 2], 2), plnet.Slice(np.zeros(5), directions))
    assert volumes(solid(complex_)) == pytest.approx(complex_.volumes, rel=1e-9)


def test_unbounded_regions_fill_the_view():
    complex_ = plnet.enumerate_regions(random_network([3, 6, 2], 2))
    low, high = view_of(complex_, frame_of(complex_.chart))
    assert volumes(solid(complex_)).sum() == pytest.approx((high - low).prod())
    pairs = [(-0.5, 0.5), (0, 1), (-1, 1)]
    assert volumes(solid(complex_, pairs)).sum() == pytest.approx(2.0)


def test_centres_are_centres_of_mass(cube):
    solids = solid(cube)
    assert cube.volumes @ solids.centres == pytest.approx(np.zeros(3), abs=1e-9)


def test_only_the_outside_is_drawn_where_nothing_is_pulled_apart(cube, drawn):
    plot_regions(cube, boundary=False)
    assert sum(map(polygon_area, drawn["_regions"])) == pytest.approx(24.0)
    plot_regions(cube, explode=0.3)
    assert len(drawn["_regions"]) == len(solid(cube).polygons)


def test_pulled_apart_regions_keep_their_shape(cube):
    solids = solid(cube)
    moved = solids.exploded(0.5)
    for before, after in zip(solids.polygons, moved, strict=True):
        assert polygon_area(before) == pytest.approx(polygon_area(after))
        assert np.allclose(after - before, (after - before)[0])


def test_surface_of_the_boundary_has_its_area(cube, drawn):
    boundary = cube.decision_boundary()
    frame = frame_of(cube.chart)
    polygons = boundary_polygons(boundary, frame, view_of(cube, frame), clip=False)
    assert len(polygons) == len(boundary) > 0
    assert sum(map(polygon_area, polygons)) == pytest.approx(boundary.length)
    plot_regions(cube)
    assert len(drawn.pop("_boundary")) == len(boundary)
    plot_regions(cube, explode=0.1)
    assert "_boundary" not in drawn


@pytest.mark.parametrize(
    "options",
    [
        {"color_by": "class", "explode": 0.2},
        {"color_by": "gradient_norm", "boundary": False},
        {"color_by": "output", "output": 1},
        {"color_by": "volume"},
        {"walls": "depth", "explode": 0.2},
        {"walls": "none", "boundary": False, "points": [[0, 0, 0]], "labels": ["o"]},
        {"view": [(0, 1), (0, 1), (0, 0.5)]},
    ],
)
def test_options_work_in_three_dimensions(cube, options, tmp_path):
    ax = plot_regions(cube, **options)
    (path,) = save_figure(ax.figure, tmp_path / "figure.png", dpi=40)
    assert path.stat().st_size > 1000


def test_scales_are_equal(cube):
    ax = plot_regions(cube, view=[(0, 1), (0, 1), (0, 0.5)])
    ranges = [np.ptp(limits) for limits in (ax.get_xlim(), ax.get_ylim(), ax.get_zlim())]
    assert np.asarray(ax._box_aspect) / ranges == pytest.approx(np.full(3, ax._box_aspect[0] / ranges[0]))


def test_impossible_requests_in_three_dimensions_are_refused(cube):
    with pytest.raises(ConfigError, match="three dimensions"):
        plot_regions(cube, ax=plt.figure().subplots())
    with pytest.raises(ConfigError, match="explode"):
        plot_regions(cube, walls="depth")
    with pytest.raises(DimensionError, match=r"Slice\.through"):
        plot_regions(random_network([4, 4, 2]), plnet.Box(-1, 1))


def test_given_axes_in_space_are_used(cube):
    ax = plt.figure().add_subplot(projection="3d")
    assert plot_regions(cube, ax=ax) is ax


# Functions of one variable


HAT = PLNetwork(
    (Affine([[1], [1], [1]], [0, -1, -2]), ScalarPWL.relu(3), Affine([[1, -2, 1], [0, 1, 0]], [0, 0])), 1
)


def test_function_shows_values_slopes_and_units():
    ax = plot_function(HAT, plnet.Box(-1, 3))
    curve = ax.lines[0].get_xydata()
    assert curve.tolist() == [[-1, 0], [0, 0], [1, 1], [2, 0], [3, 0]]
    slopes = ax.figure.axes[1].patches
    assert [patch.get_data().values.tolist() for patch in slopes] == [[0, 1, -1, 0], [0, 0, 1, 1]]
    assert slopes[0].get_data().edges.tolist() == [-1, 0, 1, 2, 3]
    assert [text.get_text() for text in ax.texts] == ["1.0", "1.1", "1.2"]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["output 0", "output 1"]
    single = plot_function(HAT, plnet.Box(-1, 3), outputs=[0])
    assert [text.get_text() for text in single.get_legend().get_texts()] == ["layer 1"]


def test_function_of_a_segment_is_drawn_in_true_length():
    network = random_network([5, 6, 4], 5)
    ax = plot_function(network, plnet.Segment(CORNERS[0], CORNERS[1]), outputs=[2])
    length = np.linalg.norm(CORNERS[1] - CORNERS[0])
    assert ax.get_xlim() == pytest.approx((0, length))
    x, y = ax.lines[0].get_data()
    points = CORNERS[0] + x[:, None] / length * (CORNERS[1] - CORNERS[0])
    assert y == pytest.approx(network.evaluate(points)[:, 2])
    (stairs,) = ax.figure.axes[1].patches
    assert stairs.get_data().values == pytest.approx(np.diff(y) / np.diff(x))


def test_labels_of_units_do_not_overlap(tmp_path):
    ax = plot_function(random_network([1, 10, 8, 1], 3), plnet.Box(-2, 2))
    save_figure(ax.figure, tmp_path / "labels.pdf")
    # The box of the text alone, without its line.
    boxes = sorted((Text.get_window_extent(t) for t in ax.texts), key=lambda box: box.x0)
    assert len(boxes) > 8
    assert all(a.x1 <= b.x0 + 0.5 for a, b in pairwise(boxes))
    height = ax.figure.bbox.height
    assert all(box.y0 >= 0 and box.y1 <= height + 0.5 for box in boxes)


def test_own_axes_and_parts_of_the_figure():
    figure, axes = plt.subplots(1, 2)
    assert plot_function(HAT, plnet.Box(-1, 3), ax=axes[0], slope_ax=axes[1]) is axes[0]
    assert axes[1].get_ylabel() == "slope"
    plain = plot_function(HAT, slopes=False, units=False, view=(0, 1))
    assert len(plain.figure.axes) == 1
    assert plain.get_xlim() == (0, 1)
    assert not plain.texts
    assert plt.get_fignums()[0] == figure.number


def test_impossible_functions_are_refused():
    with pytest.raises(DimensionError, match="dimension 1"):
        plot_function(random_network([2, 4, 1]), plnet.Box(-1, 1))
    with pytest.raises(ConfigError, match="outputs among 0 to 1"):
        plot_function(HAT, plnet.Box(-1, 3), outputs=[2])


# Figures to turn


def test_turnable_regions_hold_all_polygons(cube):
    pytest.importorskip("plotly")
    figure = turnable_regions(cube, explode=0.2)
    mesh = figure.data[0]
    polygons = solid(cube).polygons
    assert len(mesh.x) == sum(map(len, polygons))
    assert len(mesh.i) == len(mesh.facecolor) == sum(len(p) - 2 for p in polygons)
    points = np.stack([mesh.x, mesh.y, mesh.z], axis=1)
    sides = points[np.stack([mesh.j, mesh.k], axis=1)] - points[mesh.i][:, None]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    assert areas.sum() == pytest.approx(sum(map(polygon_area, polygons)))
    assert len(turnable_regions(cube).data) == 4, "regions and boundary, each with its outlines"


def test_turnable_graph_of_a_plane():
    pytest.importorskip("plotly")
    network = random_network([2, 6, 3], 1)
    figure = turnable_regions(network, plnet.Box(-1, 1), color_by="class", output=2)
    mesh = figure.data[0]
    assert mesh.z == pytest.approx(network.evaluate(np.stack([mesh.x, mesh.y], axis=1))[:, 2])


def test_missing_plotly_is_named(cube, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtraError, match=r"plnet\[plotly\]"):
        turnable_regions(cube)


def test_turnable_regions_need_a_plane_or_a_space():
    pytest.importorskip("plotly")
    with pytest.raises(DimensionError, match="2 or 3"):
        turnable_regions(HAT, plnet.Box(-1, 3))
