"""The best partition of an interval: k parts whose chords lie equally high above a convex function.

The best line for a convex f on an interval has the slope of the chord, and half the largest gap
between chord and f as its error. k lines are best if these gaps are equal; for every partition the
optimum lies between half its least and half its greatest gap, because one of its parts lies inside a
part of the best partition and one contains such a part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import solve_banded

__all__ = ["Curve", "Partition", "chord_gaps", "equalised_partition"]

_INNER = 15
"""Points that one round of the search for a minimum or a root tries inside each interval."""
_ROUNDS = 18
"""Rounds until an interval shrinks below the machine precision, 8^-18; at a kink that is needed."""


@dataclass(frozen=True, eq=False)
class Partition:
    """A partition of an interval.

    Parameters
    ----------
    knots : ndarray, shape (k + 1,)
    heights : ndarray, shape (k + 1,)
        The function at the knots.
    gaps : ndarray, shape (k,)
        Greatest height of the chord above the function on each part.
    peaks : ndarray, shape (k,)
        Where that is.
    floor : float
        A gap that is known to be too small for k parts.
    """

    knots: np.ndarray
    heights: np.ndarray
    gaps: np.ndarray
    peaks: np.ndarray
    floor: float = 0.0

    @property
    def optimum(self) -> tuple[float, float]:
        """Bracket of the least error of a free fit with k pieces."""
        return max(float(self.gaps.min()), self.floor) / 2, float(self.gaps.max()) / 2

    @property
    def imbalance(self) -> float:
        """Relative difference of the greatest and the least gap."""
        top = float(self.gaps.max())
        return (top - float(self.gaps.min())) / top if top > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Curve:
    """A convex function of one variable.

    Parameters
    ----------
    value : callable
        (n,) -> (n,).
    kinks : ndarray, shape (m,), optional
        Of a piecewise-linear function: where its slope changes.
    """

    value: Callable[[np.ndarray], np.ndarray]
    kinks: np.ndarray | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values."""
        return self.value(x)

    @cached_property
    def heights(self) -> np.ndarray:
        """Values at the kinks."""
        return self.value(self.kinks) if self.kinks is not None else np.empty(0)


def chord_gaps(
    curve: Curve, left: np.ndarray, right: np.ndarray, ends: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the greatest height of each chord above a convex function, and where that is.

    Parameters
    ----------
    curve : Curve
    left, right : ndarray, shape (m,)
    ends : pair of ndarray, shape (m,), optional
        Values at the ends.

    Returns
    -------
    gaps, peaks : ndarray, shape (m,)

    Notes
    -----
    The difference to the chord has one valley, so the neighbours of the lowest of several points enclose
    its lowest point. An error h of the place costs O(h^2) of the gap where the function is smooth, and O(h)
    at a kink. The valley of a piecewise-linear function is at one of its kinks.
    """
    at_left, at_right = ends if ends is not None else (curve(left), curve(right))
    width = right - left
    slope = np.divide(at_right - at_left, width, out=np.zeros_like(width), where=width > 0)

    def chords(inner: np.ndarray) -> np.ndarray:
        from_left = at_left[:, None] + slope[:, None] * (inner - left[:, None])
        from_right = at_right[:, None] - slope[:, None] * (right[:, None] - inner)
        # The nearer end is the better one to measure from.
        return np.where(inner - left[:, None] <= right[:, None] - inner, from_left, from_right)

    rows = np.arange(len(left))
    best, peaks = np.zeros(len(left)), left.copy()
    if curve.kinks is not None:
        if not len(curve.kinks):
            return best, peaks
        inside = (curve.kinks > left[:, None]) & (curve.kinks < right[:, None])
        depth = np.where(inside, chords(np.broadcast_to(curve.kinks, inside.shape)) - curve.heights, 0.0)
        lowest = depth.argmax(axis=1)
        found = depth[rows, lowest]
        return np.maximum(found, 0.0), np.where(found > 0, curve.kinks[lowest], left)
    low, high = left.copy(), right.copy()
    shares = np.linspace(0, 1, _INNER + 2)
    for _ in range(_ROUNDS):
        points = low[:, None] + shares * (high - low)[:, None]
        inner = points[:, 1:-1]
        depth = chords(inner) - curve(inner.ravel()).reshape(inner.shape)
        lowest = depth.argmax(axis=1)
        found = depth[rows, lowest]
        better = found > best
        best = np.where(better, found, best)
        peaks = np.where(better, inner[rows, lowest], peaks)
        low, high = points[rows, lowest], points[rows, lowest + 2]
    return best, peaks


def equalised_partition(curve: Curve, low: float, high: float, pieces: int, tolerance: float) -> Partition:
    """Return a partition of [low, high] into parts with equal gaps.

    Parameters
    ----------
    curve : Curve
    low, high : float
    pieces : int
    tolerance : float
        Gaps that differ by less are equal: the rounding error of a value.

    Returns
    -------
    Partition

    Notes
    -----
    Newton's method from a partition of equal integrals of sqrt(f''); where it does not come to
    rest, as at kinks, the longest part with a given gap is taken again and again, and the gap is
    bisected.
    """
    low, high = float(low), float(high)
    if pieces == 1:
        return _partition(curve, np.array([low, high]))
    best = _newton(curve, _first_knots(curve, low, high, pieces), tolerance)
    if best.gaps.max() - best.gaps.min() <= max(64 * tolerance, 1e-12 * best.gaps.max()):
        return best
    other = _greedy(curve, best, tolerance)
    return replace(min(best, other, key=lambda partition: partition.gaps.max()), floor=other.floor)


def _partition(curve: Curve, knots: np.ndarray) -> Partition:
    heights = curve(knots)
    gaps, peaks = chord_gaps(curve, knots[:-1], knots[1:], (heights[:-1], heights[1:]))
    return Partition(knots, heights, gaps, peaks)


def _first_knots(curve: Curve, low: float, high: float, pieces: int) -> np.ndarray:
    grid = np.linspace(low, high, max(513, 16 * pieces + 1))
    heights = curve(grid)
    bend = np.maximum(np.diff(heights, 2), 0.0)
    # A small share of the uniform density keeps knots apart where the function is straight.
    density = np.sqrt(bend) + 1e-3 * np.sqrt(bend).mean() + 1e-300
    total = np.concatenate([[0.0], np.cumsum(density)])
    inside = np.interp(np.arange(1, pieces) / pieces * total[-1], total, 0.5 * (grid[1:] + grid[:-1]))
    return np.concatenate([[low], inside, [high]])


def _newton(curve: Curve, knots: np.ndarray, tolerance: float) -> Partition:
    here = _partition(curve, knots)
    for _ in range(40):
        if here.gaps.max() - here.gaps.min() <= 4 * tolerance or here.gaps.min() <= 0:
            break
        step = _newton_step(curve, here)
        if step is None:
            break
        there = _damped(curve, here, step)
        if there is None:
            break
        here = there
    return here


def _newton_step(curve: Curve, here: Partition) -> np.ndarray | None:
    """Return the step of the inner knots that makes the logarithms of all gaps equal to first order."""
    knots, gaps = here.knots, here.gaps
    left, right = knots[:-1], knots[1:]
    width = right - left
    chord = np.diff(here.heights) / width
    h = 1e-6 * np.minimum(width[:-1], width[1:])
    slope = (curve(knots[1:-1] + h) - curve(knots[1:-1] - h)) / (2 * h)
    at_right = (here.peaks[:-1] - left[:-1]) / width[:-1] * (slope - chord[:-1]) / gaps[:-1]
    at_left = (right[1:] - here.peaks[1:]) / width[1:] * (slope - chord[1:]) / gaps[1:]
    # Row i: the change of log gap i - log gap (i + 1) by the knots around; inner knot i is shared by both.
    bands = np.zeros((3, len(slope)))
    bands[1] = at_right - at_left
    bands[0, 1:] = -at_right[1:]
    bands[2, :-1] = at_left[:-1]
    residual = np.diff(np.log(gaps))
    try:
        step = solve_banded((1, 1), bands, residual)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return step if np.isfinite(step).all() else None


def _damped(curve: Curve, here: Partition, step: np.ndarray) -> Partition | None:
    factor = 1.0
    for _ in range(12):
        knots = here.knots.copy()
        knots[1:-1] += factor * step
        if (np.diff(knots) > 0).all():
            there = _partition(curve, knots)
            if there.gaps.min() > 0 and there.imbalance < here.imbalance:
                return there
        factor /= 2
    return None


def _greedy(curve: Curve, start: Partition, tolerance: float) -> Partition:
    """Find the least gap with which k longest parts reach the end, by trying many gaps at a time.

    The gaps of any partition enclose it.
    """
    best, pieces = start.knots, len(start.gaps)
    low, high = float(best[0]), float(best[-1])
    least, most = float(start.gaps.min()), float(start.gaps.max())
    for _ in range(15):
        gaps = np.linspace(least, most, _INNER + 2)[1:]
        knots = _longest_parts(curve, low, high, gaps, pieces)
        reached = np.flatnonzero(knots[:, -1] >= high)
        if not len(reached):
            break
        first = int(reached[0])
        best = knots[first]
        most = float(gaps[first])
        least = float(gaps[first - 1]) if first else least
        if most <= 4 * tolerance or most - least <= 1e-14 * most:
            break
    return replace(_partition(curve, best), floor=least)


def _longest_parts(curve: Curve, low: float, high: float, gaps: np.ndarray, pieces: int) -> np.ndarray:
    """Return for each gap the knots of `pieces` longest parts from the left, shape (m, pieces + 1)."""
    knots = np.full((len(gaps), pieces + 1), low)
    for i in range(pieces):
        knots[:, i + 1] = _longest_part(curve, knots[:, i], high, gaps)
    return knots


def _longest_part(curve: Curve, left: np.ndarray, high: float, gaps: np.ndarray) -> np.ndarray:
    near, far = left.copy(), np.full(len(left), high)
    whole = chord_gaps(curve, left, far)[0] <= gaps
    rows = np.arange(len(left))
    shares = np.linspace(0, 1, _INNER + 2)
    for _ in range(13):
        points = near[:, None] + shares * (far - near)[:, None]
        starts = np.repeat(left, _INNER)
        depth = chord_gaps(curve, starts, points[:, 1:-1].ravel())[0].reshape(-1, _INNER)
        # Gaps grow with the part, so the fitting ones come first.
        count = np.cumprod(depth <= gaps[:, None], axis=1).sum(axis=1).astype(np.int64)
        near, far = points[rows, count], points[rows, count + 1]
    return np.where(whole, high, near)
