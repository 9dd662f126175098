"""How accurate a network is: after the last task, right after learning, and on average on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import (
    as_accuracy,
    as_fractions,
    check_after,
    learned_rows,
    need_known,
    per_replicate,
)

__all__ = [
    "average_accuracy",
    "average_accuracy_after",
    "average_incremental_accuracy",
    "intransigence_chaudhry",
    "learning_accuracy",
]


def average_accuracy(accuracy: ArrayLike) -> Any:
    """Return ACC, the mean accuracy on all tasks after the last one.

    Also called retained accuracy (RA) by Riemer et al. (2019), and A_T by Chaudhry et al. (2018).

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0 is before training.

    Returns
    -------
    float or ndarray, shape (S,)

    Raises
    ------
    MetricError
        If the matrix has the wrong shape or range, or a needed entry is a hole.

    References
    ----------
    Lopez-Paz and Ranzato (2017), Gradient Episodic Memory for Continual Learning, section 2.

    Examples
    --------
    >>> from plnet.forgetting.metrics import average_accuracy
    >>> average_accuracy([[0.1, 0.1], [0.6, 0.1], [0.75, 0.75]])
    0.75
    """
    matrix = as_accuracy(accuracy)
    needed = np.zeros(matrix.shape[-2:], dtype=bool)
    needed[-1] = True
    need_known(matrix, needed, "average_accuracy")
    return per_replicate(matrix[..., -1, :].mean(axis=-1))


def learning_accuracy(accuracy: ArrayLike) -> Any:
    """Return LA, the mean accuracy on each task right after it was trained.

    Parameters and errors are those of `average_accuracy`.

    Returns
    -------
    float or ndarray, shape (S,)

    References
    ----------
    Riemer et al. (2019), Learning to Learn without Forgetting by Maximizing Transfer and Minimizing
    Interference.
    """
    matrix = as_accuracy(accuracy)
    needed = np.eye(*matrix.shape[-2:], k=-1, dtype=bool)
    need_known(matrix, needed, "learning_accuracy")
    return per_replicate(np.diagonal(matrix[..., 1:, :], axis1=-2, axis2=-1).mean(axis=-1))


def average_accuracy_after(accuracy: ArrayLike) -> np.ndarray:
    """Return A_k, the mean accuracy on the tasks 1 to k after training task k, for every k.

    Parameters and errors are those of `average_accuracy`.

    Returns
    -------
    ndarray, shape (T,) or (S, T)

    References
    ----------
    Chaudhry et al. (2018), Riemannian Walk for Incremental Learning, section 3.
    """
    matrix = as_accuracy(accuracy)
    return _average_after(matrix, "average_accuracy_after")


def average_incremental_accuracy(accuracy: ArrayLike) -> Any:
    """Return the mean over all k of A_k, the mean accuracy on the tasks seen so far.

    Parameters and errors are those of `average_accuracy`.

    Returns
    -------
    float or ndarray, shape (S,)

    References
    ----------
    Rebuffi et al. (2017), iCaRL: Incremental Classifier and Representation Learning, section 4.1.
    """
    matrix = as_accuracy(accuracy)
    return per_replicate(_average_after(matrix, "average_incremental_accuracy").mean(axis=-1))


def intransigence_chaudhry(accuracy: ArrayLike, joint: ArrayLike, *, after: int | None = None) -> Any:
    """Return I_k, what a model trained jointly on tasks 1 to k has more on task k than this one after task k.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0 is before training.
    joint : array_like, shape (T,) or (S, T)
        Entry k - 1 is the accuracy on task k of a model trained on tasks 1 to k together.
    after : int, optional
        The task k; the last one if not given.

    Returns
    -------
    float or ndarray, shape (S,)
        In [-1, 1]; negative where the sequence helps.

    Raises
    ------
    MetricError
        If the shapes do not fit, or a needed entry is a hole.

    References
    ----------
    Chaudhry et al. (2018), Riemannian Walk for Incremental Learning, section 3.
    """
    matrix = as_accuracy(accuracy)
    ceiling = as_fractions(joint, "joint accuracies")
    tasks = matrix.shape[-1]
    if ceiling.shape not in ((tasks,), (*matrix.shape[:-2], tasks)):
        raise MetricError(
            f"Expected joint accuracies of shape {(*matrix.shape[:-2], tasks)}, one for each task, "
            f"got {ceiling.shape}."
        )
    k = check_after(after, tasks, 1, "intransigence_chaudhry")
    needed = np.zeros(matrix.shape[-2:], dtype=bool)
    needed[k, k - 1] = True
    need_known(matrix, needed, "intransigence_chaudhry")
    if np.isnan(ceiling[..., k - 1]).any():
        raise MetricError(f"intransigence_chaudhry needs the joint accuracy on task {k}, which is not known.")
    return per_replicate(ceiling[..., k - 1] - matrix[..., k, k - 1])


def _average_after(matrix: np.ndarray, metric: str) -> np.ndarray:
    learned = learned_rows(matrix.shape[-1])
    need_known(matrix, learned, metric)
    sums = np.where(learned, matrix, 0.0)[..., 1:, :].sum(axis=-1)
    return sums / np.arange(1, matrix.shape[-1] + 1)
