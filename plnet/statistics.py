"""Means over independent replicates, with their intervals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from plnet.checks import suggest_options
from plnet.errors import MetricError

__all__ = ["INTERVALS", "Estimate", "as_replicates", "check_confidence", "is_constant", "mean_interval"]

INTERVALS = ("t", "bca", "percentile")
"""Kinds of intervals, the one to prefer first."""

RESAMPLES = 9999
"""Resamples of a bootstrap, scipy's default."""

_FEW = 20
"""Replicates below which both bootstraps are too narrow; the coverage is measured in the tests."""

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

    def __iter__(self) -> Iterator[float]:
        """Yield mean, low and high, for ``mean, low, high = mean_interval(...)``."""
        yield from (self.mean, self.low, self.high)

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


@suggest_options
def mean_interval(
    values: ArrayLike,
    confidence: float = 0.95,
    *,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
    scale: float | None = None,
) -> Estimate:
    """Return the mean over replicates with an interval.

    Parameters
    ----------
    values : array_like, shape (n,)
        One number for each replicate.
    confidence : float
        Nominal coverage.
    interval : {"t", "bca", "percentile"}
        "t" is Student's interval: exact for normal values, and close to it for means of accuracies already at
        n = 5. "bca" is the bias-corrected and accelerated bootstrap, second-order correct for many
        replicates; with five of them it covers less than it says, like the percentile bootstrap, which is
        here for comparison with published numbers only.
    rng : numpy.random.Generator or int, optional
        For the bootstraps; seed 0 if not given, so that equal values give equal intervals.
    scale : float, optional
        Largest number that went into the values, where these are differences; see Notes.

    Returns
    -------
    Estimate
        Without an interval for one replicate. For values that are all equal (up to 1e-12 of `scale`) the
        interval has no width. Both are said in ``.note``.

    Raises
    ------
    MetricError
        If a value is not finite, an option is unknown, or there are fewer than three replicates for a
        bootstrap.

    Notes
    -----
    Differences of equal accuracies can be 1e-17 instead of 0; `scale` lets them count as equal.

    References
    ----------
    Student (1908), The probable error of a mean. Efron (1987), Better Bootstrap Confidence Intervals.

    Examples
    --------
    >>> from plnet.statistics import mean_interval
    >>> print(mean_interval([0.3144, 0.3178, 0.2911, 0.3117, 0.3533]))
    0.3177 [0.2897, 0.3456] (95 % t, n = 5)
    """
    numbers = as_replicates(values)
    level = check_confidence(confidence)
    if interval not in INTERVALS:
        raise MetricError(
            f"Expected interval to be one of {', '.join(map(repr, INTERVALS))}, got {interval!r}."
        )
    mean, note = float(numbers.mean()), ""
    if len(numbers) == 1:
        low = high = math.nan
        note = "One replicate has no interval; train with more seeds."
    elif is_constant(numbers, scale):
        low = high = mean
        note = "All replicates are equal, so the width of the interval says nothing."
    elif interval == "t":
        low, high = stats.ttest_1samp(numbers, 0.0).confidence_interval(level)
    else:
        low, high, note = _bootstrap(numbers, level, interval, rng)
    return Estimate(mean, float(low), float(high), numbers, level, interval, note)


def _bootstrap(
    numbers: np.ndarray, level: float, interval: str, rng: np.random.Generator | int | None
) -> tuple[float, float, str]:
    n = len(numbers)
    if n < 3:
        raise MetricError(
            f'A bootstrap of {n} replicates has too few different resamples. Take interval="t".'
        )
    with warnings.catch_warnings():
        # Where BCa does not exist, scipy warns and gives NaN; both become the note.
        warnings.simplefilter("ignore")
        found = stats.bootstrap(
            (numbers,),
            np.mean,
            confidence_level=level,
            n_resamples=RESAMPLES,
            method="BCa" if interval == "bca" else "percentile",
            rng=np.random.default_rng(0 if rng is None else rng),
        ).confidence_interval
    if math.isnan(found.low):
        return math.nan, math.nan, "BCa does not exist for these values; take the t interval."
    note = "" if n >= _FEW else f"A bootstrap of {n} replicates covers too little; prefer the t interval."
    return float(found.low), float(found.high), note


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
