"""Is a convex function of several variables piecewise linear with few pieces? Then they are found.

Tangents at random points, then at the vertices of the graph of their maximum that lie below the function:
when there are none left, the maximum is the function, because a convex function that is nowhere above it at
the vertices of a linear piece is nowhere above it on the piece.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import QhullError

from plnet.budgets import Deadline
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.error.graph import float_graph
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.touch_points import sample_domain

__all__ = ["spatial_pieces"]

_SAMPLE = 64
"""Points of the first tangents."""
_MOST = 200
"""Pieces of a function for which the search goes on: fewer in many dimensions, where graphs are large."""
_SAME = 1e-6
"""Difference of two tangents somewhere in the domain, as a share of the size of values, that is rounding."""


def spatial_pieces(problem: FitProblem, deadline: Deadline) -> MaxAffine | None:
    """Return a target that seems to be piecewise linear as the maximum of its pieces; None for all others."""
    rng = np.random.default_rng(0)
    rows = _with_tangents(problem, np.empty((0, problem.dim + 1)), sample_domain(problem, _SAMPLE, rng))
    most = _MOST // max(problem.dim - 2, 1)
    if len(rows) > min(_SAMPLE // 2, most):
        return None
    cloud, refitted = sample_domain(problem, 20 * _SAMPLE, rng), False
    while len(rows) <= most and not deadline.passed:
        try:
            graph = float_graph(rows[:, :-1], rows[:, -1], problem.facets, problem.middle)
        except QhullError:
            return None
        corners = problem.clipped(graph.points, np.broadcast_to(problem.middle, graph.points.shape))
        points = np.concatenate([cloud, corners])
        short = problem.value(points) - (points @ rows[:, :-1].T + rows[:, -1]).max(axis=1)
        if np.abs(short).max() <= 16 * problem.noise + 1e-14 * problem.scale:
            return MaxAffine(rows[:, :-1], rows[:, -1])
        more = _with_tangents(problem, rows, points[short.argsort()[-16:]])
        if len(more) == len(rows):
            if refitted:
                return None
            more, refitted = _refitted(problem, rows, cloud), True
        rows = more
    return None


def _with_tangents(problem: FitProblem, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the rows (slope, offset) and those tangents at points that differ from all of them."""
    points, slopes = problem.with_slopes(points)
    offsets = problem.value(points) - (points * slopes).sum(axis=1)
    found = list(rows)
    vertices = np.column_stack([problem.vertices, np.ones(len(problem.vertices))])
    for row in np.column_stack([slopes, offsets]):
        if (
            not found
            or np.abs((np.array(found) - row) @ vertices.T).max(axis=1).min() > _SAME * problem.scale
        ):
            found.append(row)
    return np.array(found)


def _refitted(problem: FitProblem, rows: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    """Return the planes through the values at many points at which each piece is clearly the greatest."""
    design = np.column_stack([cloud, np.ones(len(cloud))])
    values, heights = problem.value(cloud), design @ rows.T
    order = np.sort(heights, axis=1)
    clear = (
        order[:, -1] - order[:, -2] > _SAME * problem.scale if len(rows) > 1 else np.ones(len(cloud), bool)
    )
    better = rows.copy()
    for i in range(len(rows)):
        own = clear & (heights.argmax(axis=1) == i)
        if own.sum() > problem.dim + 1:
            better[i] += np.linalg.lstsq(design[own], values[own] - heights[own, i], rcond=None)[0]
    return better
