"""Worst accuracies between the ends of tasks, where averages at the ends see nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import as_accuracy, as_fractions, need_known, need_tasks, per_replicate

__all__ = ["min_acc", "min_acc_at_task_ends", "wc_acc", "wc_acc_at_task_ends"]


def min_acc(traces: Sequence[ArrayLike]) -> Any:
    """Return min-ACC, the mean over old tasks of the lowest accuracy since the task was learned.

    Parameters
    ----------
    traces : sequence of array_like, each of shape (P,) or (S, P)
        For each old task its accuracies at all evaluations after its training; in the paper, after every step
        of later tasks. Their lengths may differ.

    Returns
    -------
    float or ndarray, shape (S,)

    Raises
    ------
    MetricError
        If there is no trace, one is empty or has holes, or a value is outside [0, 1].

    References
    ----------
    De Lange et al. (2023), Continual evaluation for lifelong learning: Identifying the stability gap, section
    3.

    Examples
    --------
    >>> from plnet.forgetting.metrics import min_acc
    >>> min_acc([[0.9, 0.5, 0.75], [0.75, 0.25]])
    0.375
    """
    if len(traces) == 0:
        raise MetricError("min_acc needs the trace of at least one old task.")
    return per_replicate(np.mean(np.stack([_lowest(trace) for trace in traces]), axis=0))


def wc_acc(traces: Sequence[ArrayLike], current: ArrayLike) -> Any:
    """Return WC-ACC, the current task's accuracy / k + (1 - 1 / k) x min-ACC, where k counts the tasks.

    Parameters
    ----------
    traces : sequence of array_like
        Of the k - 1 old tasks, as for `min_acc`.
    current : array_like, shape () or (S,)
        Accuracy on the k-th task, which is trained last.

    Returns
    -------
    float or ndarray, shape (S,)

    Raises
    ------
    MetricError
        As `min_acc`, or if `current` does not fit.

    References
    ----------
    De Lange et al. (2023), Continual evaluation for lifelong learning: Identifying the stability gap, section
    3.
    """
    worst = np.asarray(min_acc(traces))
    last = as_fractions(current, "accuracies of the current task")
    if last.shape != worst.shape or np.isnan(last).any():
        raise MetricError(
            f"Expected current accuracies without holes of shape {worst.shape}, got {last.shape}."
        )
    share = 1 / (len(traces) + 1)
    return per_replicate(last * share + (1 - share) * worst)


def min_acc_at_task_ends(accuracy: ArrayLike) -> Any:
    """Return min-ACC from an accuracy matrix, so from evaluations at the ends of tasks only.

    It is an upper bound of `min_acc` of evaluations that include these.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0, before training, is not used.

    Returns
    -------
    float or ndarray, shape (S,)

    Raises
    ------
    MetricError
        If there are fewer than two tasks, the matrix has the wrong shape or range, or a needed entry is a
        hole.
    """
    return min_acc(_traces(as_accuracy(accuracy), "min_acc_at_task_ends"))


def wc_acc_at_task_ends(accuracy: ArrayLike) -> Any:
    """Return WC-ACC from an accuracy matrix, so from evaluations at the ends of tasks only.

    Parameters, returns and errors are those of `min_acc_at_task_ends`.
    """
    matrix = as_accuracy(accuracy)
    traces = _traces(matrix, "wc_acc_at_task_ends")
    needed = np.zeros(matrix.shape[-2:], dtype=bool)
    needed[-1, -1] = True
    need_known(matrix, needed, "wc_acc_at_task_ends")
    return wc_acc(traces, matrix[..., -1, -1])


def _traces(matrix: np.ndarray, metric: str) -> list[np.ndarray]:
    need_tasks(matrix, 2, metric)
    row, column = np.indices(matrix.shape[-2:])
    need_known(matrix, np.greater(row, column + 1), metric)
    return [matrix[..., task + 2 :, task] for task in range(matrix.shape[-1] - 1)]


def _lowest(trace: ArrayLike) -> np.ndarray:
    values = as_fractions(trace, "accuracies of a trace")
    if values.ndim not in (1, 2) or values.shape[-1] == 0:
        raise MetricError(f"Expected each trace of shape (P,) or (S, P) with P > 0, got {values.shape}.")
    if np.isnan(values).any():
        raise MetricError("A trace has holes, so its minimum is not known. Leave out moments not measured.")
    return values.min(axis=-1)
