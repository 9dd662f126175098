"""Best max-affine fits of a convex function of one variable."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.error.bracket import error_bracket
from plnet.maxout.fitting.line.interval import Curve, Partition, equalised_partition
from plnet.maxout.fitting.line.recovery import equals, recovered_pieces
from plnet.maxout.fitting.results import ErrorBracket
from plnet.maxout.fitting.targets.fit_problem import FitProblem

__all__ = ["KIND_FACTOR", "best_partition", "fit_on_interval", "lines_of", "optimum_on_interval"]

KIND_FACTOR = {"free": 1.0, "lower": 2.0, "upper": 2.0}


def best_partition(problem: FitProblem, pieces: int, kinks: np.ndarray | None = None) -> Partition:
    """Return the partition of the domain, an interval, with equal gaps.

    `kinks` are all places where the slope of a piecewise-linear target changes.
    """
    low, high = float(problem.vertices.min()), float(problem.vertices.max())
    curve = Curve(lambda t: problem.value(t[:, None]), kinks)
    return equalised_partition(curve, low, high, pieces, problem.noise)


def optimum_on_interval(problem: FitProblem, partition: Partition, kind: str) -> tuple[float, float]:
    """Return a bracket of the least error: half the least and greatest gap, or these for one-sided fits."""
    factor = KIND_FACTOR[kind]
    lo, hi = partition.optimum
    return max(factor * (lo - problem.noise), 0.0), factor * (hi + problem.noise)


def fit_on_interval(
    problem: FitProblem, pieces: int, kind: str
) -> tuple[MaxAffine, ErrorBracket, tuple[float | Fraction, float | Fraction]]:
    """Return the best max-affine function with k pieces, its certified error and the optimum's bracket."""
    found = recovered_pieces(problem, pieces)
    if found is not None and equals(problem, found):
        at, nothing = problem.vertices[0], (Fraction(0), Fraction(0))
        if problem.target.pieces is None:
            # Computed values cannot tell the target from one that differs by less than their rounding error.
            nothing = (0.0, problem.noise)
        return found, ErrorBracket(nothing, nothing, at, at), nothing
    if found is not None:
        bracket = error_bracket(problem, found)
        return found, bracket, (0.0, bracket.sup[1])
    partition = best_partition(problem, pieces)
    function = lines_of(partition, kind)
    return function, error_bracket(problem, function), optimum_on_interval(problem, partition, kind)


def lines_of(partition: Partition, kind: str) -> MaxAffine:
    """Return the chords of a partition, moved down by half the greatest gap (free) or all of it (lower)."""
    # A part of no width says nothing about the slope; its neighbours reach across it.
    wide = np.diff(partition.knots) > 1e-9 * np.ptp(partition.knots)
    left, right = partition.knots[:-1][wide], partition.knots[1:][wide]
    at_left, at_right = partition.heights[:-1][wide], partition.heights[1:][wide]
    slopes = (at_right - at_left) / (right - left)
    # The chord is put through the middle of the part, where both of its ends are equally far.
    chords = 0.5 * (at_left + at_right) - slopes * 0.5 * (left + right)
    depth = {"free": 0.5, "lower": 1.0, "upper": 0.0}[kind] * float(partition.gaps.max())
    return MaxAffine(slopes[:, None], chords - depth)
