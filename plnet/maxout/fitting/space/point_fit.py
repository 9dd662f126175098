"""Sup-norm fits of values at points: alternating partition with one linear program for each piece.

For a fixed assignment of points to pieces the best fit from below falls into k independent linear
programs: piece i stays below all values and comes as near as possible to those assigned to it.
Assigning each point to its greatest piece again never makes the error larger.
"""

from __future__ import annotations

import numpy as np

from plnet.budgets import Deadline
from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.space.programs import solved
from plnet.maxout.fitting.targets.samples import Samples

__all__ = ["best_lower_pieces", "lifted_offsets", "lower_error", "lower_piece"]

_ROUNDS = 40
_FIRST = 60
"""Constraints in the first of the linear programs for one piece; violated ones are added."""


def best_lower_pieces(samples: Samples, pieces: int, effort: Effort) -> np.ndarray:
    """Return the slopes (k, d) of the best fit from below among several starts.

    References
    ----------
    Magnani and Boyd (2009), "Convex piecewise-linear fitting", with the sup norm in place of least squares.
    """
    starts = (_alternate(samples, pieces, number, effort) for number in range(1, effort.starts + 1))
    tries = ((slopes, lower_error(samples, slopes, lifted_offsets(samples, slopes))) for slopes in starts)
    return effort.best(tries, np.zeros((1, samples.dim)))


def lifted_offsets(samples: Samples, slopes: np.ndarray) -> np.ndarray:
    """Return the greatest offsets with which the pieces stay below all values, shape (k,)."""
    return (samples.values[:, None] - samples.points @ slopes.T).min(axis=0)


def lower_error(samples: Samples, slopes: np.ndarray, offsets: np.ndarray) -> float:
    """Return the greatest distance of the values above the maximum of the pieces."""
    return float((samples.values - (samples.points @ slopes.T + offsets).max(axis=1)).max())


def _alternate(samples: Samples, pieces: int, number: int, effort: Effort) -> np.ndarray:
    owner = _start(samples, pieces, number, effort.rng)
    best, least, stalled = np.zeros((1, samples.dim)), np.inf, 0
    for _ in range(_ROUNDS):
        parts = [np.flatnonzero(owner == i) for i in np.unique(owner)]
        slopes = np.array([lower_piece(samples, own, effort.deadline) for own in parts])
        heights = samples.points @ slopes.T + lifted_offsets(samples, slopes)
        short = samples.values - heights.max(axis=1)
        error = float(short.max())
        stalled = 0 if error < least * (1 - 1e-6) else stalled + 1
        if error < least:
            best, least = slopes, error
        new = heights.argmax(axis=1)
        if len(slopes) < pieces:
            new[short.argmax()] = len(slopes)
        if effort.deadline.passed or stalled > 3 or (len(slopes) == pieces and (new == owner).all()):
            break
        owner = new
    return best


def _start(samples: Samples, pieces: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return a first assignment: nearest of far points, then of random points."""
    extent = np.ptp(samples.points, axis=0)
    scaled = samples.points / np.where(extent > 0, extent, 1.0)
    pieces = min(pieces, len(scaled))
    if number > 1:
        centres = scaled[rng.choice(len(scaled), pieces, replace=False)]
        return ((scaled[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    centre = scaled[((scaled - scaled.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    distances = [((scaled - centre) ** 2).sum(axis=1)]
    while len(distances) < pieces:
        far = scaled[np.min(distances, axis=0).argmax()]
        distances.append(((scaled - far) ** 2).sum(axis=1))
    return np.argmin(distances, axis=0)


def lower_piece(samples: Samples, own: np.ndarray, deadline: Deadline) -> np.ndarray:
    """Return the slope (d,) of the affine function below all values that comes nearest to its own.

    Zeros where the time is up before it is known.
    """
    points, values, d = samples.points, samples.values, samples.dim
    origin = points[own].mean(axis=0)
    spread = np.ptp(points, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    size = float(np.ptp(values)) or 1.0
    design = np.column_stack([(points - origin) / spread, np.ones(len(points))])
    level = float(values[own].min())
    heights = (values - level) / size
    lines = np.unique(np.concatenate([own[: 4 * _FIRST], np.argsort(heights)[:_FIRST]]))
    nearest = own[: 4 * _FIRST]
    cost = np.append(np.zeros(d + 1), 1.0)
    bounds = [(-1e9, 1e9)] * (d + 1) + [(0, None)]
    for _ in range(50):
        limits = np.vstack(
            [
                np.column_stack([design[lines], np.zeros(len(lines))]),
                np.column_stack([-design[nearest], -np.ones(len(nearest))]),
            ]
        )
        right = np.concatenate([heights[lines], -heights[nearest]])
        found = solved(cost, limits, right, bounds, deadline)
        if found is None or deadline.passed:
            return np.zeros(d) if found is None else found.x[:d] * size / spread
        line = design @ found.x[:-1]
        over, short = line - heights, heights[own] - line[own] - found.x[-1]
        missing = np.flatnonzero(over > 1e-10)
        lacking = own[short > 1e-10]
        if not (len(missing) or len(lacking)):
            break
        lines = np.union1d(lines, missing[np.argsort(-over[missing])[:_FIRST]])
        nearest = np.union1d(nearest, lacking[:_FIRST])
    return found.x[:d] * size / spread
