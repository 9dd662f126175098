"""What a fit returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.words import counted

if TYPE_CHECKING:
    from plnet.networks.modules import Maxout

__all__ = ["ErrorBracket", "MaxAffineFit"]

Number = float | Fraction


@dataclass(frozen=True)
class ErrorBracket:
    """How far a max-affine function g lies from a target f on the domain.

    Each pair is a bracket ``(lo, hi)`` that contains the true value; both entries are Fractions
    and equal where the value is exact.

    Parameters
    ----------
    below : (lo, hi)
        Largest value of f - g.
    above : (lo, hi)
        Largest value of g - f.
    below_at, above_at : ndarray, shape (d,)
        Where they are nearly attained, in the coordinates of the domain.
    """

    below: tuple[Number, Number]
    above: tuple[Number, Number]
    below_at: np.ndarray
    above_at: np.ndarray

    @property
    def sup(self) -> tuple[Number, Number]:
        """Bracket of sup |f - g|."""
        lo = max(self.below[0], self.above[0], 0)
        return lo, max(self.below[1], self.above[1], lo)

    @property
    def witness(self) -> np.ndarray:
        """The point at which the larger of both is nearly attained."""
        return self.below_at if self.below[0] >= self.above[0] else self.above_at

    def shifted(self, least: Number, most: Number) -> ErrorBracket:
        """Return the bracket after each offset of g grew by something between two numbers."""
        (below_lo, below_hi), (above_lo, above_hi) = self.below, self.above
        return ErrorBracket(
            (below_lo - most, below_hi - least),
            (above_lo + least, above_hi + most),
            self.below_at,
            self.above_at,
        )

    def rounded_outwards(self, exact: bool) -> ErrorBracket:
        """Return the bracket widened by one rounding at each end, unless it is exact."""
        if exact:
            return self
        below, above = (
            (math.nextafter(lo, -math.inf), math.nextafter(hi, math.inf))
            for lo, hi in (self.below, self.above)
        )
        return ErrorBracket(below, above, self.below_at, self.above_at)


@dataclass(frozen=True, eq=False)
class MaxAffineFit:
    """A maximum of affine functions that approximates a target, with its certified error.

    Parameters
    ----------
    function : MaxAffine
        Of the coordinates t of the domain; these are the inputs x for a Box or a Polytope.
        Its coefficients are float64 wherever the target is no network.
    sup_error : float or Fraction
        Upper end of `sup_error_bounds`.
    sup_error_bounds : (lo, hi)
        ``lo <= sup |target - function| <= hi`` on the domain (on the samples, where samples are
        the target). Fractions where the error is exact.
    optimal_error : float or None
        Least possible error with this many pieces, where it is known.
    optimal_error_bounds : (lo, hi) or None
        The bracket of the optimum.
    kind : {"free", "lower", "upper"}
    objective : {"sup", "least_squares"}
    method : str
        The algorithm.
    assumptions : tuple of str
        What the bracket takes for granted about the target; empty for networks and samples.
    pieces : int
        How many pieces were asked for; `function` may have fewer.
    rms_error : float or None
        Root of the mean squared error: over the samples, or over the domain by quadrature.
    witness : ndarray, shape (d,)
        Point of the domain where the error is nearly largest.
    seconds : float
    stopped_by : str
        Empty, or "max_seconds" where the budget ended the search: the best fit so far, with its bracket.
    """

    function: MaxAffine
    sup_error: Number
    sup_error_bounds: tuple[Number, Number]
    optimal_error: Number | None
    optimal_error_bounds: tuple[Number, Number] | None
    kind: str
    objective: str
    method: str
    assumptions: tuple[str, ...]
    pieces: int
    rms_error: float | None = None
    witness: np.ndarray = field(default_factory=lambda: np.empty(0))
    seconds: float = 0.0
    stopped_by: str = ""

    def __post_init__(self) -> None:
        self.witness.setflags(write=False)

    def __repr__(self) -> str:
        low, high = (float(x) for x in self.sup_error_bounds)
        pieces = counted(self.function.pieces, "piece")
        ended = ", stopped by max_seconds" if self.stopped_by else ""
        return f"MaxAffineFit({pieces}, {self.kind}, sup error in [{low:.9g}, {high:.9g}]{ended})"

    def to_module(self) -> Maxout:
        """Return the function as a trainable torch maxout unit in float64."""
        return self.function.to_module()
