"""Several panels: stacked, with heights that can be compared, lines that end where the domain ends."""

import numpy as np
import pytest
from helpers import he_network

import plnet
from plnet.errors import ConfigError
from plnet.plotting import panels, plot_regions, style
from plnet.plotting.axes_row import compare_heights

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize(
    ("count", "columns", "shape"), [(7, 3, (3, 3)), (6, 3, (2, 3)), (2, 3, (1, 2)), (3, None, (1, 3))]
)
def test_panels_stack(count, columns, shape):
    with panels(count, style(), columns=columns) as (figure, axes):
        assert len(axes) == count == len(figure.axes)
        grid = [ax.get_subplotspec() for ax in axes]
        assert {(spec.get_gridspec().nrows, spec.get_gridspec().ncols) for spec in grid} == {shape}
        assert [spec.num1 for spec in grid] == list(range(count))


@pytest.mark.parametrize(("count", "columns"), [(0, None), (3, 0)])
def test_panels_need_positive_numbers(count, columns):
    with pytest.raises(ConfigError, match="at least one"), panels(count, style(), columns=columns):
        pass


def test_heights_are_one_scale_or_said_to_be_several():
    with panels(2, style()) as (_, (left, right)):
        for ax, top in ((left, 1.0), (right, 3.0)):
            ax.plot([0, 1], [0, top])
            ax.set_ylabel("output")
        compare_heights([left, right])
        assert left.get_ylim() == right.get_ylim()
        assert right.get_ylim()[1] >= 3
    with panels(2, style()) as (_, (left, right)):
        for ax, top in ((left, 1.0), (right, 100.0)):
            ax.plot([0, 1], [0, top])
            ax.set_ylabel("output")
        compare_heights([left, right])
        assert left.get_ylim()[1] < 2
        assert [ax.get_ylabel() for ax in (left, right)] == ["output (own scale)"] * 2


@pytest.mark.parametrize("walls", ["plain", "depth"])
def test_lines_are_cut_off_where_a_slanted_domain_ends(walls):
    corners = np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 1.0]])
    found = plnet.enumerate_regions(he_network((2, 6, 1), 0, 0.1), plnet.Slice.through(corners))
    ax = plot_regions(found, boundary=True, walls=walls)
    for label in ("_boundary", "_walls") if walls == "depth" else ("_boundary",):
        (lines,) = (item for item in ax.collections if item.get_label() == label)
        path, transform = lines.get_clip_path().get_transformed_path_and_affine()
        ring = (transform - ax.transData).transform(path.vertices)
        # The parallelogram of the slice: its area is that of the domain.
        x, y = ring.T
        area = abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2
        assert area == pytest.approx(found.volumes.sum(), rel=1e-6)
