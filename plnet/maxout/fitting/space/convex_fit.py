"""Touch points of the best max-affine functions below a convex function, and the side on which a fit lies."""

from __future__ import annotations

import math
from fractions import Fraction

from plnet.errors import TargetError
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.error.bracket import down, up
from plnet.maxout.fitting.results import ErrorBracket
from plnet.maxout.fitting.space.refinement import Covering, refine
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.touch_points import starting_points

__all__ = ["best_covering", "settled"]

_SCREENING, _POLISHING = 8, 60
"""Linear programs for each start, and for each of the best starts."""


def best_covering(problem: FitProblem, pieces: int, effort: Effort) -> Covering:
    """Return the touch points with the least error: many starts refined a little, the best ones to the end.

    Ctrl-C ends the search with what is known.
    """
    found: list[Covering] = []
    polished: list[Covering] = []
    try:
        for number, points in enumerate(starting_points(problem, pieces, effort), 1):
            refined = refine(problem, points, _SCREENING, effort.deadline)
            if refined is not None:
                found.append(refined)
            if effort.ends_after(number) and found:
                break
        found.sort(key=lambda covering: covering.error)
        for number, candidate in enumerate(found[: max(effort.starts // 5, 1)], effort.starts + 1):
            if effort.deadline.passed:
                break
            refined = refine(problem, candidate.points, _POLISHING, effort.deadline)
            if refined is not None:
                polished.append(refined)
            effort.ends_after(number)
    except KeyboardInterrupt:
        if not found:
            raise
    if not found:
        raise TargetError(
            f"{problem.target.name} is too flat, or too many pieces ({pieces}) are asked for: the "
            "tangents at different points cannot be told apart in floating point. Ask for fewer pieces."
        )
    return min([*found, *polished], key=lambda covering: covering.error)


def settled(function: MaxAffine, bracket: ErrorBracket, kind: str) -> tuple[MaxAffine, ErrorBracket]:
    """Move g to where its error is least: between both sides, or so far that it is proved to lie on one."""
    (below, most_below), (above, most_above) = bracket.below, bracket.above
    exact = isinstance(below, Fraction)
    middle = (Fraction(below) + Fraction(most_below) - Fraction(above) - Fraction(most_above)) / 4
    shift = {"free": middle, "lower": -Fraction(most_above), "upper": Fraction(most_below)}[kind]
    doubt = Fraction(most_below) - Fraction(below) + Fraction(most_above) - Fraction(above)
    if not shift or (kind == "free" and abs(shift) <= doubt):
        return function, bracket
    moved = [_rounded(old + shift, kind, exact) for old in function.offsets]
    shifts = [new - old for new, old in zip(moved, function.offsets, strict=True)]
    least, most = (min(shifts), max(shifts)) if exact else (down(min(shifts)), up(max(shifts)))
    found = bracket.shifted(least, most).rounded_outwards(exact)
    if kind == "free" and found.sup[1] >= bracket.sup[1]:
        return function, bracket
    return MaxAffine(function.slopes, moved), found


def _rounded(offset: Fraction, kind: str, exact: bool) -> Fraction:
    """Round an offset to a float: for one-sided fits away from the target."""
    if exact:
        return offset
    nearest = float(offset)
    away = {"free": nearest, "lower": -math.inf, "upper": math.inf}[kind]
    return Fraction(math.nextafter(nearest, away))
