"""`mean_interval`: an interval for a mean over replicates."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from plnet.errors import MetricError
from plnet.forgetting.statistics.estimates import Estimate, as_replicates, check_confidence, is_constant

__all__ = ["INTERVALS", "mean_interval"]

INTERVALS = ("t", "bca", "percentile")
"""Kinds of intervals, the one to prefer first."""

RESAMPLES = 9999
"""Resamples of a bootstrap, scipy's default."""

_FEW = 20
"""Replicates below which both bootstraps are too narrow; the coverage is measured in the tests."""


def mean_interval(
    values: ArrayLike,
    *,
    confidence: float = 0.95,
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
    >>> from plnet.forgetting.statistics import mean_interval
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
