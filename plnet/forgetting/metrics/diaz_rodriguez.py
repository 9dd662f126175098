"""The set of Diaz-Rodriguez et al. (2018): accuracy, memory, computation, and one score from all of them.

Its backward and forward transfer stand with the others of their kind, in `backward` and `forward`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import as_accuracy, as_numbers, learned_rows, need_known, per_replicate

__all__ = [
    "accuracy_diaz_rodriguez",
    "cl_score",
    "cl_stability",
    "computational_efficiency",
    "model_size_efficiency",
    "samples_storage_size_efficiency",
]

_PRECISION = 1e-9
"""How far weights that someone typed may be from the sum 1."""


def accuracy_diaz_rodriguez(accuracy: ArrayLike) -> Any:
    """Return A, the mean accuracy on task j after task i over all i >= j.

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
        If the matrix has the wrong shape or range, or a needed entry is a hole.

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, equation 1.
    """
    matrix = as_accuracy(accuracy)
    learned = learned_rows(matrix.shape[-1])
    need_known(matrix, learned, "accuracy_diaz_rodriguez")
    return per_replicate(matrix[..., learned].mean(axis=-1))


def model_size_efficiency(sizes: ArrayLike) -> float:
    """Return MS, the mean of first size by size of the model after each task, at most 1.

    Parameters
    ----------
    sizes : array_like, shape (T,)
        Memory or number of parameters of the model after each task, in any one unit.

    Returns
    -------
    float
        In [0, 1]; 1 if the model does not grow.

    Raises
    ------
    MetricError
        If a size is not positive.

    Examples
    --------
    >>> from plnet.forgetting.metrics import model_size_efficiency
    >>> model_size_efficiency([1000, 2000])
    0.75
    """
    mem = _series(sizes, "sizes of the model", positive=True)
    return float(min(1.0, np.mean(mem[0] / mem)))


def samples_storage_size_efficiency(stored: ArrayLike, total: float) -> float:
    """Return SSS = 1 - min(1, mean share of all data that is stored for replay).

    Parameters
    ----------
    stored : array_like, shape (T,)
        Memory of the stored samples after each task.
    total : float
        Memory of the whole data, in the same unit.

    Returns
    -------
    float
        In [0, 1]; 1 if nothing is stored.

    Raises
    ------
    MetricError
        If an amount is negative or the total not positive.
    """
    mem = _series(stored, "sizes of the stored samples")
    whole = _series([total], "total size of the data", positive=True)[0]
    return float(1.0 - min(1.0, np.mean(mem / whole)))


def computational_efficiency(operations: ArrayLike, one_pass: ArrayLike, epsilon: float = 1.0) -> float:
    """Return CE, the mean of epsilon x operations of one pass by those used to learn each task, at most 1.

    Parameters
    ----------
    operations : array_like, shape (T,)
        Multiplications and additions used to learn each task.
    one_pass : array_like, shape (T,) or ()
        Those of one forward and backward pass over the training data of each task.
    epsilon : float
        Scaling factor, 1 in the paper unless the values are too small to compare.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    MetricError
        If a number is not positive or the shapes differ.
    """
    used = _series(operations, "operations", positive=True)
    single = as_numbers(one_pass, "operations of one pass")
    factor = as_numbers(epsilon, "epsilon")
    if single.shape not in ((), used.shape) or factor.shape != () or (single <= 0).any() or factor <= 0:
        raise MetricError(
            f"Expected positive operations of one pass (one or {len(used)} numbers) and a positive epsilon, "
            f"got shapes {single.shape} and {factor.shape}."
        )
    return float(min(1.0, np.mean(factor * single / used)))


def cl_score(criteria: Mapping[str, float], weights: Mapping[str, float] | None = None) -> float:
    """Return CL_score, the weighted mean of criteria that are all in [0, 1] and better when larger.

    Parameters
    ----------
    criteria : mapping of str to float
        For instance A, REM, BWT+, FWT, MS, SSS and CE.
    weights : mapping of str to float, optional
        Sum 1, for the same names; equal weights if not given.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    MetricError
        If a criterion is outside [0, 1] or the weights do not fit.

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, equation 8.

    Examples
    --------
    >>> from plnet.forgetting.metrics import cl_score
    >>> cl_score({"A": 0.75, "REM": 0.25})
    0.5
    """
    shares = _weights(list(criteria), weights)
    values = _criteria([criteria])
    return float(values[0] @ shares)


def cl_stability(
    runs: Sequence[Mapping[str, float]], weights: Mapping[str, float] | None = None, *, ddof: int = 1
) -> float:
    """Return CL_stability = 1 - weighted mean of the standard deviations of the criteria over runs.

    Parameters
    ----------
    runs : sequence of mappings
        The criteria of each run, as for `cl_score`; at least two runs.
    weights : mapping of str to float, optional
        As for `cl_score`.
    ddof : {1, 0}
        1 divides the sum of squares by runs - 1, 0 by runs. The paper does not say which.

    Returns
    -------
    float

    Raises
    ------
    MetricError
        If there are fewer than two runs, the runs have different criteria, or as `cl_score`.

    References
    ----------
    Diaz-Rodriguez et al. (2018), Don't forget, there is more than forgetting, equation 9.
    """
    if len(runs) < 2:
        raise MetricError(f"cl_stability needs the criteria of at least two runs, got {len(runs)}.")
    if ddof not in (0, 1):
        raise MetricError(f"Expected ddof 0 or 1, got {ddof!r}.")
    shares = _weights(list(runs[0]), weights)
    return float(1.0 - _criteria(runs).std(axis=0, ddof=ddof) @ shares)


def _series(values: ArrayLike, what: str, *, positive: bool = False) -> np.ndarray:
    numbers = as_numbers(values, what)
    if numbers.ndim != 1 or len(numbers) == 0:
        raise MetricError(f"Expected {what} as one row of numbers, got shape {numbers.shape}.")
    if (numbers < 0).any() or (positive and (numbers == 0).any()):
        raise MetricError(f"Expected {'positive ' if positive else ''}{what}, got {numbers.min():g}.")
    return numbers


def _criteria(runs: Sequence[Mapping[str, float]]) -> np.ndarray:
    names = list(runs[0])
    if any(set(run) != set(names) for run in runs):
        raise MetricError(f"Expected the same criteria in every run: {', '.join(names)}.")
    values = as_numbers([[run[name] for name in names] for run in runs], "criteria")
    outside = (values < 0) | (values > 1)
    if outside.any():
        name = names[int(np.argwhere(outside)[0][1])]
        raise MetricError(
            f"Expected criteria between 0 and 1, got {name} = {values[outside][0]:g}. Take REM and BWT+ "
            "instead of a signed transfer."
        )
    return values


def _weights(names: list[str], weights: Mapping[str, float] | None) -> np.ndarray:
    if not names:
        raise MetricError("Expected at least one criterion.")
    if weights is None:
        return np.full(len(names), 1 / len(names))
    if set(weights) != set(names):
        raise MetricError(f"Expected a weight for each of {', '.join(names)}; got {', '.join(weights)}.")
    shares = as_numbers([weights[name] for name in names], "weights")
    if (shares < 0).any() or abs(shares.sum() - 1) > _PRECISION:
        raise MetricError(f"Expected weights >= 0 with the sum 1, got the sum {shares.sum():g}.")
    return shares
