"""Exact Lipschitz constants on the domain: the greatest norm of a gradient over all regions."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from plnet.budgets import look
from plnet.errors import EngineError
from plnet.geometry.exact import RationalMatrix, rational
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.ir.network_checks import output_weights, require_continuous, rounded_fraction
from plnet.regions.data import RegionData
from plnet.regions.measures.gradient_errors import gradient_errors
from plnet.regions.measures.operator_norms import UnitBall, root_bracket, spectral_bracket, unit_ball

__all__ = ["LipschitzConstant", "lipschitz_constant"]

_SLACK = 1e-11
"""Relative rounding of a norm beyond that of the gradient; a sum of 10 000 terms stays below it."""

_BLOCK = 4_000_000

Bracket = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class LipschitzConstant:
    """The least L with ``||f(x) - f(y)||_p <= L ||x - y||_p`` for all x, y in the domain.

    Parameters
    ----------
    lower, upper : float
        Proved bounds, neighbouring floats or equal where `exact` or `squared` is known.
    p : float
        1, 2 or inf; the norm of inputs and of outputs.
    region : int
        A region whose gradient attains it; for a bracket, attains the lower bound.
    exact : Fraction or None
        The constant, for p = 1 and p = inf.
    squared : Fraction or None
        Its square, for p = 2 where the outputs or the domain have one dimension.
    """

    lower: float
    upper: float
    p: float
    region: int
    exact: Fraction | None = None
    squared: Fraction | None = None

    def __float__(self) -> float:
        """Return the upper bound."""
        return self.upper


@np.errstate(over="ignore", invalid="ignore")
def lipschitz_constant(complex_: RegionData, p: float = 2, output: Any = None) -> LipschitzConstant:
    """Return the Lipschitz constant of the network on the domain of a complex.

    Parameters
    ----------
    complex_ : RegionComplex
        Complete.
    p : {1, 2, inf}
        Norm of inputs and outputs. On a slice only directions in the slice count.
    output : int or sequence of m floats, optional
        One output, or a weight for each; all outputs together if not given.

    Returns
    -------
    LipschitzConstant

    Raises
    ------
    EngineError
        If p is none of these, the network can jump, or for p = 1 and inf the unit ball of a slice
        has too many corners.

    Notes
    -----
    Rounded gradients with a bound of their error leave the regions that may attain it; these are
    compared in rationals. The domain is convex, so no path leaves it.
    """
    require_continuous(complex_.network, "A Lipschitz constant")
    if p not in (1, 2, math.inf):
        raise EngineError(f"Expected p as 1, 2 or inf, got {p!r}.")
    weights = None if output is None else output_weights(complex_.network, output)[None]
    norm = _euclidean(complex_) if p == 2 else _by_corners(complex_, float(p))
    slopes, errors = complex_.gradients, gradient_errors(complex_)
    if weights is not None:
        # The combination itself rounds by less than the gradients do.
        slopes, errors = weights @ slopes, np.abs(weights) @ (errors * 2)
    values = norm.rounded(slopes)
    radius = (norm.bound(errors) + values * norm.relative) * (1 + norm.relative)
    region, lower, upper = _best(complex_, values, radius, weights, norm)
    low, high = root_bracket(lower, upper) if p == 2 else (_down(lower), _up(upper))
    known = lower if lower == upper else None
    return LipschitzConstant(low, high, p, region, None if p == 2 else known, known if p == 2 else None)


@dataclass(frozen=True)
class _Norm:
    """How gradients are measured.

    Parameters
    ----------
    rounded : callable
        Norms of stacked rounded gradients.
    bound : callable
        A bound of the norms of all matrices with absolute entries up to the given ones.
    exact : callable
        Bounds of the norm of one exact gradient, squared for p = 2.
    relative : float
        Relative rounding error of `rounded`.
    """

    rounded: Callable[[np.ndarray], np.ndarray]
    bound: Callable[[np.ndarray], np.ndarray]
    exact: Callable[[np.ndarray], Bracket]
    relative: float


def _euclidean(complex_: RegionData) -> _Norm:
    embedding = complex_.chart.embedding
    directions = RationalMatrix(embedding.integers[:, :-1], embedding.denominator).to_fractions()
    gram = directions.T @ directions
    upper = np.asarray(np.linalg.qr(complex_.chart.directions, mode="r"))
    inverse = np.linalg.inv(upper)
    # Lengths along almost parallel directions are known less exactly.
    condition = float(np.linalg.cond(upper))
    return _Norm(
        rounded=lambda matrices: _spectral_norms(matrices @ inverse),
        bound=lambda sizes: np.linalg.norm(sizes @ np.abs(inverse), axis=(1, 2)),
        exact=lambda matrix: spectral_bracket(matrix, gram),
        relative=_SLACK + 1000 * UNIT_ROUNDOFF * len(embedding.integers) * condition,
    )


def _spectral_norms(matrices: np.ndarray) -> np.ndarray:
    """Return greatest singular values, (n, m, d) -> (n,); NaN where an entry is not finite."""
    out = np.full(len(matrices), np.nan)
    finite = np.isfinite(matrices).all(axis=(1, 2))
    out[finite] = np.linalg.norm(matrices[finite], ord=2, axis=(1, 2))
    return out


def _by_corners(complex_: RegionData, p: float) -> _Norm:
    ball = unit_ball(complex_.chart, p)
    corners = np.array([rounded_fraction(x) for x in ball.corners.flat]).reshape(ball.corners.shape)

    def exact(matrix: np.ndarray) -> Bracket:
        found = Fraction(ball.norm(matrix))
        return found, found

    return _Norm(
        rounded=lambda matrices: _in_blocks(ball, matrices, corners),
        bound=lambda sizes: _in_blocks(ball, sizes, np.abs(corners)),
        exact=exact,
        relative=_SLACK,
    )


def _in_blocks(ball: UnitBall, matrices: np.ndarray, corners: np.ndarray) -> np.ndarray:
    size = max(1, _BLOCK // (max(matrices.shape[1], 1) * len(corners)))
    parts = [ball.norm(matrices[i : i + size], corners) for i in range(0, len(matrices), size)]
    return np.concatenate(parts)


def _best(
    complex_: RegionData,
    values: np.ndarray,
    radius: np.ndarray,
    weights: np.ndarray | None,
    norm: _Norm,
) -> tuple[int, Fraction, Fraction]:
    """Return the region of the greatest norm and bounds of it (squared for p = 2)."""
    least = float(np.max(values - radius))
    region, lower, upper = -1, Fraction(-1), Fraction(-1)
    combination = None if weights is None else rational(weights)
    # Written so that a NaN stays a candidate.
    order = np.argsort(-values, kind="stable")
    for i in order[~(values + radius < least)[order]].tolist():
        look()
        forms = complex_.network.forms(complex_.patterns[i], complex_.chart.embedding)
        if combination is not None:
            forms = combination @ forms
        low, high = norm.exact(forms.to_fractions()[:, :-1])
        upper = max(upper, high)
        if low > lower:
            region, lower = i, low
    return region, lower, upper


def _down(number: Fraction) -> float:
    rounded = rounded_fraction(number)
    if rounded == math.inf:
        return sys.float_info.max
    return rounded if Fraction(rounded) <= number else math.nextafter(rounded, -math.inf)


def _up(number: Fraction) -> float:
    rounded = rounded_fraction(number)
    return (
        rounded if rounded == math.inf or Fraction(rounded) >= number else math.nextafter(rounded, math.inf)
    )
