"""`tost_paired`: a test that two methods differ by less than a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from plnet.errors import MetricError
from plnet.forgetting.statistics.contrasts import paired_contrast
from plnet.statistics import Estimate, is_constant

__all__ = ["EquivalenceTest", "tost_paired"]


@dataclass(frozen=True, eq=False)
class EquivalenceTest:
    """Two one-sided tests of a paired difference, first minus second.

    Parameters
    ----------
    difference : Estimate
        With the interval of confidence 1 - 2 alpha, which lies inside the margins exactly if the test
        rejects.
    margin : float
        Largest difference that does not matter.
    alpha : float
        Level of the test.
    p_value : float
        The larger of the two one-sided ones; NaN if there is no test.
    equivalent : bool or None
        Whether a difference of the margin or more is rejected; None if there is no test. False does not mean
        that the methods differ.
    """

    difference: Estimate
    margin: float
    alpha: float
    p_value: float
    equivalent: bool | None


def tost_paired(
    first: ArrayLike,
    second: ArrayLike,
    margin: float,
    *,
    alpha: float = 0.05,
    names: tuple[str, str] = ("first", "second"),
) -> EquivalenceTest:
    """Test whether two methods with paired replicates differ by less than a margin.

    A large p-value of a t test does not show that methods are equal; this test can.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Entry s of both has the same seed.
    margin : float
        Largest difference that does not matter, chosen before looking at the data.
    alpha : float
        Level, below 0.5.
    names : pair of str

    Returns
    -------
    EquivalenceTest
        Without a test where the differences do not vary.

    Raises
    ------
    MetricError
        If there are fewer than two replicates, the lengths differ, or the margin is not positive.

    References
    ----------
    Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach for assessing
    the equivalence of average bioavailability.

    Examples
    --------
    >>> from plnet.forgetting.statistics import tost_paired
    >>> test = tost_paired([0.50, 0.61, 0.42, 0.55], [0.51, 0.60, 0.42, 0.54], margin=0.02)
    >>> test.equivalent, round(test.p_value, 4)
    (True, 0.0177)
    """
    if not (isinstance(margin, int | float | np.number) and 0 < margin < math.inf):
        raise MetricError(
            f"Expected a positive margin, the largest difference that does not matter; got {margin!r}."
        )
    if not (isinstance(alpha, int | float) and 0 < alpha < 0.5):
        raise MetricError(f"Expected a level alpha between 0 and 0.5, got {alpha!r}.")
    contrast = paired_contrast(first, second, names=names, confidence=1 - 2 * alpha)
    difference = contrast.difference
    if difference.n < 2:
        raise MetricError("An equivalence test needs at least two replicates; train with more seeds.")
    scale = float(max(np.abs(first).max(), np.abs(second).max()))
    if is_constant(difference.values, scale):
        return EquivalenceTest(difference, float(margin), alpha, math.nan, None)
    above: Any = stats.ttest_1samp(difference.values, -margin, alternative="greater")
    below: Any = stats.ttest_1samp(difference.values, margin, alternative="less")
    p_value = float(max(above.pvalue, below.pvalue))
    return EquivalenceTest(difference, float(margin), alpha, p_value, p_value < alpha)
