"""Best sup-norm fits of samples of one variable: the fewest slopes that stab all intervals.

Let g be a fit from below. Each of its lines can be lifted until it touches the lower hull of the
samples. The slopes of lines below all samples that come within t of sample i form an interval, so g
has error t or less exactly if every interval contains one of its slopes. The fewest such slopes are
found greedily; the least t by bisection. A free fit is one from below, moved up by half its error.
"""

from __future__ import annotations

import numpy as np

from plnet.maxout.fitting.targets.samples import Samples

__all__ = ["best_slopes", "lower_hull"]


def best_slopes(samples: Samples, pieces: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the slopes of a best lower fit, and a bracket of its error.

    Parameters
    ----------
    samples : Samples
        With d = 1.
    pieces : int

    Returns
    -------
    slopes : ndarray, shape (m,)
        With m at most `pieces`.
    bracket : (lo, hi)
        Least error of a lower fit; a free fit has half of it.

    Notes
    -----
    O(n log h log(1 / precision)) for n samples of which h are vertices of the lower convex hull.
    """
    x, y = samples.points[:, 0], samples.values
    hull = lower_hull(x, y)
    at_hull = np.interp(x, x[hull], y[hull])
    least = float(np.maximum(y - at_hull, 0.0).max())
    low, high = 0.0, float(np.ptp(y)) + least
    chosen = _stabbing(x, y, hull, high)
    first = _stabbing(x, y, hull, least)
    if first is not None and len(first) <= pieces:
        return first, (least, least)
    assert chosen is not None
    low = max(low, least)
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high or high - low <= 1e-15 * high:
            break
        found = _stabbing(x, y, hull, middle)
        if found is not None and len(found) <= pieces:
            high, chosen = middle, found
        else:
            low = middle
    return chosen, (low, high)


def lower_hull(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the indices of the vertices of the lower convex hull, from left to right."""
    hull: list[int] = []
    for i in np.lexsort((y, x)).tolist():
        if hull and x[hull[-1]] == x[i]:
            continue
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(i)
    return np.array(hull)


def _stabbing(x: np.ndarray, y: np.ndarray, hull: np.ndarray, error: float) -> np.ndarray | None:
    """Return the fewest slopes that come within an error of all samples; None if one cannot be reached."""
    least, most = _intervals(x, y, hull, error)
    if (least > most).any():
        return None
    order = most.argsort()
    least, most = least[order], most[order]
    chosen: list[float] = []
    start = 0
    while start < len(order):
        # The next slope stabs all intervals that begin before the first one ends.
        end = most[start]
        later = np.flatnonzero(least[start:] > end)
        count = int(later[0]) if len(later) else len(order) - start
        chosen.append(_between(float(least[start : start + count].max()), float(end)))
        start += count
    return np.array(chosen)


def _between(low: float, high: float) -> float:
    if np.isinf(low):
        return 0.0 if np.isinf(high) else high
    return low if np.isinf(high) else 0.5 * (low + high)


def _intervals(x: np.ndarray, y: np.ndarray, hull: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest slope of lines through (x_i, y_i - error) below all samples."""
    most = _tangents(x[hull], y[hull], x, y - error)
    # The mirror image turns slopes on the left into slopes on the right.
    least = -_tangents(-x[hull][::-1], y[hull][::-1], -x, y - error)
    return least, most


def _tangents(at: np.ndarray, heights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the least slope from each point (x, y) to the vertices of a convex chain on its right.

    On the chain that slope falls to its least value and then rises, so a binary search finds it.
    """
    edges = np.diff(heights) / np.diff(at)
    last = len(at) - 1
    low = np.searchsorted(at, x, side="right")
    high = np.full(len(x), last)
    none = low > last
    low = np.minimum(low, last)
    while (low < high).any():
        middle = (low + high) // 2
        run = at[middle] - x
        slope = np.divide(heights[middle] - y, run, out=np.zeros(len(x)), where=run > 0)
        rises = (middle == last) | (edges[np.minimum(middle, last - 1)] >= slope)
        high, low = np.where(rises, middle, high), np.where(rises, low, np.minimum(middle + 1, high))
    run = at[low] - x
    slope = np.divide(heights[low] - y, run, out=np.full(len(x), np.inf), where=run > 0)
    return np.where(none, np.inf, slope)
