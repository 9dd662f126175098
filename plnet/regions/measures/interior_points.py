"""A point inside each region, in floats where there is one, in rationals in any case."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.errors import DimensionError
from plnet.geometry.exact import rounded
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.certificates.cells import limited_cell, short_interior_point
from plnet.regions.leaves import LeafArrays
from plnet.regions.measures.sizes import bounded, mean_points
from plnet.regions.structure.locate import heights_above_sides, safe_patterns_at

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["exact_point", "interior_points"]

_BLOCK = 4096
_MOST_DIMENSIONS_BY_VOLUME = 4
"""Up to here volumes cost less than the network at one point of each region."""


def interior_points(complex_: RegionComplex) -> tuple[np.ndarray, np.ndarray]:
    """Return a point of each region, shape (R, d), and which are proved to lie inside.

    The mean of the vertices, moved along the unbounded directions. Whether it is inside follows from the
    volume and the errors of the vertices, or from the pattern of the network there. Where neither proves it,
    the point is that of `exact_point`, rounded.
    """
    leaves = complex_.leaves
    with np.errstate(all="ignore"):
        points = mean_points(leaves)
        inside = _proved_by_volume(complex_, leaves, points)
        for begin in range(0, len(points), _BLOCK):
            rows = begin + np.flatnonzero(~inside[begin : begin + _BLOCK])
            inside[rows] = _proved_by_pattern(complex_, rows, points[rows])
    for i in np.flatnonzero(~inside).tolist():
        try:
            exact = _point_of_cell(complex_, i)
        except DimensionError:
            continue
        points[i] = [rounded(x) for x in exact]
        inside[i] = bool(np.isfinite(points[i]).all()) and tuple(map(Fraction, points[i].tolist())) == exact
    return points, inside


def exact_point(complex_: RegionComplex, i: int) -> tuple[Fraction, ...]:
    """Return a rational point in the interior of a region, that of `interior_points` if it is inside."""
    if complex_.points_inside[i]:
        return tuple(map(Fraction, complex_.points[i].tolist()))
    return _point_of_cell(complex_, i)


def _point_of_cell(complex_: RegionComplex, i: int) -> tuple[Fraction, ...]:
    return short_interior_point(limited_cell(complex_, i, "An exact point"))


def _proved_by_volume(complex_: RegionComplex, leaves: LeafArrays, points: np.ndarray) -> np.ndarray:
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
    volumes, good = complex_.certain_volumes
    share = np.where(good, volumes, 0.0) / extents.prod(axis=1)
    near = 1.01 * sizes * d ** (d / 2) * (off / extents).max(axis=1)
    return bounded(leaves) & (share > near)


def _proved_by_pattern(complex_: RegionComplex, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    patterns, safe = safe_patterns_at(complex_, points)
    heights, errors = heights_above_sides(complex_, points)
    own = (patterns == complex_.patterns[rows]).all(axis=1)
    return safe & own & (heights > errors).all(axis=1) & np.isfinite(points).all(axis=1)
