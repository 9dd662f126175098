"""Find the region of a point."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from plnet.errors import DimensionError, DomainError
from plnet.geometry.cells import scaled_vertex
from plnet.geometry.exact import rational, to_fractions
from plnet.ir.one_sided import one_sided_pattern
from plnet.regions.cells.adjacency import embed_columns, pattern_index
from plnet.regions.cells.interior_points import heights_above_sides, safe_patterns_at
from plnet.regions.data import RegionData
from plnet.regions.problem import MOST_DIMENSIONS_BY_VERTICES

__all__ = ["locate"]

_TRIES = 16


def locate(complex_: RegionData, t: Any) -> np.ndarray:
    """Return the region of each point, -1 outside the domain.

    A point on a wall belongs to a region whose closure contains it.

    Parameters
    ----------
    complex_ : RegionComplex
    t : array_like, shape (n, d)
        Coordinates of the domain, as in ``complex_.points``; for a Box, a Polytope or a
        Space they are the inputs of the network.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    points = np.asarray(t, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != complex_.dim:
        raise DimensionError(f"Expected points of shape (n, {complex_.dim}), got {points.shape}.")
    if not np.isfinite(points).all():
        raise DomainError("Expected finite points, got NaN or infinity.")
    index = pattern_index(complex_.patterns)
    patterns, safe = safe_patterns_at(complex_.problem, points)
    out = np.full(len(points), -1, dtype=np.int64)
    for i in np.flatnonzero(_inside(complex_, points)):
        found = index.get(patterns[i].tobytes()) if safe[i] else None
        out[i] = _locate_exactly(complex_, index, points[i]) if found is None else found
    return out


def _inside(complex_: RegionData, points: np.ndarray) -> np.ndarray:
    facets = complex_.chart.facets
    values, bound = heights_above_sides(complex_.problem, points)
    inside: np.ndarray = np.all(values > bound, axis=1)
    for i in np.flatnonzero(~inside & np.all(values >= -bound, axis=1)):
        exact = [*to_fractions(points[i]), Fraction(1)]
        inside[i] = all(
            sum(a * x for a, x in zip(row, exact, strict=True)) >= 0 for row in facets.integers.tolist()
        )
    return inside


def _corners(complex_: RegionData) -> list[list[Fraction]]:
    """Return homogeneous points whose combinations with positive weights lie inside the domain."""
    if complex_.dim > MOST_DIMENSIONS_BY_VERTICES and len(complex_.chart.facets.integers):
        return [[*to_fractions(point), Fraction(1)] for point in complex_.points[:_TRIES]]
    root = complex_.problem.root
    return [scaled_vertex(vertex) for vertex in (*root.vertices, *getattr(root, "lines", ()))]


def _locate_exactly(complex_: RegionData, index: dict[bytes, int], point: np.ndarray) -> int:
    """Step from the point into the domain, in one of several directions, until a region is met."""
    exact = to_fractions(point)
    corners = _corners(complex_)
    for attempt in range(_TRIES):
        # Positive weights of all corners give a point inside, whatever the size of the domain.
        weights = [Fraction(1009 + attempt * (i + 1) ** 2, 1009) for i in range(len(corners))]
        sums = [
            sum(w * x for w, x in zip(weights, column, strict=True)) for column in zip(*corners, strict=True)
        ]
        target = [x / sums[-1] for x in sums[:-1]]
        direction = [c - x for c, x in zip(target, exact, strict=True)]
        start = rational(np.array([[a, b] for a, b in zip(direction, exact, strict=True)], dtype=object))
        pattern = one_sided_pattern(complex_.network, embed_columns(complex_.problem, start))
        found = index.get(pattern.tobytes())
        if found is not None:
            return found
    return -1
