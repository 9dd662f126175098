"""Backward transfer: what later tasks do to the accuracy on earlier ones, in the four ways in use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.forgetting.metrics.matrix import as_accuracy, need_known, need_tasks, per_replicate

__all__ = [
    "backward_transfer_and_interference_riemer",
    "backward_transfer_diaz_rodriguez",
    "backward_transfer_gem_code",
    "backward_transfer_lopez_paz",
    "changes_since_learned",
    "positive_backward_transfer_diaz_rodriguez",
    "remembering_diaz_rodriguez",
]


def backward_transfer_lopez_paz(accuracy: ArrayLike) -> Any:
    """Return BWT as in the paper: accuracy after the last task minus right after learning, mean over j < T.

    The same number is Mammoth's backward transfer and Avalanche's ``StreamBWT``.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0 is before training.

    Returns
    -------
    float or ndarray, shape (S,)
        In [-1, 1]; negative means forgetting.

    Raises
    ------
    MetricError
        If there are fewer than two tasks, the matrix has the wrong shape or range, or a needed entry is a
        hole.

    References
    ----------
    Lopez-Paz and Ranzato (2017), Gradient Episodic Memory for Continual Learning, equation 3.

    Examples
    --------
    >>> from plnet.forgetting.metrics import backward_transfer_lopez_paz
    >>> backward_transfer_lopez_paz([[0.1, 0.1], [0.75, 0.1], [0.25, 0.8]])
    -0.5
    """
    changes = changes_since_learned(accuracy, "backward_transfer_lopez_paz")
    return per_replicate(changes.mean(axis=-1))


def backward_transfer_gem_code(accuracy: ArrayLike) -> Any:
    """Return BWT as in the code released with GEM: the sum of the paper's formula divided by T, not by T - 1.

    Parameters, returns and errors are those of `backward_transfer_lopez_paz`.

    References
    ----------
    Lopez-Paz and Ranzato (2017), ``metrics/metrics.py`` of the released code.
    """
    changes = changes_since_learned(accuracy, "backward_transfer_gem_code")
    return per_replicate(changes.sum(axis=-1) / (changes.shape[-1] + 1))


def backward_transfer_and_interference_riemer(accuracy: ArrayLike) -> Any:
    """Return BTI: retained accuracy minus learning accuracy, both means over all T tasks.

    It is (T - 1) / T times `backward_transfer_lopez_paz`, so the number of `backward_transfer_gem_code`.
    Parameters, returns and errors are those of `backward_transfer_lopez_paz`.

    References
    ----------
    Riemer et al. (2019), Learning to Learn without Forgetting by Maximizing Transfer and Minimizing
    Interference.
    """
    changes = changes_since_learned(accuracy, "backward_transfer_and_interference_riemer")
    return per_replicate(changes.sum(axis=-1) / (changes.shape[-1] + 1))


def backward_transfer_diaz_rodriguez(accuracy: ArrayLike) -> Any:
    """Return BWT over all pairs: accuracy on task j after task i minus right after j, mean over all i > j.

    The library continuum calls this number "backward transfer" and cites GEM.
    Parameters, returns and errors are those of `backward_transfer_lopez_paz`.

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, equation 3.
    """
    return per_replicate(_all_pairs(accuracy, "backward_transfer_diaz_rodriguez"))


def remembering_diaz_rodriguez(accuracy: ArrayLike) -> Any:
    """Return REM = 1 - abs(min(BWT over all pairs, 0)).

    Parameters and errors are those of `backward_transfer_lopez_paz`.

    Returns
    -------
    float or ndarray, shape (S,)
        In [0, 1]; 1 if nothing is forgotten on average.

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, section 2.
    """
    return per_replicate(1.0 + np.minimum(_all_pairs(accuracy, "remembering_diaz_rodriguez"), 0.0))


def positive_backward_transfer_diaz_rodriguez(accuracy: ArrayLike) -> Any:
    """Return BWT+ = max(BWT over all pairs, 0).

    Parameters and errors are those of `backward_transfer_lopez_paz`.

    Returns
    -------
    float or ndarray, shape (S,)
        In [0, 1].

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, section 2.
    """
    pairs = _all_pairs(accuracy, "positive_backward_transfer_diaz_rodriguez")
    return per_replicate(np.maximum(pairs, 0.0))


def changes_since_learned(accuracy: ArrayLike, metric: str) -> np.ndarray:
    """Return the change of each task but the last since it was learned, shape (..., T - 1)."""
    matrix = as_accuracy(accuracy)
    need_tasks(matrix, 2, metric)
    needed = np.eye(*matrix.shape[-2:], k=-1, dtype=bool)
    needed[-1] = True
    # The last task adds a difference that is zero by definition.
    needed[-1, -1] = False
    need_known(matrix, needed, metric)
    learned = np.diagonal(matrix[..., 1:, :], axis1=-2, axis2=-1)
    return (matrix[..., -1, :] - learned)[..., :-1]


def _all_pairs(accuracy: ArrayLike, metric: str) -> np.ndarray:
    matrix = as_accuracy(accuracy)
    need_tasks(matrix, 2, metric)
    tasks = matrix.shape[-1]
    later = np.tri(tasks, k=-1, dtype=bool)
    needed = np.eye(*matrix.shape[-2:], k=-1, dtype=bool)
    needed[1:] |= later
    needed[-1, -1] = False
    need_known(matrix, needed, metric)
    after = matrix[..., 1:, :]
    changes = after - np.diagonal(after, axis1=-2, axis2=-1)[..., None, :]
    return changes[..., later].mean(axis=-1)
