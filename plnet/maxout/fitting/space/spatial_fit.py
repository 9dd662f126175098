"""Max-affine fits of a convex function of several variables, with their certified errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from plnet.budgets import Deadline
from plnet.geometry.domain import Segment
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.error.bracket import error_bracket, summit
from plnet.maxout.fitting.line.interval_fit import fit_on_interval
from plnet.maxout.fitting.results import ErrorBracket
from plnet.maxout.fitting.space.convex_fit import best_covering, settled
from plnet.maxout.fitting.space.free_slopes import LowerFit, best_free_slopes
from plnet.maxout.fitting.space.network_fit import best_slopes_of, corners_of, problem_of
from plnet.maxout.fitting.space.piece_search import spatial_pieces
from plnet.maxout.fitting.space.point_fit import lifted_offsets
from plnet.maxout.fitting.targets.curvature import ridge_of
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.kinks import has_kinks
from plnet.maxout.fitting.targets.touch_points import sample_domain, tangents

__all__ = ["SpatialFit", "fit_in_space"]

_STEEP = 16.0
"""How much greater than the rest an affine function is that is taken off a target."""
_PLANE = 0.2
"""Share of the budget for a single plane, which is certified quickly, before there are better fits."""
_TIGHT = 1e-6
"""Relative width of the bracket of an optimum that is known."""


@dataclass(frozen=True, eq=False)
class SpatialFit:
    """A fit, its certified error, and a bracket of the least error where it is known.

    Parameters
    ----------
    function : MaxAffine
    bracket : ErrorBracket
    method : str
    optimum : (lo, hi), optional
        Of free fits.
    stopped : bool
        Whether the time ended the search.
    """

    function: MaxAffine
    bracket: ErrorBracket
    method: str
    optimum: tuple[float, float] | None = None
    stopped: bool = False


def fit_in_space(problem: FitProblem, pieces: int, effort: Effort) -> SpatialFit:
    """Return a locally best free fit with k pieces; the best one where the target is known to allow that.

    Piecewise-linear targets with few pieces and ridge functions are recognised; what is recognised decides
    which fits are tried, and no error rests on it.
    """
    plane = _large_plane(problem)
    inner = problem if plane is None else replace(problem, plane=plane)
    found = _on_ridge(inner, pieces, effort) or _with_known_pieces(inner, pieces, effort)
    found = found or _searched(inner, pieces, effort)
    return found if plane is None else _with_plane(found, plane, problem)


def _searched(problem: FitProblem, pieces: int, effort: Effort) -> SpatialFit:
    search = effort.search
    fits: list[tuple[MaxAffine, np.ndarray, str]] = []
    try:
        for found in _candidates(problem, pieces, search):
            fits.append(found)
            if search.deadline.passed:
                break
    except KeyboardInterrupt:
        if not fits:
            raise
    stopped = search.deadline.passed
    best: SpatialFit | None = None
    for function, near, method in reversed(fits):
        bracket = error_bracket(problem, function, near, effort.deadline)
        function, bracket = settled(function, bracket, "free")
        if best is None or bracket.sup[1] < best.bracket.sup[1]:
            best = SpatialFit(function, bracket, method, stopped=stopped)
    assert best is not None
    return best


def _candidates(
    problem: FitProblem, pieces: int, effort: Effort
) -> Iterator[tuple[MaxAffine, np.ndarray, str]]:
    """Yield fits, with the points where their pieces exceed the target most, and how they were found."""
    bends = has_kinks(problem)
    # One piece is a linear program; under a budget it is at hand when the time is up.
    if pieces == 1 or effort.deadline.max_seconds is not None:
        slope = problem.with_slopes(problem.vertices)[1].mean(axis=0, keepdims=True)
        short = effort if pieces == 1 else effort.part(_PLANE)
        yield from _freed(best_free_slopes(problem, 1, slope, short, bends=bends))
    if pieces == 1:
        return
    covering = best_covering(problem, pieces, effort.share(4) if bends else effort)
    slopes, offsets = tangents(problem, covering.points)
    function = MaxAffine(slopes, offsets + 0.5 * covering.error)
    yield function, covering.points, "tangents at covering points, refined by linear programs"
    if bends:
        yield from _freed(best_free_slopes(problem, pieces, slopes, effort, bends=bends))


def _freed(found: LowerFit | None) -> Iterator[tuple[MaxAffine, np.ndarray, str]]:
    if found is not None:
        function = MaxAffine(found.slopes, found.offsets + 0.5 * found.error)
        yield function, found.touching, "linear programs over the slopes of active pieces"


def _with_known_pieces(problem: FitProblem, pieces: int, effort: Effort) -> SpatialFit | None:
    """Fit a piecewise-linear target by the vertices of its graph."""
    known = spatial_pieces(problem, effort.search.deadline)
    if known is None:
        return None
    if known.pieces <= pieces:
        corners = corners_of(known, problem.chart).points
        heights = corners @ known.float_slopes.T + known.float_offsets
        own = heights >= heights.max(axis=1, keepdims=True) - _TIGHT * problem.scale
        # In the middle of a piece the slopes of the target are known best.
        near = np.array([corners[on].mean(axis=0) if on.any() else problem.middle for on in own.T])
        bracket = error_bracket(problem, known, near, effort.deadline)
        same = "the target has no more pieces than asked for"
        return SpatialFit(known, bracket, same, (0.0, float(bracket.sup[1])))
    piecewise = problem_of(known, problem.chart)
    corners = corners_of(known, problem.chart)
    search = effort.search
    slopes = best_slopes_of(piecewise, known, corners, pieces, search)
    stopped = search.deadline.passed
    offsets = lifted_offsets(corners, slopes)
    function = MaxAffine(slopes, offsets)
    near = _near(problem, function, corners.points, effort.deadline)
    function, bracket = settled(function, error_bracket(problem, function, near, effort.deadline), "free")
    method = "alternating partition, then linear programs over slopes"
    return SpatialFit(function, bracket, method, stopped=stopped)


def _on_ridge(problem: FitProblem, pieces: int, effort: Effort) -> SpatialFit | None:
    """Fit a ridge function along a line on which it takes all its values, and carry the fit over.

    The restriction of any fit to the line is a fit there, so no fit has a smaller error than the best one on
    the line.
    """
    ridge = ridge_of(problem)
    if ridge is None:
        return None
    form, ends = ridge.form, ridge.ends
    segment = Segment(*problem.chart.embed(ends)).chart(problem.chart.input_dim)
    best, _, optimum = fit_on_interval(FitProblem(problem.target, segment), pieces, "free")
    middle = replace(problem, plane=None).with_slopes(problem.middle[None])[1][0]
    step, rest = ends[1] - ends[0], middle - (middle @ form) * form
    rise = (best.float_slopes[:, 0] - rest @ step) / (form @ step)
    offsets = best.float_offsets - rest @ ends[0] - rise * (form @ ends[0])
    carried = rise[:, None] * form + rest
    if problem.plane is not None:
        carried, offsets = carried - problem.plane[:-1], offsets - problem.plane[-1]
    function = MaxAffine(carried, offsets)
    near = _near(problem, function, ends[0] + np.linspace(0, 1, 1000)[:, None] * step, effort.deadline)
    function, bracket = settled(function, error_bracket(problem, function, near, effort.deadline), "free")
    low, high = float(optimum[0]), float(bracket.sup[1])
    if high > low * (1 + _TIGHT) + 64 * problem.noise:
        return None
    return SpatialFit(function, bracket, "equal gaps along a ridge", (min(low, high), high))


def _near(problem: FitProblem, function: MaxAffine, points: np.ndarray, deadline: Deadline) -> np.ndarray:
    """Return for each piece where it exceeds the target about most, shape (k, d)."""
    slopes = function.float_slopes
    best = points[(points @ slopes.T - problem.value(points)[:, None]).argmax(axis=0)]
    if has_kinks(problem):
        return best
    return np.array(
        [summit(problem, slope, near, deadline) for slope, near in zip(slopes, best, strict=True)]
    )


def _large_plane(problem: FitProblem) -> np.ndarray | None:
    """Return an affine function that is much larger than what is left of the target without it."""
    points = np.concatenate(
        [problem.vertices, sample_domain(problem, 50 * problem.dim, np.random.default_rng(0))]
    )
    design = np.column_stack([points, np.ones(len(points))])
    values = problem.value(points)
    plane = np.linalg.lstsq(design, values, rcond=None)[0]
    rest = float(np.abs(values - design @ plane).max())
    return plane if problem.scale > _STEEP * rest > 0 else None


def _with_plane(found: SpatialFit, plane: np.ndarray, problem: FitProblem) -> SpatialFit:
    """Add an affine function to a fit; what the rounding of coefficients changes is in the bracket."""
    added = [Fraction(x) for x in plane.tolist()]
    reach = [Fraction(x) for x in np.abs(problem.vertices).max(axis=0).tolist()]
    rows, lows, highs = [], [], []
    for slope, offset in zip(found.function.slopes, found.function.offsets, strict=True):
        exact = [x + y for x, y in zip([*slope, offset], added, strict=True)]
        rows.append([float(x) for x in exact])
        *tilt, level = [Fraction(x) - y for x, y in zip(rows[-1], exact, strict=True)]
        loose = sum(abs(x) * far for x, far in zip(tilt, reach, strict=True)) * (1 + Fraction(2) ** -50)
        lows.append(level - loose)
        highs.append(level + loose)
    function = MaxAffine([row[:-1] for row in rows], [row[-1] for row in rows])
    least, most = float(min(lows)), float(max(highs))
    bracket = found.bracket.shifted(np.nextafter(least, -np.inf), np.nextafter(most, np.inf))
    return replace(found, function=function, bracket=bracket.rounded_outwards(exact=False))
