"""Forward transfer: what earlier tasks do to later ones before these are trained, in four ways."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.forgetting.metrics.matrix import as_accuracy, need_known, need_tasks, per_replicate

__all__ = [
    "FORWARD_TRANSFERS",
    "NO_FORWARD_TRANSFER",
    "forward_transfer_diaz_rodriguez",
    "forward_transfer_gem_code",
    "forward_transfer_lopez_paz",
    "forward_transfer_without_baseline",
]

FORWARD_TRANSFERS = (
    "forward_transfer_lopez_paz",
    "forward_transfer_gem_code",
    "forward_transfer_without_baseline",
    "forward_transfer_diaz_rodriguez",
)

NO_FORWARD_TRANSFER = (
    "forward transfer is not defined where tasks bring classes that no task before had and all outputs "
    "compete: before its task a network cannot name a new class, so the number would only be minus the "
    "chance accuracy of the untrained network."
)


def forward_transfer_lopez_paz(accuracy: ArrayLike) -> Any:
    """Return FWT as in the paper: accuracy just before training j minus at initialisation, mean over j > 1.

    The same number is Mammoth's and Avalanche's forward transfer.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Row 0 is at random initialisation.

    Returns
    -------
    float or ndarray, shape (S,)
        In [-1, 1].

    Raises
    ------
    MetricError
        If there are fewer than two tasks, the matrix has the wrong shape or range, or a needed entry is a
        hole.

    References
    ----------
    Lopez-Paz and Ranzato (2017), Gradient Episodic Memory for Continual Learning, equation 4.

    Examples
    --------
    >>> from plnet.forgetting.metrics import forward_transfer_lopez_paz
    >>> forward_transfer_lopez_paz([[0.5, 0.25], [0.75, 0.5], [0.5, 0.75]])
    0.25
    """
    gains = _gains(accuracy, "forward_transfer_lopez_paz")
    return per_replicate(gains.mean(axis=-1))


def forward_transfer_gem_code(accuracy: ArrayLike) -> Any:
    """Return FWT as in the code released with GEM: the sum of the paper's formula divided by T, not by T - 1.

    Parameters, returns and errors are those of `forward_transfer_lopez_paz`.

    References
    ----------
    Lopez-Paz and Ranzato (2017), ``metrics/metrics.py`` of the released code.
    """
    gains = _gains(accuracy, "forward_transfer_gem_code")
    return per_replicate(gains.sum(axis=-1) / (gains.shape[-1] + 1))


def forward_transfer_without_baseline(accuracy: ArrayLike) -> Any:
    """Return the mean accuracy on each task from 2 to T just before training it; nothing is subtracted.

    The library continuum calls this number "forward transfer".
    Parameters and errors are those of `forward_transfer_lopez_paz`; row 0 is not used.

    Returns
    -------
    float or ndarray, shape (S,)
        In [0, 1].
    """
    return per_replicate(_just_before(accuracy, "forward_transfer_without_baseline")[1].mean(axis=-1))


def forward_transfer_diaz_rodriguez(accuracy: ArrayLike) -> Any:
    """Return the mean accuracy on task j after task i, over all pairs 1 <= i < j; nothing is subtracted.

    Parameters and errors are those of `forward_transfer_lopez_paz`; row 0 is not used.

    Returns
    -------
    float or ndarray, shape (S,)
        In [0, 1].

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, section 2.
    """
    metric = "forward_transfer_diaz_rodriguez"
    matrix = as_accuracy(accuracy)
    need_tasks(matrix, 2, metric)
    rows, columns = matrix.shape[-2:]
    needed = (np.arange(rows)[:, None] <= np.arange(columns)) & (np.arange(rows)[:, None] > 0)
    need_known(matrix, needed, metric)
    return per_replicate(matrix[..., needed].mean(axis=-1))


def _just_before(accuracy: ArrayLike, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix, and the accuracy on tasks 2 to T just before each is trained, shape (..., T - 1)."""
    matrix = as_accuracy(accuracy)
    need_tasks(matrix, 2, metric)
    needed = np.eye(*matrix.shape[-2:], dtype=bool)
    needed[0] = False
    need_known(matrix, needed, metric)
    return matrix, np.diagonal(matrix, axis1=-2, axis2=-1)[..., 1:]


def _gains(accuracy: ArrayLike, metric: str) -> np.ndarray:
    matrix, before = _just_before(accuracy, metric)
    needed = np.zeros(matrix.shape[-2:], dtype=bool)
    needed[0, 1:] = True
    need_known(matrix, needed, metric)
    return before - matrix[..., 0, 1:]
