"""Points and directions of a domain, to look for a place where two networks differ."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plnet.budgets import look
from plnet.geometry.cells import domain_cell
from plnet.geometry.domain import Chart
from plnet.regions.problem import MOST_DIMENSIONS_BY_VERTICES

__all__ = ["axis_bounds", "bounding_box", "directions", "is_bounded", "points"]

_SCALES = (1.0, 8.0, 1024.0)
"""How far out points are drawn where the domain is unbounded."""


def axis_bounds(chart: Chart) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return low (d,), high (d,) of the coordinates as far as single facets give them, rounded outwards.

    The third entry says whether these are all facets.
    """
    low, high = np.full(chart.dim, -np.inf), np.full(chart.dim, np.inf)
    complete = True
    normals, offsets = chart.facets.integers[:, :-1], chart.facets.integers[:, -1].tolist()
    used = normals != 0
    for row, offset in enumerate(offsets):
        look()
        axes = np.flatnonzero(used[row])
        if len(axes) != 1:
            complete = complete and not len(axes)
            continue
        axis = int(axes[0])
        bound = Fraction(-offset, normals[row, axis])
        if normals[row, axis] > 0:
            low[axis] = max(low[axis], _rounded(bound, -1))
        else:
            high[axis] = min(high[axis], _rounded(bound, 1))
    return low, high, complete


def is_bounded(chart: Chart) -> bool | None:
    """Return whether a domain is bounded; None if that would need too many vertices."""
    low, high, complete = axis_bounds(chart)
    if np.isfinite(low).all() and np.isfinite(high).all():
        return True
    if complete:
        return False
    return domain_cell(chart.facets).bounded if chart.dim <= MOST_DIMENSIONS_BY_VERTICES else None


def points(chart: Chart, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return coordinates of about `count` points of the domain, up to rounding, shape (k, d)."""
    low, high, complete = axis_bounds(chart)
    if complete or chart.dim > MOST_DIMENSIONS_BY_VERTICES:
        drawn = _in_box(low, high, count, rng)
        return drawn if complete else drawn[_inside(chart, drawn)]
    vertices, rays = _generators(chart)
    weights = rng.dirichlet(np.full(len(vertices), 0.5), count)
    steps = rng.exponential(size=(count, len(rays))) * rng.choice(_SCALES, (count, 1))
    steps[rng.random(steps.shape) < 0.5] = 0.0
    return np.concatenate([vertices, weights @ vertices + steps @ rays])


def directions(chart: Chart, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return directions of the recession cone as small integers where possible, shape (k, d)."""
    low, high, complete = axis_bounds(chart)
    drawn = np.concatenate(
        [np.eye(chart.dim), -np.eye(chart.dim), np.rint(rng.standard_normal((count, chart.dim)) * 16)]
    )
    drawn = np.where(np.isfinite(low) & (drawn < 0) | np.isfinite(high) & (drawn > 0), 0.0, drawn)
    if not complete:
        if chart.dim > MOST_DIMENSIONS_BY_VERTICES:
            return np.zeros((0, chart.dim))
        _, rays = _generators(chart)
        drawn = np.concatenate([rays, rng.integers(0, 16, (count, len(rays))) @ rays])
    return drawn[drawn.any(axis=1)]


def _rounded(bound: Fraction, side: int) -> float:
    nearest = float(bound)
    return nearest if Fraction(nearest) == bound else float(np.nextafter(nearest, side * np.inf))


def _in_box(low: np.ndarray, high: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw uniformly where both ends are finite; else at several scales from the finite end, or from 0."""
    d = len(low)
    far = rng.standard_normal((count, d)) * rng.choice(_SCALES, (count, 1))
    start = np.where(np.isfinite(low), low, high)
    side = np.where(np.isfinite(low), 1.0, -1.0)
    half = np.where(np.isfinite(start), start, 0.0) + side * np.abs(far)
    both = np.isfinite(low) & np.isfinite(high)
    either = np.isfinite(low) | np.isfinite(high)
    bottom, top = np.where(both, low, 0.0), np.where(both, high, 1.0)
    inner = bottom + rng.random((count, d)) * (top - bottom)
    corners = np.where(rng.random((min(count, 64), d)) < 0.5, bottom, top)
    drawn = np.where(both, inner, np.where(either, half, far))
    drawn[: len(corners)] = np.where(both, corners, drawn[: len(corners)])
    return drawn


def _inside(chart: Chart, drawn: np.ndarray) -> np.ndarray:
    facets = chart.facets.to_float()
    return np.all(drawn @ facets[:, :-1].T + facets[:, -1] >= 0, axis=1)


def _generators(chart: Chart) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (or other points, at least one) and directions that generate a domain, rounded."""
    cell = domain_cell(chart.facets)
    finite = [[float(Fraction(x, v[-1])) for x in v[:-1]] for v in cell.vertices if v[-1]]
    far = [[float(x) for x in v[:-1]] for v in cell.vertices if not v[-1]]
    for line in getattr(cell, "lines", ()):
        far += [[float(x) for x in line[:-1]], [-float(x) for x in line[:-1]]]
    rays = np.array(far).reshape(len(far), chart.dim)
    return np.array(finite).reshape(len(finite), chart.dim), rays / np.abs(rays).max(axis=1, keepdims=True)


def bounding_box(chart: Chart) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a box of coordinates that holds a bounded domain, or None if none is known."""
    low, high, _ = axis_bounds(chart)
    if np.isfinite(low).all() and np.isfinite(high).all():
        return low, high
    if chart.dim > MOST_DIMENSIONS_BY_VERTICES or not (cell := domain_cell(chart.facets)).bounded:
        return None
    columns = list(zip(*([Fraction(x, v[-1]) for x in v[:-1]] for v in cell.vertices), strict=True))
    return (
        np.array([_rounded(min(column), -1) for column in columns]),
        np.array([_rounded(max(column), 1) for column in columns]),
    )
