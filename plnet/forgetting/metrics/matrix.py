"""Reading an accuracy matrix: its shape, its range, and holes where a metric needs a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError

__all__ = [
    "as_accuracy",
    "as_fractions",
    "as_numbers",
    "check_after",
    "learned_rows",
    "need_known",
    "need_tasks",
    "per_replicate",
    "with_initial_row",
]


def as_accuracy(accuracy: ArrayLike) -> np.ndarray:
    """Return an accuracy matrix as numbers, after checking its shape and its range.

    Parameters
    ----------
    accuracy : array_like, shape (T + 1, T) or (S, T + 1, T)
        Entry ``[i, j]`` is the accuracy on task j + 1 after training task i, each task counted from 1; row 0
        is before any training. With a leading axis, one matrix for each of S replicates. NaN is a hole.

    Returns
    -------
    ndarray, float64, of the same shape

    Raises
    ------
    MetricError
        If the shape does not fit or a value is outside [0, 1].
    """
    matrix = as_fractions(accuracy, "accuracies")
    if matrix.ndim not in (2, 3):
        raise MetricError(
            "Expected an accuracy matrix (T + 1, T), or (S, T + 1, T) for S replicates, "
            f"got shape {matrix.shape}."
        )
    rows, tasks = matrix.shape[-2:]
    if tasks == 0 or 0 in matrix.shape:
        raise MetricError(f"Expected at least one task and one replicate, got shape {matrix.shape}.")
    if rows == tasks:
        raise MetricError(
            f"Got {rows} rows for {tasks} tasks; the row before training is missing. Put it on top with "
            "plnet.forgetting.metrics.with_initial_row(matrix, initial)."
        )
    if rows != tasks + 1:
        raise MetricError(
            f"Expected {tasks + 1} rows for {tasks} tasks (before training, then after each), got {rows}."
        )
    return matrix


def as_fractions(values: ArrayLike, what: str) -> np.ndarray:
    """Return numbers in [0, 1], where NaN is a hole.

    Raises
    ------
    MetricError
        If they are not real numbers or not in that range.
    """
    try:
        given = np.asarray(values)
        numbers = given.astype(np.float64) if not np.iscomplexobj(given) else np.empty(0)
    except (TypeError, ValueError) as error:
        raise MetricError(f"Expected an array of real {what} with rows of equal length ({error}).") from error
    if np.iscomplexobj(given):
        raise MetricError(f"Expected real {what}, got complex numbers.")
    # Not "outside": a comparison with NaN is false, and a hole is no error here.
    wrong = (numbers < 0) | (numbers > 1)
    if wrong.any():
        worst = numbers[wrong][0]
        hint = " Are these per cent? Divide them by 100." if 1 < np.nanmax(numbers) <= 100 else ""
        raise MetricError(f"Expected {what} between 0 and 1, got {worst:g}.{hint}")
    return numbers


def with_initial_row(matrix: ArrayLike, initial: ArrayLike | None = None) -> np.ndarray:
    """Put the accuracies before training on top of a matrix of accuracies after each task.

    Parameters
    ----------
    matrix : array_like, shape (T, T) or (S, T, T)
        Entry ``[i, j]`` is the accuracy on the (j + 1)-th task after training the (i + 1)-th.
    initial : array_like, shape (T,) or (S, T), optional
        Accuracy on each task at random initialisation. A row of holes if not given; then only metrics that
        compare with it cannot be computed.

    Returns
    -------
    ndarray, shape (T + 1, T) or (S, T + 1, T)

    Raises
    ------
    MetricError
        If the shapes do not fit or a value is outside [0, 1].

    Examples
    --------
    >>> from plnet.forgetting.metrics import with_initial_row
    >>> with_initial_row([[0.9, 0.2], [0.7, 0.8]], [0.1, 0.1]).tolist()
    [[0.1, 0.1], [0.9, 0.2], [0.7, 0.8]]
    """
    after = as_fractions(matrix, "accuracies")
    if after.ndim not in (2, 3) or after.shape[-1] != after.shape[-2]:
        raise MetricError(f"Expected a square matrix (T, T) or (S, T, T), got shape {after.shape}.")
    before = as_fractions(np.nan if initial is None else initial, "initial accuracies")
    try:
        row = np.broadcast_to(before, after.shape[:-2] + after.shape[-1:])
    except ValueError:
        raise MetricError(
            f"Expected {after.shape[-1]} initial accuracies, one for each task, got shape {before.shape}."
        ) from None
    return as_accuracy(np.concatenate([row[..., None, :], after], axis=-2))


def need_tasks(matrix: np.ndarray, least: int, metric: str) -> None:
    """Refuse a sequence that is too short for a metric.

    Raises
    ------
    MetricError
        If there are fewer tasks.
    """
    if matrix.shape[-1] < least:
        raise MetricError(
            f"{metric} compares tasks, so it does not exist for {matrix.shape[-1]} task; "
            f"give at least {least}."
        )


def need_known(matrix: np.ndarray, needed: np.ndarray, metric: str) -> None:
    """Refuse a matrix with a hole among the entries that a metric needs.

    Parameters
    ----------
    matrix : ndarray, shape (..., T + 1, T)
    needed : ndarray of bool, shape (T + 1, T)
    metric : str
        Its name, for the message.

    Raises
    ------
    MetricError
        Naming the first hole.
    """
    holes = np.argwhere(np.isnan(matrix) & needed)
    if len(holes) == 0:
        return
    *replicate, row, task = holes[0].tolist()
    where = f"of replicate {replicate[0]} " if replicate else ""
    when = f"after training task {row}" if row else "before training"
    raise MetricError(
        f"{metric} needs the accuracy {where}on task {task + 1} {when}, which is not known "
        f"({len(holes)} hole{'s' if len(holes) != 1 else ''}). Measure it, or leave this "
        f"{'replicate' if replicate else 'matrix'} out."
    )


def learned_rows(tasks: int) -> np.ndarray:
    """Return which entries (T + 1, T) are measured when the task has been trained."""
    return np.arange(tasks + 1)[:, None] > np.arange(tasks)


def per_replicate(values: np.ndarray) -> Any:
    """Return one number as float, and one for each replicate as an array."""
    return float(values) if np.ndim(values) == 0 else values


def check_after(after: int | None, tasks: int, least: int, metric: str) -> int:
    """Return the number of the task after which a metric is taken, the last one if not given.

    Raises
    ------
    MetricError
        If there is no such task, or the metric does not exist after it.
    """
    if after is None:
        return tasks
    if isinstance(after, bool) or not isinstance(after, int | np.integer) or not least <= after <= tasks:
        raise MetricError(f"{metric} exists after tasks {least} to {tasks}, got after={after!r}.")
    return int(after)


def as_numbers(values: ArrayLike | Sequence[float], what: str) -> np.ndarray:
    """Return finite numbers.

    Raises
    ------
    MetricError
        If they are not finite real numbers.
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"Expected {what} as real numbers ({error}).") from error
    if not np.isfinite(numbers).all():
        raise MetricError(f"Expected finite {what}, got {numbers[~np.isfinite(numbers)].flat[0]}.")
    return numbers
