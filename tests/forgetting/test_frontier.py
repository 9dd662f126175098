"""Frontiers against brute force: nothing beats the front, and weighted sums find the corners of the hull."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plnet.errors import MetricError
from plnet.forgetting import AccuracyCurves, SequenceResult
from plnet.forgetting.results.frontier import convex_frontier, frontier_points, pareto_front

# Few different values, so that ties are frequent; eighths are exact in floating point.
clouds = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=12).map(
    lambda pairs: [(a / 8, b / 8) for a, b in pairs]
)


def beats(p, q):
    return p[0] <= q[0] and p[1] <= q[1] and p != q


@given(clouds)
def test_front_is_what_no_other_point_beats(points):
    expected = sorted({q for q in points if not any(beats(p, q) for p in points)})
    assert pareto_front(points).tolist() == [list(p) for p in expected]


@given(clouds, clouds)
def test_front_chosen_by_validation(points, more):
    size = min(len(points), len(more))
    points, deciding = points[:size], more[:size]
    found = pareto_front(np.arange(2 * size).reshape(-1, 2), chosen_by=deciding)
    chosen = [deciding[int(row[0]) // 2] for row in found]
    assert chosen == sorted({q for q in deciding if not any(beats(p, q) for p in deciding)})


@given(clouds)
def test_corners_are_what_a_weighted_sum_can_find(points):
    """Every positive weighting has its minimum at a corner, and every corner is the only minimum of one."""
    corners = [tuple(Fraction(x) for x in row) for row in convex_frontier(points).tolist()]
    exact = [tuple(Fraction(x) for x in point) for point in points]
    slopes = {abs(Fraction(b[1] - a[1]) / (b[0] - a[0])) for a in exact for b in exact if a[0] != b[0]}
    slopes = sorted(slope for slope in slopes if slope) or [Fraction(1)]
    between = [
        slopes[0] / 2,
        *((a + b) / 2 for a, b in pairwise(slopes)),
        2 * slopes[-1],
    ]
    found = set()
    for weight in between:
        # No line of this slope goes through two points, so the minimum is one point.
        found.add(min(exact, key=lambda p, weight=weight: weight * p[0] + p[1]))
    assert set(corners) == found
    assert corners == sorted(corners)


def test_points_of_the_second_task():
    moments = [[[0.1, 0.1], [0.9, 0.2], [0.5, 0.6], [0.4, 0.8]]] * 2
    moments = np.array(moments)
    moments[1, 3] = np.nan
    curves = AccuracyCurves([0, 1, 2, 2], [0, 1, 1, 2], moments)
    matrix = [[[0.1, 0.1], [0.9, 0.2], [0.4, 0.8]]] * 2
    result = SequenceResult(matrix, ["a", "b"], [0, 1], curves=curves)
    assert frontier_points(result) == pytest.approx(np.array([[0.5, 0.4], [0.6, 0.2], [0.5, 0.4]]))
    lost = SequenceResult(matrix, ["a", "b"], [0, 1], curves=curves, diverged=[True, False])
    assert frontier_points(lost) == pytest.approx(np.array([[0.5, 0.4]]))
    for bad in (SequenceResult(matrix, ["a", "b"], [0, 1]), result.through(1)):
        with pytest.raises(MetricError, match="two tasks and curves"):
            frontier_points(bad)


def test_what_is_refused():
    assert pareto_front([]).shape == convex_frontier([]).shape == (0, 2)
    for bad in ([[0.1, np.nan]], [[0.1]], [0.1, 0.2], [["a", "b"]]):
        with pytest.raises(MetricError, match="pairs of errors"):
            pareto_front(bad)
    with pytest.raises(MetricError, match="as many points"):
        pareto_front([[0.1, 0.2]], chosen_by=[[0.1, 0.2]] * 2)
