"""`Estimate`: a mean over replicates with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError

__all__ = ["Estimate", "as_replicates", "check_confidence", "is_constant"]

_ROUNDING = 1e-12
"""Spread, as a share of the largest number that went in, below which numbers differ by rounding only."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean over replicates, with an interval for the mean of the population they are drawn from.

    Parameters
    ----------
    mean : float
    low, high : float
        Ends of the interval; NaN where there is none (see `note`).
    values : ndarray, shape (n,)
        What was averaged, read-only.
    confidence : float
        Nominal coverage of the interval.
    interval : str
        "t", "bca", "percentile" or "welch".
    note : str
        What to know before quoting the interval; empty if nothing.
    """

    mean: float
    low: float
    high: float
    values: np.ndarray = field(repr=False)
    confidence: float
    interval: str
    note: str = ""

    def __float__(self) -> float:
        return self.mean

    def __str__(self) -> str:
        number = f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"
        if math.isnan(self.low):
            number = f"{self.mean:.4f} [no interval]"
        return f"{number} ({100 * self.confidence:g} % {self.interval}, n = {self.n})"

    @property
    def n(self) -> int:
        """Number of replicates."""
        return len(self.values)

    @property
    def standard_deviation(self) -> float:
        """Standard deviation over replicates, with n - 1 in the denominator; NaN for one replicate."""
        return float(self.values.std(ddof=1)) if self.n > 1 else math.nan

    @property
    def standard_error(self) -> float:
        """Standard deviation by the square root of n."""
        return self.standard_deviation / math.sqrt(self.n)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval exists and 0 is not in it."""
        return self.low > 0 or self.high < 0


def as_replicates(values: ArrayLike, what: str = "values") -> np.ndarray:
    """Return one finite number for each replicate, as a read-only array of its own.

    Raises
    ------
    MetricError
        If there is none, or one is not finite.
    """
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"Expected {what} as numbers ({error}).") from error
    if numbers.ndim != 1 or len(numbers) == 0:
        raise MetricError(
            f"Expected {what} of shape (n,), one for each of n > 0 replicates, got {numbers.shape}."
        )
    bad = int((~np.isfinite(numbers)).sum())
    if bad:
        raise MetricError(
            f"{bad} of {len(numbers)} {what} are not finite. Leave these replicates out, and say how many."
        )
    numbers.setflags(write=False)
    return numbers


def check_confidence(confidence: float) -> float:
    """Return a confidence that is inside (0, 1).

    Raises
    ------
    MetricError
        If it is not.
    """
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence < 1:
        hint = " Write 0.95 for 95 %." if isinstance(confidence, int | float) and confidence > 1 else ""
        raise MetricError(f"Expected a confidence between 0 and 1, got {confidence!r}.{hint}")
    return float(confidence)


def is_constant(values: np.ndarray, scale: float | None = None) -> bool:
    """Return whether numbers differ by rounding only.

    Parameters
    ----------
    values : ndarray, shape (n,)
    scale : float, optional
        Largest number that went into them, where they are differences.
    """
    largest = float(np.abs(values).max()) if scale is None else scale
    return float(np.ptp(values)) <= _ROUNDING * largest
