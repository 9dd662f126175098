"""Is a convex function of one variable piecewise linear with few pieces? Then they are found."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.error.graph import exact_graph_vertices
from plnet.maxout.fitting.targets.fit_problem import FitProblem

__all__ = ["equals", "recovered_pieces"]

Line = tuple[float, float]


def recovered_pieces(problem: FitProblem, pieces: int) -> MaxAffine | None:
    """Return the pieces of a target that seems to be piecewise linear with at most so many.

    Where the lines at two points meet, a convex function is either on both of them, or a line near the
    place where they meet is a new piece.

    Notes
    -----
    O(pieces) evaluations. Lines are taken between points with few binary digits, so that those of a target
    with such coefficients are exact.
    """
    low, high = float(problem.vertices.min()), float(problem.vertices.max())
    step = 2.0 ** (math.floor(math.log2(high - low)) - 20)
    if not (low < low + step and high - step < high):
        return None
    first, last = _line(problem, low, low + step), _line(problem, high - step, high)
    lines, todo = {first, last}, [(first, last)]
    while todo:
        if len(lines) > pieces:
            return None
        left, right = todo.pop()
        if left[0] >= right[0]:
            continue
        meet = (left[1] - right[1]) / (right[0] - left[0])
        if not math.isfinite(meet):
            return None
        place = math.floor(meet / step) * step
        if not low + 2 * step < place < high - 3 * step:
            continue
        if _value(problem, meet) - (left[0] * meet + left[1]) > 64 * problem.noise:
            before = _line(problem, place - step, place)
            behind = _line(problem, place + step, place + 2 * step)
            lines |= {before, behind}
            todo += [(left, before), (behind, right)]
    slopes, offsets = zip(*sorted(lines), strict=True)
    function = MaxAffine(np.array(slopes)[:, None], np.array(offsets))
    if equals(problem, function):
        return function
    return _straightened(problem, function, pieces)


def equals(problem: FitProblem, function: MaxAffine) -> bool:
    """Whether a convex target and g are one function on the domain, as far as its values are exact.

    They are if they agree at three points of each piece of g, its ends among them.
    """
    knots = sorted(point[0] for point, _ in exact_graph_vertices(function, problem.chart))
    points = np.array([float(x) for x in knots])
    if any(Fraction(x) != y for x, y in zip(points.tolist(), knots, strict=True)):
        return False
    points = np.sort(np.concatenate([points, 0.5 * (points[1:] + points[:-1])]))[:, None]
    exact = [Fraction(x) for x in problem.value(points).tolist()]
    return list(function(points, exact=True)) == exact


def _straightened(problem: FitProblem, function: MaxAffine, pieces: int) -> MaxAffine | None:
    """Return the lines through points far apart on each wide part; None if they miss the target."""
    knots = np.sort([float(point[0]) for point, _ in exact_graph_vertices(function, problem.chart)])
    wide = np.diff(knots) > 1e-4 * np.ptp(knots)
    left, right = knots[:-1][wide], knots[1:][wide]
    near, far = left + 0.25 * (right - left), left + 0.75 * (right - left)
    at_near, at_far = problem.value(near[:, None]), problem.value(far[:, None])
    slopes = (at_far - at_near) / (far - near)
    if not len(slopes) or len(slopes) > pieces:
        return None
    better = MaxAffine(slopes[:, None], at_near - slopes * near)
    places = np.concatenate([knots, 0.5 * (left + right)])
    misses = np.abs(problem.value(places[:, None]) - better(places)).max()
    return better if misses <= 256 * problem.noise else None


def _value(problem: FitProblem, place: float) -> float:
    return float(problem.value(np.array([[place]]))[0])


def _line(problem: FitProblem, left: float, right: float) -> Line:
    here, there = problem.value(np.array([[left], [right]])).tolist()
    slope = (there - here) / (right - left)
    return slope, here - slope * left
