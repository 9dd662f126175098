"""`holm_correction`: p-values of several tests made together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError

__all__ = ["holm_correction"]


def holm_correction(p_values: ArrayLike) -> np.ndarray:
    """Return p-values adjusted by Holm's step-down procedure, valid whatever the dependence of the tests.

    Rejecting where the adjusted value is at most alpha makes any false rejection with a probability of at
    most alpha.

    Parameters
    ----------
    p_values : array_like, shape (m,)

    Returns
    -------
    ndarray, shape (m,)
        In the order of the input, at most 1.

    Raises
    ------
    MetricError
        If a p-value is not in [0, 1].

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.

    Examples
    --------
    >>> from plnet.forgetting.statistics import holm_correction
    >>> holm_correction([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    try:
        given = np.asarray(p_values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"Expected p-values as numbers ({error}).") from error
    # Written so that NaN is refused too.
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise MetricError(f"Expected a row of p-values between 0 and 1, got {given}.")
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
