"""How fast the error of k pieces falls with k, and the limits that theory knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.checks import check_choice
from plnet.errors import TargetError
from plnet.geometry.domain import Domain, Segment
from plnet.maxout.fitting.api import fit_max_affine
from plnet.maxout.fitting.line.interval_fit import KIND_FACTOR
from plnet.maxout.fitting.targets.catalogue import Target
from plnet.maxout.fitting.targets.curvature import curvature_integral, curvature_rank, ridge_of
from plnet.maxout.fitting.targets.fit_problem import FitProblem, bounded_chart

__all__ = ["RateCurve", "asymptotic_constant", "covering_density", "rate_curve", "rate_limit"]


@dataclass(frozen=True, eq=False)
class RateCurve:
    """Errors of fits with more and more pieces.

    Parameters
    ----------
    name : str
        The target.
    dim : int
        Dimension d of the domain.
    kind : str
    pieces : ndarray of int, shape (n,)
    errors : ndarray, shape (n,)
        Certified sup errors: upper ends of the brackets.
    lower_ends : ndarray, shape (n,)
        Lower ends of the brackets.
    optimal_errors : ndarray, shape (n,)
        Least possible errors; NaN where they are not known.
    limits : (lo, hi) or None
        Bracket of lim k^(2/rank) E_k for the least errors E_k, where it is known.
    rank : int
        Number of directions in which the target bends: d, or less where the Hessian is singular everywhere.
    """

    name: str
    dim: int
    kind: str
    pieces: np.ndarray
    errors: np.ndarray
    lower_ends: np.ndarray
    optimal_errors: np.ndarray
    limits: tuple[float, float] | None
    rank: int

    def __post_init__(self) -> None:
        for array in (self.pieces, self.errors, self.lower_ends, self.optimal_errors):
            array.setflags(write=False)

    @property
    def optima(self) -> np.ndarray:
        """Another name of `optimal_errors`."""
        return self.optimal_errors

    @property
    def slope(self) -> float:
        """Slope of log error against log k by least squares; theory says -2/rank."""
        used = self.errors > 0
        if used.sum() < 2:
            raise TargetError("A slope needs at least two fits whose error is not 0.")
        return float(np.polyfit(np.log(self.pieces[used]), np.log(self.errors[used]), 1)[0])

    @property
    def expected_slope(self) -> float:
        """The exponent -2/rank of twice differentiable targets."""
        return -2 / max(self.rank, 1)

    @property
    def constants(self) -> np.ndarray:
        """k^(2/rank) times the error, shape (n,); tends to the limit where the fits are best."""
        return self.pieces**-self.expected_slope * self.errors


def rate_curve(
    target: Any,
    pieces: Sequence[int],
    domain: Domain,
    *,
    kind: str = "free",
    rng: Any = None,
    starts: int | None = None,
    max_seconds: float | None = None,
    progress: Callable[[int], object] | None = None,
) -> RateCurve:
    """Fit a target with several numbers of pieces.

    Parameters
    ----------
    target, domain, kind, starts
        As in `fit_max_affine`; the target is a function.
    pieces : sequence of int
    rng : int, SeedSequence or Generator, optional
        0 if not given; each number of pieces draws from a stream of its own.
    max_seconds : float, optional
        For each fit.
    progress : callable, optional
        Gets the number of pieces that is done.

    Returns
    -------
    RateCurve

    Raises
    ------
    TargetError
        If no number of pieces is given.

    Examples
    --------
    >>> from plnet import Box
    >>> from plnet.maxout.fitting import named_target, rate_curve
    >>> curve = rate_curve(named_target("square"), [1, 2, 4, 8], Box(0, 1))
    >>> round(curve.slope, 6)
    -2.0
    """
    if not len(pieces):
        raise TargetError("Expected at least one number of pieces, got none.")
    generator = np.random.default_rng(0 if rng is None else rng)
    fits = []
    for k, stream in zip(pieces, generator.spawn(len(pieces)), strict=True):
        fits.append(
            fit_max_affine(target, k, domain, kind=kind, rng=stream, starts=starts, max_seconds=max_seconds)
        )
        if progress is not None:
            progress(k)
    smooth = isinstance(target, Target) and target.hessian is not None
    rank, limits = rate_limit(target, domain, kind=kind) if smooth else (fits[0].function.dim, None)
    return RateCurve(
        name=getattr(target, "name", getattr(target, "__name__", "the target")),
        dim=fits[0].function.dim,
        kind=kind,
        pieces=np.array([int(k) for k in pieces]),
        errors=np.array([float(fit.sup_error) for fit in fits]),
        lower_ends=np.array([float(fit.sup_error_bounds[0]) for fit in fits]),
        optimal_errors=np.array(
            [np.nan if fit.optimal_error is None else float(fit.optimal_error) for fit in fits]
        ),
        limits=limits,
        rank=rank,
    )


def covering_density(dim: int) -> tuple[float, float]:
    """Return a bracket of the density of the thinnest covering of R^d by equal balls.

    Exact for d = 1 and 2. The lower end is the simplex bound for d = 3 and 1 beyond; the upper end is that of
    the lattice A_d*, the best lattice for d at most 5.

    References
    ----------
    Kershner (1939), "The number of circles covering a set"; Coxeter, Few and Rogers (1959),
    "Covering space with equal spheres"; Bambah (1954), "On lattice coverings by spheres".
    """
    d = dim
    lattice = _ball(d) * math.sqrt(d + 1) * (d * (d + 2) / (12 * (d + 1))) ** (d / 2)
    if d <= 2:
        return lattice, lattice
    if d > 3:
        return 1.0, lattice
    corner = math.acos(23 / 27) / (4 * math.pi)
    simplex = 4 * corner * _ball(3) * (math.sqrt(6) / 4) ** 3 / (math.sqrt(2) / 12)
    return simplex, lattice


def asymptotic_constant(target: Target, domain: Domain, *, kind: str = "free") -> tuple[float, float]:
    """Return a bracket of lim k^(2/d) E_k for the least sup errors E_k of k pieces.

    For a target with Hessian H the limit of one-sided fits is ½ (θ/κ ∫ sqrt(det H))^(2/d), with
    the density θ of the thinnest covering of R^d by balls and the volume κ of the unit ball; half
    of it for free fits. It is exact for d = 1, where it is (∫ sqrt f'')² / 16, and d = 2; beyond, θ
    is known between bounds. Where H is singular in the whole domain the limit is 0: the errors fall
    faster, and `rate_curve` tells how.

    Parameters
    ----------
    target : Target
        With its Hessian.
    domain : Domain
        An interval, or in several dimensions a box.
    kind : {"free", "lower", "upper"}

    Returns
    -------
    lo, hi : float
        The integral is computed to 1e-11 of its size, or the bracket holds its estimated error.

    Raises
    ------
    TargetError
        If the Hessian is not known, or the domain is neither an interval nor a box.

    References
    ----------
    Gruber (1993), "Asymptotic estimates for best and stepwise approximation of convex bodies", for H > 0;
    Böröczky (2000), "Approximation of general smooth convex bodies", without that condition.

    Examples
    --------
    >>> from plnet import Box
    >>> from plnet.maxout.fitting import asymptotic_constant, named_target
    >>> round(asymptotic_constant(named_target("exp"), Box(0, 1))[0], 10)
    0.1052098218
    """
    return _limit(_read(target, domain, kind), kind)


def rate_limit(
    target: Target, domain: Domain, *, kind: str = "free"
) -> tuple[int, tuple[float, float] | None]:
    """Return the rank r of a target and a bracket of lim k^(2/r) E_k.

    Below the dimension the limit is known for ridge functions alone, whose least errors are those on one
    line; else it is None.

    Raises
    ------
    TargetError
        As `asymptotic_constant`.
    """
    problem = _read(target, domain, kind)
    rank = curvature_rank(problem)
    if rank == problem.dim:
        return rank, _limit(problem, kind)
    ridge = ridge_of(problem)
    if ridge is None:
        return rank, None
    return rank, _limit(_read(target, Segment(*problem.chart.embed(ridge.ends)), kind), kind)


def _read(target: Target, domain: Domain, kind: str) -> FitProblem:
    check_choice("kind", kind, KIND_FACTOR, TargetError)
    if not isinstance(target, Target) or target.hessian is None:
        raise TargetError("The limit needs the Hessian of the target: give a Target with hessian=....")
    return FitProblem(target, bounded_chart(domain, target.dim, target.name))


def _limit(problem: FitProblem, kind: str) -> tuple[float, float]:
    d = problem.dim
    ends = zip(covering_density(d), curvature_integral(problem), strict=True)
    factor = 0.25 * KIND_FACTOR[kind]
    low, high = (factor * (theta / _ball(d) * integral) ** (2 / d) for theta, integral in ends)
    return low, high


def _ball(dim: int) -> float:
    return math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
