"""The verbs: `fit_max_affine` and `optimal_error`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.checks import check_choice, suggest_options
from plnet.errors import TargetError
from plnet.geometry.domain import Domain
from plnet.ir.network import PLNetwork
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.effort import Effort, effort_of
from plnet.maxout.fitting.error.bracket import error_bracket, up
from plnet.maxout.fitting.line.interval_fit import (
    KIND_FACTOR,
    best_partition,
    fit_on_interval,
    optimum_on_interval,
)
from plnet.maxout.fitting.line.stabbing import best_slopes
from plnet.maxout.fitting.results import ErrorBracket, MaxAffineFit
from plnet.maxout.fitting.space.convex_fit import settled
from plnet.maxout.fitting.space.least_squares import fit_domain_least_squares
from plnet.maxout.fitting.space.network_fit import fit_max_affine_target, fit_network
from plnet.maxout.fitting.space.point_fit import best_lower_pieces, lifted_offsets
from plnet.maxout.fitting.space.spatial_fit import fit_in_space
from plnet.maxout.fitting.targets.assumptions import assumptions_of, check_convex
from plnet.maxout.fitting.targets.catalogue import Target
from plnet.maxout.fitting.targets.fit_problem import FitProblem, bounded_chart
from plnet.maxout.fitting.targets.reading import read_callable
from plnet.maxout.fitting.targets.samples import Samples, fit_least_squares, read_samples, sample_errors
from plnet.maxout.inputs import chart_of, read_network
from plnet.progress import Progress

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["fit_max_affine", "optimal_error"]

_OBJECTIVES = ("sup", "least_squares")


@suggest_options
def fit_max_affine(
    target: Callable[..., Any] | Target | Module | PLNetwork | MaxAffine | Sequence[Any],
    pieces: int,
    domain: Domain | None = None,
    *,
    kind: str = "free",
    objective: str = "sup",
    rng: Any = None,
    starts: int | None = None,
    max_seconds: float | None = None,
    progress: Progress = "auto",
) -> MaxAffineFit:
    """Approximate a convex function by the maximum of k affine functions, with a certified error.

    Parameters
    ----------
    target : callable, Target, torch.nn.Module, PLNetwork, MaxAffine or (X, y)
        A convex function of points (n, d), numpy vectorised; a piecewise-linear network with one output; or
        samples X (n, d) and y (n,).
    pieces : int
        The number k of affine functions, at least 1.
    domain : Box, Polytope, Segment or Slice
        Bounded. Samples have none. On a `Segment` or `Slice` the fit is a function of its coordinates t.
    kind : {"free", "lower", "upper"}
        "lower" stays below the target and "upper" above it, on the whole domain.
    objective : {"sup", "least_squares"}
        What is made small; the sup error is certified for both.
    rng : int, SeedSequence or Generator, optional
        Draws starting points; 0 if not given. Best fits in one dimension do not depend on it.
    starts : int, optional
        Number of starts of the local search in several dimensions; 20 if not given.
    max_seconds : float, optional
        Return after about this time what is best so far, with a certified error and a word in `stopped_by`. A
        network of which the regions are not known by then raises `IncompleteResultError`. Ctrl-C ends the
        search too.
    progress : "auto", bool, None or callable
        A function gets the number of finished starts. There is no bar: a fit takes seconds.

    Returns
    -------
    MaxAffineFit
        ``.sup_error`` is never less than the true error.

    Raises
    ------
    NotConvexError
        If the target is seen not to be convex; the message says where.
    TargetError
        If the target, the samples or an option cannot be used.
    UnboundedDomainError
        If the domain is unbounded.

    Notes
    -----
    One variable: the best k lines are the chords of the partition on which the function bends away
    from its chord equally far; this is the optimum, for functions and for samples. Several
    variables: the best lower fit of a smooth function consists of tangents, whose touch points are found
    by clustering and refined by linear programs; a local optimum. Where the function has kinks, linear
    programs over the slopes of the pieces follow. One piece is the best one, and so are all for a ridge
    function, which bends along one direction only: the fit is the best one on a line, carried over. Lower and
    upper fits are free fits moved by their error, so their optimum is twice as large.

    References
    ----------
    Magnani and Boyd (2009), "Convex piecewise-linear fitting".
    Hsiung, Kim and Boyd (2008), "Tractable approximate robust geometric programming", for one variable.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet import Box
    >>> from plnet.maxout.fitting import fit_max_affine
    >>> fit = fit_max_affine(np.square, 4, Box(0, 1))
    >>> round(fit.sup_error, 9), fit.function.pieces
    (0.0078125, 4)
    """
    wanted = _Wanted(_check_options(pieces, kind, objective, starts), kind, objective)
    effort = effort_of(starts, rng, max_seconds, progress)
    if _is_samples(target):
        found = _fit_samples(target, domain, wanted, effort)
    elif isinstance(target, MaxAffine) or _is_network(target):
        found = _fit_piecewise(target, domain, wanted, effort)
    elif callable(target):
        found = _fit_callable(target, domain, wanted, effort)
    else:
        raise TargetError(
            f"Expected a function, a network or samples (X, y) to approximate, got {type(target).__name__}."
        )
    ended = "max_seconds" if found.stopped_by or effort.deadline.passed else ""
    return replace(found, seconds=effort.deadline.seconds, stopped_by=ended)


@dataclass(frozen=True)
class _Wanted:
    """Which fit is asked for."""

    pieces: int
    kind: str
    objective: str


def optimal_error(
    target: Any, pieces: int, domain: Domain | None = None, kind: str = "free"
) -> float | Fraction:
    """Return the least sup-norm error that any k pieces can have, for a target of one variable.

    Parameters
    ----------
    target, pieces, domain, kind
        As in `fit_max_affine`; functions, networks and samples of one variable.

    Returns
    -------
    float or Fraction
        A Fraction only where it is exact.

    Raises
    ------
    TargetError
        If the target has more variables and the optimum is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet import Box
    >>> from plnet.maxout.fitting import optimal_error
    >>> round(optimal_error(np.exp, 1, Box(0, 1)), 10)
    0.1059334163
    """
    fit = fit_max_affine(target, pieces, domain, kind=kind, starts=1)
    if fit.optimal_error is None:
        raise TargetError(
            f"The least error is known for functions of one variable; this target has {fit.function.dim}. "
            "fit_max_affine gives a fit with a certified error."
        )
    return fit.optimal_error


def _fit_callable(target: Any, domain: Domain | None, wanted: _Wanted, effort: Effort) -> MaxAffineFit:
    if isinstance(target, Target) and target.pieces is not None and wanted.objective == "sup":
        chart = bounded_chart(domain, target.dim, target.name)
        problem = FitProblem(target, chart)
        if problem.is_identity:
            known = MaxAffine([list(slope) for slope, _ in target.pieces], [b for _, b in target.pieces])
            return _result(*fit_max_affine_target(known, wanted.pieces, chart, wanted.kind, effort), wanted)
    problem = read_callable(target, domain)
    check_convex(problem, effort.rng)
    assumptions = assumptions_of(problem)
    rms, optimum, stopped = None, None, False
    if wanted.objective == "least_squares":
        slopes, offsets, rms = fit_domain_least_squares(problem, wanted.pieces, effort)
        function, method = MaxAffine(slopes, offsets), "alternating least squares"
        bracket = error_bracket(problem, function, None, effort.deadline)
        if problem.dim == 1:
            optimum = optimum_on_interval(problem, best_partition(problem, wanted.pieces), wanted.kind)
    elif problem.dim == 1:
        function, bracket, optimum = fit_on_interval(problem, wanted.pieces, wanted.kind)
        method = "equal gaps on an interval"
    else:
        fit = fit_in_space(problem, wanted.pieces, effort)
        function, bracket, method, stopped = fit.function, fit.bracket, fit.method, fit.stopped
        if fit.optimum is not None:
            optimum = KIND_FACTOR[wanted.kind] * fit.optimum[0], KIND_FACTOR[wanted.kind] * fit.optimum[1]
    if wanted.objective == "sup":
        function, bracket = settled(function, bracket, wanted.kind)
    found = _result(function, bracket, optimum, method, wanted)
    ended = "max_seconds" if stopped else ""
    return replace(found, assumptions=assumptions, rms_error=rms, stopped_by=ended)


def _fit_piecewise(target: Any, domain: Domain | None, wanted: _Wanted, effort: Effort) -> MaxAffineFit:
    if wanted.objective != "sup":
        raise TargetError(
            'A network is fitted in the sup norm. For objective="least_squares" give samples of it: '
            "fit_max_affine((X, y), pieces)."
        )
    if isinstance(target, MaxAffine):
        chart = chart_of(target.to_network(), domain)
        if target.dim == chart.dim and FitProblem(Target(target, target.dim), chart).is_identity:
            found = fit_max_affine_target(target, wanted.pieces, chart, wanted.kind, effort)
            return _result(*found, wanted)
    network: Any = target
    found = fit_network(read_network(network), wanted.pieces, domain, wanted.kind, effort)
    return _result(*found, wanted)


def _fit_samples(target: Any, domain: Domain | None, wanted: _Wanted, effort: Effort) -> MaxAffineFit:
    if domain is not None:
        raise TargetError("Samples are fitted where they are: leave the domain out, or give a function.")
    samples = read_samples(*target, repeated=wanted.objective == "least_squares")
    optimum = None
    if wanted.objective == "least_squares":
        slopes, offsets = fit_least_squares(samples, wanted.pieces, effort)
        method = "alternating least squares"
    else:
        if samples.dim == 1:
            slopes, optimum = best_slopes(samples, wanted.pieces)
            slopes, method = slopes[:, None], "fewest slopes that stab all intervals"
        else:
            slopes = best_lower_pieces(samples, wanted.pieces, effort.share(2))
            method = "alternating partition with linear programs"
        offsets = lifted_offsets(samples, slopes)
    function = MaxAffine(slopes, offsets)
    bracket = sample_errors(samples, function)
    if wanted.objective == "sup":
        function, bracket = _settled(function, bracket, wanted.kind, samples)
        if optimum is not None:
            factor = 0.5 if wanted.kind == "free" else 1.0
            optimum = factor * optimum[0], factor * optimum[1]
    errors = samples.values - function(samples.points)
    found = _result(function, bracket, optimum, method, wanted)
    return replace(found, rms_error=float(np.sqrt((errors**2).mean())))


def _settled(
    function: MaxAffine, bracket: ErrorBracket, kind: str, samples: Samples
) -> tuple[MaxAffine, ErrorBracket]:
    """Move a lower fit to its side; its coefficients stay floats, and their rounding is in the errors."""
    below, above = Fraction(bracket.below[1]), Fraction(bracket.above[1])
    shift = float({"free": (below - above) / 2, "lower": 0, "upper": below}[kind])
    moved = MaxAffine(function.slopes, function.float_offsets + shift)
    found = sample_errors(samples, moved)
    while (kind == "lower" and found.above[1] > 0) or (kind == "upper" and found.below[1] > 0):
        moved, _ = settled(moved, ErrorBracket(*_floats(found), found.below_at, found.above_at), kind)
        found = sample_errors(samples, moved)
    return moved, found


def _floats(bracket: ErrorBracket) -> tuple[tuple[float, float], tuple[float, float]]:
    below, above = ((float(low), up(high)) for low, high in (bracket.below, bracket.above))
    return below, above


def _result(
    function: MaxAffine, bracket: ErrorBracket, optimum: tuple[Any, Any] | None, method: str, wanted: _Wanted
) -> MaxAffineFit:
    lo, hi = bracket.sup
    if optimum is not None:
        # What was reached bounds the optimum from above.
        optimum = min(optimum[0], hi), min(optimum[1], hi)
    return MaxAffineFit(
        function=function,
        sup_error=hi,
        sup_error_bounds=(lo, hi),
        optimal_error=None if optimum is None else _middle(optimum),
        optimal_error_bounds=optimum,
        kind=wanted.kind,
        objective=wanted.objective,
        method=method,
        assumptions=(),
        pieces=wanted.pieces,
        witness=np.array(bracket.witness, dtype=np.float64),
    )


def _middle(bracket: tuple[Any, Any]) -> float | Fraction:
    """Return the least error as one number: 0 where nothing speaks against an exact fit."""
    lo, hi = bracket
    return lo if lo == hi or not lo else 0.5 * (float(lo) + float(hi))


def _check_options(pieces: Any, kind: Any, objective: Any, starts: Any) -> int:
    for name, value in (("pieces", pieces), ("starts", 1 if starts is None else starts)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
            raise TargetError(f"Expected {name} as an integer of at least 1, got {value!r}.")
    check_choice("kind", kind, KIND_FACTOR, TargetError)
    check_choice("objective", objective, _OBJECTIVES, TargetError)
    if objective == "least_squares" and kind != "free":
        raise TargetError(
            f"A fit of kind {kind!r} is made in the sup norm only. Leave objective out, or take a free fit."
        )
    return int(pieces)


def _is_samples(target: Any) -> bool:
    if isinstance(target, np.ndarray) or (isinstance(target, tuple | list) and len(target) != 2):
        raise TargetError("Samples are a pair (X, y) of points (n, d) and values (n,).")
    return isinstance(target, tuple | list)


def _is_network(target: Any) -> bool:
    return isinstance(target, PLNetwork) or (
        hasattr(target, "parameters") and hasattr(target, "forward") and not isinstance(target, type)
    )
