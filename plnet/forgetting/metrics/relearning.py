"""Relearning: how much faster a task is learned the second time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import as_fractions, per_replicate

__all__ = ["relearning_ratio", "savings_ebbinghaus", "time_to_criterion"]


def time_to_criterion(curve: ArrayLike, criterion: float) -> Any:
    """Return after how many evaluations an accuracy first reaches a criterion, counted from 1; inf if never.

    Parameters
    ----------
    curve : array_like, shape (P,) or (S, P)
        Accuracies in the order of time, for instance after each epoch.
    criterion : float
        Accuracy to reach.

    Returns
    -------
    float or ndarray, shape (S,)

    Raises
    ------
    MetricError
        If a value is outside [0, 1] or the curve has holes before the criterion is reached.

    Examples
    --------
    >>> from plnet.forgetting.metrics import time_to_criterion
    >>> time_to_criterion([0.2, 0.6, 0.95, 0.9], 0.9)
    3.0
    """
    values = as_fractions(curve, "accuracies")
    level = as_fractions(criterion, "criterion")
    if values.ndim not in (1, 2) or values.shape[-1] == 0 or level.shape != () or np.isnan(level):
        raise MetricError(
            f"Expected a curve (P,) or (S, P) and one criterion, got shapes {values.shape} and {level.shape}."
        )
    reached = values >= level
    first = np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1.0, np.inf)
    place = np.arange(1, values.shape[-1] + 1)
    if (np.isnan(values) & (place < first[..., None])).any():
        raise MetricError("The curve has holes before the criterion is reached, so the time is not known.")
    return per_replicate(first)


def savings_ebbinghaus(first: ArrayLike, again: ArrayLike) -> Any:
    """Return the savings (n1 - n2) / n1, the share of training that relearning does not need.

    Report it beside retention: a task can be forgotten and yet relearned at once (Ashley et al. 2021).

    Parameters
    ----------
    first, again : array_like, shape () or (S,)
        Epochs or steps to reach a criterion the first time, and again after other tasks.

    Returns
    -------
    float or ndarray, shape (S,)
        At most 1; negative if relearning is slower.

    Raises
    ------
    MetricError
        If a time is not positive or not finite (the criterion was not reached), or the shapes differ.

    References
    ----------
    Ebbinghaus (1885), Über das Gedächtnis. Hetherington and Seidenberg (1989), Is there 'catastrophic
    interference' in connectionist networks? Ashley, Ghiassian and Sutton (2021), Does the Adam Optimizer
    Exacerbate Catastrophic Forgetting?

    Examples
    --------
    >>> from plnet.forgetting.metrics import savings_ebbinghaus
    >>> savings_ebbinghaus(20, 5)
    0.75
    """
    n1, n2 = _times(first, again)
    return per_replicate((n1 - n2) / n1)


def relearning_ratio(first: ArrayLike, again: ArrayLike) -> Any:
    """Return n1 / n2, how many times faster the criterion is reached the second time.

    Parameters, returns and errors are those of `savings_ebbinghaus`, but the second time must not be 0.

    Raises
    ------
    MetricError
        If a time is missing, not positive or, the second time, 0.

    References
    ----------
    Ashley, Ghiassian and Sutton (2021), Does the Adam Optimizer Exacerbate Catastrophic Forgetting?
    """
    n1, n2 = _times(first, again)
    if (n2 == 0).any():
        raise MetricError(
            "The criterion holds before relearning (time 0), so there is no ratio. Report the savings, 1."
        )
    return per_replicate(n1 / n2)


def _times(first: ArrayLike, again: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    try:
        n1, n2 = np.asarray(first, dtype=np.float64), np.asarray(again, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"Expected times as numbers ({error}).") from error
    if n1.shape != n2.shape or n1.ndim > 1:
        raise MetricError(f"Expected as many first as second times, got shapes {n1.shape} and {n2.shape}.")
    if not (np.isfinite(n1).all() and np.isfinite(n2).all()):
        raise MetricError(
            "A criterion was not reached (infinite or unknown time). Train longer, lower the criterion, or "
            "leave that replicate out and say so."
        )
    if (n1 <= 0).any() or (n2 < 0).any():
        raise MetricError("Expected positive first times and second times that are not negative.")
    return n1, n2
