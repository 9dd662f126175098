"""Forgetting as a loss of accuracy, in the three ways in use; they are different numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.forgetting.metrics.backward import changes_since_learned
from plnet.forgetting.metrics.matrix import as_accuracy, check_after, need_known, need_tasks, per_replicate

__all__ = ["forgetting_avalanche", "forgetting_chaudhry", "forgetting_mammoth"]


def forgetting_chaudhry(accuracy: ArrayLike, *, after: int | None = None, since_learned: bool = False) -> Any:
    """Return F_k: best accuracy on task j after any task before k, minus after task k, mean over tasks j < k.

    Also the number of the code of A-GEM, of FACIL, and of continuum.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0, before training, is not used.
    after : int, optional
        The task k >= 2; the last one if not given.
    since_learned : bool
        Take the best only from when task j was trained. The paper's maximum goes over all tasks 1 to k - 1,
        also those before j, where some programs do not measure.

    Returns
    -------
    float or ndarray, shape (S,)
        In [-1, 1]; negative if the tasks gain from what comes later.

    Raises
    ------
    MetricError
        If there are fewer than two tasks, the matrix has the wrong shape or range, or a needed entry is a
        hole.

    References
    ----------
    Chaudhry et al. (2018), Riemannian Walk for Incremental Learning, section 3.

    Examples
    --------
    >>> from plnet.forgetting.metrics import forgetting_chaudhry
    >>> forgetting_chaudhry([[0.1, 0.1], [0.75, 0.1], [0.25, 0.8]])
    0.5
    """
    return _loss_of_best(accuracy, after, since_learned, last_row=False, metric="forgetting_chaudhry")


def forgetting_mammoth(accuracy: ArrayLike, *, since_learned: bool = False) -> Any:
    """Return forgetting as in Mammoth and PyCIL: the best accuracy may also be the last one, so it is >= 0.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0, before training, is not used.
    since_learned : bool
        Take the best only from when the task was trained. Both programs usually do not measure earlier, and
        then this is their number.

    Returns
    -------
    float or ndarray, shape (S,)
        In [0, 1].

    Raises
    ------
    MetricError
        As `forgetting_chaudhry`.
    """
    return _loss_of_best(accuracy, None, since_learned, last_row=True, metric="forgetting_mammoth")


def forgetting_avalanche(accuracy: ArrayLike) -> Any:
    """Return forgetting as in Avalanche: right after learning minus after the last task, so exactly -BWT.

    There is no maximum. Parameters, returns and errors are those of `backward_transfer_lopez_paz`.
    """
    # Subtracted from zero, so that no forgetting is 0.0 and not -0.0.
    changes = changes_since_learned(accuracy, "forgetting_avalanche")
    return per_replicate(0.0 - changes.mean(axis=-1))


def _loss_of_best(
    accuracy: ArrayLike, after: int | None, since_learned: bool, *, last_row: bool, metric: str
) -> Any:
    matrix = as_accuracy(accuracy)
    tasks = matrix.shape[-1]
    need_tasks(matrix, 2, metric)
    k = check_after(after, tasks, 2, metric)
    row, column = np.indices(matrix.shape[-2:])
    old = column < k - 1
    allowed = old & (row >= 1) & (row <= (k if last_row else k - 1))
    if since_learned:
        allowed &= row > column
    hint = "" if since_learned else " (or pass since_learned=True, if it is above the diagonal)"
    need_known(matrix, allowed | (old & (row == k)), metric + hint)
    best = np.where(allowed, matrix, -np.inf).max(axis=-2)[..., : k - 1]
    return per_replicate((best - matrix[..., k, : k - 1]).mean(axis=-1))
