"""Measures of single samples and units: forgetting events, activation overlap, interference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import as_numbers, per_replicate

__all__ = [
    "activation_dot_product",
    "activation_overlap_french",
    "forgetting_events_toneva",
    "pairwise_interference",
    "unforgettable_toneva",
]


def forgetting_events_toneva(correct: ArrayLike) -> np.ndarray:
    """Return for each sample how often it went from right to wrong.

    Parameters
    ----------
    correct : array_like of bool, shape (..., P, N)
        Whether sample n was classified correctly at its p-th presentation, in the order of time.

    Returns
    -------
    ndarray of int64, shape (..., N)
        0 also for a sample that was never right; see `unforgettable_toneva`.

    Raises
    ------
    MetricError
        If the entries are not true or false.

    References
    ----------
    Toneva et al. (2019), An Empirical Study of Example Forgetting during Deep Neural Network Learning,
    section 3.

    Examples
    --------
    >>> from plnet.forgetting.metrics import forgetting_events_toneva
    >>> forgetting_events_toneva([[0, 1], [1, 1], [0, 1], [1, 1], [0, 1]]).tolist()
    [2, 0]
    """
    right = _truth(correct)
    return (right[..., :-1, :] & ~right[..., 1:, :]).sum(axis=-2)


def unforgettable_toneva(correct: ArrayLike) -> np.ndarray:
    """Return which samples were right at some time and never went from right to wrong.

    Parameters
    ----------
    correct : array_like of bool, shape (..., P, N)
        As for `forgetting_events_toneva`.

    Returns
    -------
    ndarray of bool, shape (..., N)

    References
    ----------
    Toneva et al. (2019), An Empirical Study of Example Forgetting during Deep Neural Network Learning,
    section 3.
    """
    right = _truth(correct)
    return right.any(axis=-2) & (forgetting_events_toneva(right) == 0)


def activation_overlap_french(first: ArrayLike, second: ArrayLike) -> Any:
    """Return the mean over units of the smaller of two activations.

    Parameters
    ----------
    first, second : array_like, shape (..., U)
        Activations of U units on two samples (or mean activations on two tasks), not negative.

    Returns
    -------
    float or ndarray, shape (...)

    Raises
    ------
    MetricError
        If the shapes differ or an activation is negative or not finite.

    References
    ----------
    French (1991), Using Semi-Distributed Representations to Overcome Catastrophic Forgetting in Connectionist
    Networks. Ashley, Ghiassian and Sutton (2021), Does the Adam Optimizer Exacerbate Catastrophic Forgetting?

    Examples
    --------
    >>> from plnet.forgetting.metrics import activation_overlap_french
    >>> activation_overlap_french([1.0, 0.5, 0.0, 0.5], [0.5, 0.5, 1.0, 0.0])
    0.25
    """
    a, b = _activations(first, second)
    if min(a.min(), b.min()) < 0:
        raise MetricError(
            "Activation overlap is defined for activations >= 0 only. Take absolute values or how "
            "often each unit fires, or activation_dot_product."
        )
    return per_replicate(np.minimum(a, b).mean(axis=-1))


def activation_dot_product(first: ArrayLike, second: ArrayLike) -> Any:
    """Return the mean over units of the product of two activations.

    Parameters and errors are those of `activation_overlap_french`, but activations may be negative.

    Returns
    -------
    float or ndarray, shape (...)

    References
    ----------
    French (1991), Using Semi-Distributed Representations to Overcome Catastrophic Forgetting in Connectionist
    Networks.
    """
    a, b = _activations(first, second)
    return per_replicate((a * b).mean(axis=-1))


def pairwise_interference(before: ArrayLike, after: ArrayLike) -> np.ndarray:
    """Return J(theta'; a) - J(theta; a): how much one update on sample b raises the loss on sample a.

    Parameters
    ----------
    before : array_like, shape (A,)
        Loss on each sample a before the update.
    after : array_like, shape (..., A)
        Loss on each sample a after one update on b, for each b; each update starts from the same parameters.

    Returns
    -------
    ndarray, shape (..., A)
        Positive is interference, negative is transfer. Ashley et al. report the mean over pairs.

    Raises
    ------
    MetricError
        If the shapes do not fit or a loss is not finite.

    References
    ----------
    Riemer et al. (2019), Learning to Learn without Forgetting by Maximizing Transfer and Minimizing
    Interference. Ashley, Ghiassian and Sutton (2021), Does the Adam Optimizer Exacerbate Catastrophic
    Forgetting?
    """
    start, end = as_numbers(before, "losses"), as_numbers(after, "losses")
    if start.ndim != 1 or end.shape[-1:] != start.shape:
        raise MetricError(
            f"Expected losses (A,) before and (..., A) after the updates, got {start.shape} and {end.shape}."
        )
    return end - start


def _truth(correct: ArrayLike) -> np.ndarray:
    given = np.asarray(correct)
    if given.ndim < 2 or given.shape[-2] == 0:
        raise MetricError(f"Expected presentations (..., P, N) with P > 0, got shape {given.shape}.")
    if given.dtype != np.bool_ and not np.isin(given, (0, 1)).all():
        raise MetricError("Expected true or false (1 or 0) for each presentation, got other values.")
    return given.astype(np.bool_)


def _activations(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = as_numbers(first, "activations"), as_numbers(second, "activations")
    if a.shape != b.shape or a.ndim == 0 or a.size == 0:
        raise MetricError(f"Expected activations (..., U) of equal shapes, got {a.shape} and {b.shape}.")
    return a, b
