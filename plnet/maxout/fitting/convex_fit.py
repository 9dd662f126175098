"""Max-affine fits of a convex function of several variables."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from plnet.errors import TargetError
from plnet.maxout.fitting.certificate import certify
from plnet.maxout.fitting.problem import Problem
from plnet.maxout.fitting.refinement import Covering, refine
from plnet.maxout.fitting.results import ErrorBracket
from plnet.maxout.fitting.touch_points import starting_points, tangents
from plnet.maxout.max_affine import MaxAffine

__all__ = ["best_covering", "fit_convex", "known_pieces", "one_sided"]

_SCREENING, _POLISHING = 8, 60
"""Linear programs for each start, and for each of the best starts."""

Stop = Callable[[int], bool]


def known_pieces(problem: Problem, pieces: int) -> MaxAffine | None:
    """Return a piecewise-linear target itself, if it is known to have no more pieces than asked for."""
    known = problem.target.pieces
    if known is None or len(known) > pieces or not problem.is_identity:
        return None
    return MaxAffine([list(slope) for slope, _ in known], [offset for _, offset in known])


def fit_convex(
    problem: Problem, pieces: int, kind: str, starts: int, rng: np.random.Generator, stop: Stop
) -> tuple[MaxAffine, ErrorBracket]:
    """Return a locally best max-affine function with k pieces and its certified error."""
    best = best_covering(problem, pieces, starts, rng, stop)
    slopes, offsets = tangents(problem, best.points)
    lift = {"free": 0.5, "lower": 0.0, "upper": 1.0}[kind] * best.error
    function = MaxAffine(slopes, offsets + lift)
    return function, certify(problem, function, best.points)


def best_covering(
    problem: Problem, pieces: int, starts: int, rng: np.random.Generator, stop: Stop
) -> Covering:
    """Return the touch points with the least error: many starts refined a little, the best ones to the end.

    `stop` is asked after each start; Ctrl-C also ends the search with what is known.
    """
    found: list[Covering] = []
    polished: list[Covering] = []
    try:
        for number, points in enumerate(starting_points(problem, pieces, starts, rng), 1):
            refined = refine(problem, points, _SCREENING)
            if refined is not None:
                found.append(refined)
            if stop(number) and found:
                break
        found.sort(key=lambda covering: covering.error)
        for number, candidate in enumerate(found[: max(starts // 5, 1)], starts + 1):
            refined = refine(problem, candidate.points, _POLISHING)
            if refined is not None:
                polished.append(refined)
            if stop(number):
                break
    except KeyboardInterrupt:
        if not found:
            raise
    if not found:
        raise TargetError(
            f"{problem.target.name} is too flat, or too many pieces ({pieces}) are asked for: the "
            "tangents at different points cannot be told apart in floating point. Ask for fewer pieces."
        )
    return min([*found, *polished], key=lambda covering: covering.error)


def one_sided(function: MaxAffine, bracket: ErrorBracket, kind: str) -> tuple[MaxAffine, ErrorBracket]:
    """Move g so far that it is proved to lie on one side of the target; for a free fit nothing changes."""
    excess = {"lower": bracket.above[1], "upper": bracket.below[1]}.get(kind, 0)
    if excess <= 0:
        return function, bracket
    sign = -1 if kind == "lower" else 1
    exact = isinstance(excess, Fraction)
    moved = [
        old + sign * excess
        if exact
        else Fraction(math.nextafter(float(old) + sign * float(excess), sign * math.inf))
        for old in function.offsets
    ]
    shifts = [new - old for new, old in zip(moved, function.offsets, strict=True)]
    least, most = (min(shifts), max(shifts)) if exact else (_down(min(shifts)), _up(max(shifts)))
    return MaxAffine(function.slopes, moved), bracket.shifted(least, most).rounded_outwards(exact)


def _down(value: Fraction) -> float:
    return math.nextafter(float(value), -math.inf)


def _up(value: Fraction) -> float:
    return math.nextafter(float(value), math.inf)
