"""Confidence intervals of a success rate and of a mean over replicates."""

from __future__ import annotations

from scipy.stats import beta, binomtest

from plnet.errors import ConfigError
from plnet.statistics import mean_interval

__all__ = ["clopper_pearson_interval", "mean_interval", "wilson_interval"]


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a success rate.

    Its average coverage is near the confidence, also for few trials and rates near 0 or 1.

    Parameters
    ----------
    successes, trials : int
    confidence : float
        In (0, 1).

    Returns
    -------
    low, high : float

    Raises
    ------
    ConfigError
        If the numbers do not fit.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    Brown, Cai and DasGupta (2001), "Interval estimation for a binomial proportion".

    Examples
    --------
    >>> from plnet.maxout.learning import wilson_interval
    >>> [round(end, 4) for end in wilson_interval(8, 10)]
    [0.4902, 0.9433]
    """
    _check(successes, trials, confidence)
    found = binomtest(int(successes), int(trials)).proportion_ci(confidence, "wilson")
    return float(found.low), float(found.high)


def clopper_pearson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a success rate, whose coverage is never below the confidence.

    Parameters, returns and errors are those of `wilson_interval`.

    References
    ----------
    Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in the case of the
    binomial".

    Examples
    --------
    >>> from plnet.maxout.learning import clopper_pearson_interval
    >>> [round(end, 4) for end in clopper_pearson_interval(8, 10)]
    [0.4439, 0.9748]
    """
    _check(successes, trials, confidence)
    # The quantiles themselves: `binomtest` finds the ends only to an absolute error of about 1e-12.
    tail, failures = (1 - confidence) / 2, trials - successes
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, failures + 1))
    high = 1.0 if failures == 0 else float(beta.ppf(1 - tail, successes + 1, failures))
    return low, high


def _check(successes: int, trials: int, confidence: float) -> None:
    if not (0 <= successes <= trials and trials > 0):
        raise ConfigError(f"Expected 0 <= successes <= trials and trials > 0, got {successes} of {trials}.")
    if successes != int(successes) or trials != int(trials):
        raise ConfigError(f"Expected whole numbers of successes and trials, got {successes} of {trials}.")
    if not 0 < confidence < 1:
        raise ConfigError(f"Expected a confidence between 0 and 1, got {confidence!r}.")
