"""A point inside each region, in floats where there is one, in rationals in any case."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from plnet.errors import DimensionError
from plnet.geometry.exact import rounded
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.ir.safe_patterns import safe_patterns
from plnet.regions.cells.limited import limited_cell, short_interior_point
from plnet.regions.leaves import LeafArrays
from plnet.regions.problem import Problem

__all__ = ["heights_above_sides", "interior_points", "point_of_cell", "safe_patterns_at"]

Volumes: TypeAlias = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Gives what `certain_volumes` returns, where it is wanted."""

_BLOCK = 4096
_MOST_DIMENSIONS_BY_VOLUME = 4
"""Up to here volumes cost less than the network at one point of each region."""


def interior_points(problem: Problem, leaves: LeafArrays, volumes: Volumes) -> tuple[np.ndarray, np.ndarray]:
    """Return a point of each region, shape (R, d), and which are proved to lie inside.

    The mean of the vertices, moved along the unbounded directions. Whether it is inside follows from the
    volume and the errors of the vertices, or from the pattern of the network there. Where neither proves it,
    the point is that of `point_of_cell`, rounded.
    """
    with np.errstate(all="ignore"):
        points = _mean_points(leaves)
        inside = _proved_by_volume(leaves, points, volumes)
        for begin in range(0, len(points), _BLOCK):
            rows = begin + np.flatnonzero(~inside[begin : begin + _BLOCK])
            inside[rows] = _proved_by_pattern(problem, leaves.patterns[rows], points[rows])
    for i in np.flatnonzero(~inside).tolist():
        try:
            exact = point_of_cell(problem, leaves, i)
        except DimensionError:
            continue
        points[i] = [rounded(x) for x in exact]
        inside[i] = bool(np.isfinite(points[i]).all()) and tuple(map(Fraction, points[i].tolist())) == exact
    return points, inside


def point_of_cell(problem: Problem, leaves: LeafArrays, i: int) -> tuple[Fraction, ...]:
    """Return a rational point in the interior of a region, from its exact cell."""
    return short_interior_point(limited_cell(problem, leaves, i, "An exact point"))


def _proved_by_volume(leaves: LeafArrays, points: np.ndarray, volumes: Volumes) -> np.ndarray:
    """Say which means of vertices are inside because their regions are not thin.

    In coordinates in which a region just fits a unit cube, its sections have a volume of at most
    ``sqrt(d)^(d - 1)``, so it is at least ``V / sqrt(d)^(d - 1)`` wide across each facet, and the mean of
    its n vertices is at least the n-th part of that away from it. This must exceed the error of the mean.
    """
    d = leaves.dim
    if d > _MOST_DIMENSIONS_BY_VOLUME or not leaves.has_vertices or leaves.errors is None:
        return np.zeros(len(points), dtype=bool)
    first, sizes = leaves.starts[:-1], np.diff(leaves.starts)
    if not len(points):
        return np.zeros(0, dtype=bool)
    vertices = leaves.vertices[:, :-1]
    extents = np.maximum.reduceat(vertices, first) - np.minimum.reduceat(vertices, first)
    largest = np.maximum.reduceat(np.abs(vertices), first)
    off = np.maximum.reduceat(leaves.errors, first) + (sizes + 2)[:, None] * UNIT_ROUNDOFF * largest
    found, good = volumes()
    share = np.where(good, found, 0.0) / extents.prod(axis=1)
    near = 1.01 * sizes * d ** (d / 2) * (off / extents).max(axis=1)
    return leaves.bounded & (share > near)


def _proved_by_pattern(problem: Problem, expected: np.ndarray, points: np.ndarray) -> np.ndarray:
    patterns, safe = safe_patterns_at(problem, points)
    heights, errors = heights_above_sides(problem, points)
    own = (patterns == expected).all(axis=1)
    return safe & own & (heights > errors).all(axis=1) & np.isfinite(points).all(axis=1)


def safe_patterns_at(problem: Problem, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the patterns at points of the domain, and which of them are proved."""
    chart = problem.chart
    x = chart.embed(points)
    magnitude = np.abs(points) @ np.abs(chart.directions).T + np.abs(chart.origin)
    # The coordinates of a Box are the inputs themselves; those of a Slice are rounded on the way.
    identity = chart.embedding.denominator == 1 and np.array_equal(
        chart.directions, np.eye(*chart.directions.shape)
    )
    radius = np.zeros_like(x) if identity else (chart.dim + 2) * 2 * UNIT_ROUNDOFF * magnitude
    return safe_patterns(problem.network, x, radius)


def heights_above_sides(problem: Problem, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the forms of the sides of the domain at points, (n, f), and their rounding errors."""
    forms = problem.chart.facets.to_float()
    values = points @ forms[:, :-1].T + forms[:, -1]
    size = np.abs(points) @ np.abs(forms[:, :-1]).T + np.abs(forms[:, -1])
    return values, 2 * (problem.dim + 2) * UNIT_ROUNDOFF * size


def _mean_points(leaves: LeafArrays) -> np.ndarray:
    """Return the mean of the finite vertices, moved along the unbounded directions, shape (R, d)."""
    # Near the largest float a sum of vertices would lie beyond it.
    huge = np.abs(leaves.vertices).max(initial=0.0) > 2.0**1000
    unit = np.where(np.arange(leaves.dim + 1) < leaves.dim, 2.0**-20, 1.0) if huge else 1.0
    totals = leaves.sums(leaves.vertices * unit)
    means = totals[:, :-1] / np.maximum(totals[:, -1:], 1.0)
    return means * 2.0**20 if huge else means
