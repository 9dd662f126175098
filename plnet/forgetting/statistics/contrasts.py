"""Differences between methods: paired over seeds, or between independent groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from plnet.errors import MetricError
from plnet.forgetting.statistics.multiple import holm_correction
from plnet.statistics import (
    Estimate,
    as_replicates,
    check_confidence,
    is_constant,
    mean_interval,
)

__all__ = ["Contrast", "compare_paired", "paired_contrast", "unpaired_contrast"]


@dataclass(frozen=True, eq=False)
class Contrast:
    """A difference between two methods, first minus second.

    Parameters
    ----------
    first, second : str
        Names of the methods.
    difference : Estimate
        With its own, not simultaneous, interval.
    p_value : float
        Two-sided, of no difference of the means; NaN where there is no test.
    adjusted_p_value : float
        After Holm's correction for all contrasts made together; equal to `p_value` for a single one.
    n_contrasts : int
        How many were made together.
    """

    first: str
    second: str
    difference: Estimate
    p_value: float
    adjusted_p_value: float
    n_contrasts: int = 1

    def __str__(self) -> str:
        test = "no test" if math.isnan(self.p_value) else f"p = {self.adjusted_p_value:.3g}"
        holm = f" (Holm, {self.n_contrasts} contrasts)" if self.n_contrasts > 1 else ""
        return f"{self.first} - {self.second}: {self.difference}, {test}{holm}"


def paired_contrast(
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: tuple[str, str] = ("first", "second"),
    confidence: float = 0.95,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
) -> Contrast:
    """Return the difference of two methods whose replicates are paired by seed.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Entry s of both has the same seed: the same data, order and initialisation.
    names : pair of str
    confidence, interval, rng
        As for `mean_interval`, of the differences.

    Returns
    -------
    Contrast
        Its test is the paired t test, whichever interval. If all differences are zero, the p-value is 1; if
        they are all equal and not zero, there is no test.

    Raises
    ------
    MetricError
        If the lengths differ or a value is not finite.

    Examples
    --------
    >>> from plnet.forgetting.statistics import paired_contrast
    >>> print(paired_contrast([0.5, 0.6, 0.4, 0.5], [0.3, 0.3, 0.2, 0.4], names=("ewc", "plain")))
    ewc - plain: 0.2000 [0.0701, 0.3299] (95 % t, n = 4), p = 0.0163
    """
    a, b = as_replicates(first, f"values of {names[0]}"), as_replicates(second, f"values of {names[1]}")
    if a.shape != b.shape:
        raise MetricError(
            f"Paired methods have the same seeds; got {len(a)} values of {names[0]} and {len(b)} of "
            f"{names[1]}. Keep the seeds that both have, or use unpaired_contrast."
        )
    scale = float(max(np.abs(a).max(), np.abs(b).max()))
    difference = mean_interval(a - b, confidence=confidence, interval=interval, rng=rng, scale=scale)
    p_value = _paired_p_value(a - b, scale)
    return Contrast(names[0], names[1], difference, p_value, p_value)


def compare_paired(
    values: Mapping[str, ArrayLike],
    *,
    reference: str | None = None,
    confidence: float = 0.95,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
) -> tuple[Contrast, ...]:
    """Return the contrasts between methods with paired replicates, with Holm's correction over all of them.

    Parameters
    ----------
    values : mapping of str to array_like, shape (n,)
        One number for each seed, in the same order of seeds for every method.
    reference : str, optional
        Compare every other method with this one; all pairs if not given.
    confidence, interval, rng
        As for `paired_contrast`.

    Returns
    -------
    tuple of Contrast
        In the order of the methods.

    Raises
    ------
    MetricError
        If there are fewer than two methods, or as `paired_contrast`.
    """
    single = [
        paired_contrast(values[a], values[b], names=(a, b), confidence=confidence, interval=interval, rng=rng)
        for a, b in pairs_to_compare(values, reference)
    ]
    return with_holm(single)


def pairs_to_compare(names: Iterable[str], reference: str | None) -> list[tuple[str, str]]:
    """Return all pairs of methods in their order, or those of every other one with a reference.

    Raises
    ------
    MetricError
        If there are fewer than two methods, or the reference is not among them.
    """
    methods = list(names)
    if len(methods) < 2:
        raise MetricError(f"Expected at least two methods to compare, got {len(methods)}.")
    if reference is None:
        return list(combinations(methods, 2))
    if reference not in methods:
        raise MetricError(f"The reference {reference!r} is not among the methods: {', '.join(methods)}.")
    return [(name, reference) for name in methods if name != reference]


def unpaired_contrast(
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: tuple[str, str] = ("first", "second"),
    confidence: float = 0.95,
) -> Contrast:
    """Return the difference of two methods with independent replicates, by Welch's t test.

    Parameters
    ----------
    first : array_like, shape (n,)
    second : array_like, shape (m,)
        For instance the numbers of another program. They need not be as many, nor vary as much.
    names : pair of str
    confidence : float

    Returns
    -------
    Contrast
        ``difference.values`` are the first values minus the mean of the second.

    Raises
    ------
    MetricError
        If a group has fewer than two values, or both do not vary at all.

    References
    ----------
    Welch (1947), The generalization of Student's problem when several different population variances are
    involved.
    """
    a, b = as_replicates(first, f"values of {names[0]}"), as_replicates(second, f"values of {names[1]}")
    level = check_confidence(confidence)
    if min(len(a), len(b)) < 2 or (is_constant(a) and is_constant(b)):
        raise MetricError(
            "Welch's test needs two values or more in each group, and values that vary; got groups of "
            f"{len(a)} and {len(b)}."
        )
    found: Any = stats.ttest_ind(a, b, equal_var=False)
    low, high = found.confidence_interval(level)
    shifted = a - b.mean()
    shifted.setflags(write=False)
    difference = Estimate(float(a.mean() - b.mean()), float(low), float(high), shifted, level, "welch")
    return Contrast(names[0], names[1], difference, float(found.pvalue), float(found.pvalue))


def with_holm(contrasts: list[Contrast]) -> tuple[Contrast, ...]:
    """Return contrasts with p-values corrected for all of them; one without a test counts too."""
    plain = np.array([contrast.p_value for contrast in contrasts])
    adjusted = holm_correction(np.where(np.isnan(plain), 1.0, plain))
    return tuple(
        replace(
            contrast,
            adjusted_p_value=math.nan if math.isnan(contrast.p_value) else float(p),
            n_contrasts=len(contrasts),
        )
        for contrast, p in zip(contrasts, adjusted, strict=True)
    )


def _paired_p_value(differences: np.ndarray, scale: float) -> float:
    if is_constant(differences, scale):
        return 1.0 if is_constant(np.append(differences, 0.0), scale) else math.nan
    if len(differences) < 2:
        return math.nan
    found: Any = stats.ttest_1samp(differences, 0.0)
    return float(found.pvalue)
