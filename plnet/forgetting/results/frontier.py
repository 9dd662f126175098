"""Possibilities frontiers: which old and new errors a method can have at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from plnet.errors import MetricError
from plnet.forgetting.results.result import SequenceResult

__all__ = ["convex_frontier", "frontier_points", "pareto_front"]


def frontier_points(result: SequenceResult) -> np.ndarray:
    """Return the errors on the old and on the new task at every moment of the second of two tasks.

    Parameters
    ----------
    result : SequenceResult
        Of two tasks, with curves. Moments that were not measured are left out.

    Returns
    -------
    ndarray, shape (n, 2)
        Columns: error on the first task, error on the second one. All replicates that did not fail,
        together.

    Raises
    ------
    MetricError
        If there are not two tasks, or no curves.

    References
    ----------
    Goodfellow et al. (2013), An Empirical Investigation of Catastrophic Forgetting in Gradient-Based Neural
    Networks, section 4.
    """
    if result.n_tasks != 2 or result.curves is None:
        raise MetricError(
            f"A frontier needs two tasks and curves, got {result.n_tasks} tasks "
            f"{'without' if result.curves is None else 'with'} curves. Take train_sequence(..., curves=1)."
        )
    during = result.curves.accuracy[~result.failed][:, result.curves.task == 2].reshape(-1, 2)
    return 1.0 - during[~np.isnan(during).any(axis=1)]


def pareto_front(points: ArrayLike, *, chosen_by: ArrayLike | None = None) -> np.ndarray:
    """Return the points to which no other one is better in one error and at least as good in the other.

    Parameters
    ----------
    points : array_like, shape (n, 2)
        Errors, smaller is better.
    chosen_by : array_like, shape (n, 2), optional
        Decide by these errors instead, for instance of validation data, and return the rows of `points`. A
        front that test errors choose is too good.

    Returns
    -------
    ndarray, shape (k, 2)
        By the first error (of those that decide), ascending; points with equal errors once. Complexity O(n
        log n).

    Raises
    ------
    MetricError
        If the points are not finite or of another shape.

    Examples
    --------
    >>> from plnet.forgetting.results.frontier import pareto_front
    >>> pareto_front([[0.1, 0.9], [0.5, 0.5], [0.6, 0.5], [0.4, 0.6], [0.9, 0.1]]).tolist()
    [[0.1, 0.9], [0.4, 0.6], [0.5, 0.5], [0.9, 0.1]]
    """
    shown = _points(points)
    deciding = shown if chosen_by is None else _points(chosen_by)
    if deciding.shape != shown.shape:
        raise MetricError(f"Expected as many points to choose by, {shown.shape}, got {deciding.shape}.")
    return shown[_front(deciding)]


def convex_frontier(points: ArrayLike) -> np.ndarray:
    """Return the corners of the lower left convex hull, the frontier of Goodfellow et al. (2013).

    Between two corners the hull is no point that a network had. Errors of the test part make it too good;
    with more epochs it has more points to choose from.

    Parameters
    ----------
    points : array_like, shape (n, 2)
        Errors, smaller is better.

    Returns
    -------
    ndarray, shape (k, 2)
        From the smallest first error to the smallest second one. Complexity O(n log n).

    Raises
    ------
    MetricError
        If the points are not finite or of another shape.

    References
    ----------
    Goodfellow et al. (2013), An Empirical Investigation of Catastrophic Forgetting in Gradient-Based Neural
    Networks, section 4.

    Examples
    --------
    >>> from plnet.forgetting.results.frontier import convex_frontier
    >>> convex_frontier([[0.1, 0.9], [0.5, 0.5], [0.4, 0.7], [0.9, 0.1]]).tolist()
    [[0.1, 0.9], [0.9, 0.1]]
    """
    hull: list[np.ndarray] = []
    for point in pareto_front(points):
        # Points on a straight line between two others are no corners.
        while len(hull) > 1 and _turn(hull[-2], hull[-1], point) <= 0:
            hull.pop()
        hull.append(point)
    return np.array(hull).reshape(-1, 2)


def _front(points: np.ndarray) -> np.ndarray:
    order = np.lexsort((points[:, 1], points[:, 0]))
    second = points[order, 1]
    best = np.minimum.accumulate(second)
    return order[np.concatenate([second[:1] == best[:1], second[1:] < best[:-1]])]


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Return twice the area of a triangle, positive if its corners go counter-clockwise."""
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _points(points: ArrayLike) -> np.ndarray:
    try:
        array = np.array(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"Expected pairs of errors as numbers ({error}).") from error
    array = array.reshape(0, 2) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
        raise MetricError(f"Expected finite pairs of errors (n, 2), got shape {array.shape}.")
    return array
