"""The three omegas of Kemker et al. (2018): accuracies relative to offline training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import (
    as_accuracy,
    as_numbers,
    learned_rows,
    need_known,
    need_tasks,
    per_replicate,
)

__all__ = ["omega_all_kemker", "omega_base_kemker", "omega_new_kemker"]


def omega_base_kemker(accuracy: ArrayLike, ideal: ArrayLike) -> Any:
    """Return Omega_base, the accuracy on the first task after each later one, relative to offline training.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0, before training, is not used.
    ideal : array_like, shape () or (S,)
        Accuracy of an offline model on the base set, which is the first task.

    Returns
    -------
    float or ndarray, shape (S,)
        At least 0; above 1 if better than offline.

    Raises
    ------
    MetricError
        If there are fewer than two tasks, the matrix has the wrong shape or range, a needed entry is a hole,
        or `ideal` is not positive.

    References
    ----------
    Kemker et al. (2018), Measuring Catastrophic Forgetting in Neural Networks, equation 1.
    """
    matrix = as_accuracy(accuracy)
    need_tasks(matrix, 2, "omega_base_kemker")
    needed = np.zeros(matrix.shape[-2:], dtype=bool)
    needed[2:, 0] = True
    need_known(matrix, needed, "omega_base_kemker")
    return per_replicate(matrix[..., 2:, 0].mean(axis=-1) / _ideal(ideal, matrix))


def omega_new_kemker(accuracy: ArrayLike) -> Any:
    """Return Omega_new, the mean accuracy on each task from 2 to T right after training it.

    Parameters, returns and errors are those of `omega_base_kemker`.

    References
    ----------
    Kemker et al. (2018), Measuring Catastrophic Forgetting in Neural Networks, equation 2.
    """
    matrix = as_accuracy(accuracy)
    need_tasks(matrix, 2, "omega_new_kemker")
    needed = np.eye(*matrix.shape[-2:], k=-1, dtype=bool)
    needed[1] = False
    need_known(matrix, needed, "omega_new_kemker")
    return per_replicate(np.diagonal(matrix[..., 1:, :], axis1=-2, axis2=-1)[..., 1:].mean(axis=-1))


def omega_all_kemker(accuracy: ArrayLike, ideal: ArrayLike, *, sizes: ArrayLike | None = None) -> Any:
    """Return Omega_all, the accuracy on all test data seen so far after tasks 2 to T, relative to offline.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0, before training, is not used.
    ideal : array_like, shape () or (S,)
        Accuracy of an offline model on the base set, which is the first task.
    sizes : array_like, shape (T,), optional
        Test samples of each task; equal if not given.

    Returns
    -------
    float or ndarray, shape (S,)

    Raises
    ------
    MetricError
        As `omega_base_kemker`, or if a size is not positive.

    References
    ----------
    Kemker et al. (2018), Measuring Catastrophic Forgetting in Neural Networks, equation 3.
    """
    matrix = as_accuracy(accuracy)
    tasks = matrix.shape[-1]
    need_tasks(matrix, 2, "omega_all_kemker")
    learned = learned_rows(tasks)
    learned[1] = False
    need_known(matrix, learned, "omega_all_kemker")
    weights = np.ones(tasks) if sizes is None else as_numbers(sizes, "sizes")
    if weights.shape != (tasks,) or (weights <= 0).any():
        raise MetricError(f"Expected {tasks} positive sizes, one for each task, got shape {weights.shape}.")
    seen = np.where(learned, matrix, 0.0)[..., 2:, :] @ weights / np.cumsum(weights)[1:]
    return per_replicate(seen.mean(axis=-1) / _ideal(ideal, matrix))


def _ideal(ideal: ArrayLike, matrix: np.ndarray) -> np.ndarray:
    values = as_numbers(ideal, "offline accuracy")
    if values.shape not in ((), matrix.shape[:-2]):
        raise MetricError(
            f"Expected one offline accuracy, or one for each replicate, got shape {values.shape}."
        )
    if ((values <= 0) | (values > 1)).any():
        raise MetricError(
            f"Expected an offline accuracy in (0, 1], got {values.min():g} to {values.max():g}."
        )
    return values
