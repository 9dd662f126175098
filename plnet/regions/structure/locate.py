"""Find the region of a point."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import DimensionError, DomainError
from plnet.geometry.cells import scaled_vertex
from plnet.geometry.exact import rational, to_fractions
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.ir.one_sided import one_sided_pattern
from plnet.ir.safe_patterns import safe_patterns
from plnet.regions.problem import MOST_DIMENSIONS_BY_VERTICES
from plnet.regions.structure.adjacency import embed_columns, pattern_index

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["heights_above_sides", "locate", "safe_patterns_at"]

_TRIES = 16


def locate(complex_: RegionComplex, t: Any) -> np.ndarray:
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
    patterns, safe = safe_patterns_at(complex_, points)
    out = np.full(len(points), -1, dtype=np.int64)
    for i in np.flatnonzero(_inside(complex_, points)):
        found = index.get(patterns[i].tobytes()) if safe[i] else None
        out[i] = _locate_exactly(complex_, index, points[i]) if found is None else found
    return out


def safe_patterns_at(complex_: RegionComplex, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the patterns at points of the domain, and which of them are proved."""
    chart = complex_.chart
    x = chart.embed(points)
    magnitude = np.abs(points) @ np.abs(chart.directions).T + np.abs(chart.origin)
    # The coordinates of a Box are the inputs themselves; those of a Slice are rounded on the way.
    identity = chart.embedding.denominator == 1 and np.array_equal(
        chart.directions, np.eye(*chart.directions.shape)
    )
    radius = np.zeros_like(x) if identity else (chart.dim + 2) * 2 * UNIT_ROUNDOFF * magnitude
    return safe_patterns(complex_.network, x, radius)


def heights_above_sides(complex_: RegionComplex, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the forms of the sides of the domain at points, (n, f), and their rounding errors."""
    forms = complex_.chart.facets.to_float()
    values = points @ forms[:, :-1].T + forms[:, -1]
    size = np.abs(points) @ np.abs(forms[:, :-1]).T + np.abs(forms[:, -1])
    return values, 2 * (complex_.dim + 2) * UNIT_ROUNDOFF * size


def _inside(complex_: RegionComplex, points: np.ndarray) -> np.ndarray:
    facets = complex_.chart.facets
    values, bound = heights_above_sides(complex_, points)
    inside: np.ndarray = np.all(values > bound, axis=1)
    for i in np.flatnonzero(~inside & np.all(values >= -bound, axis=1)):
        exact = [*to_fractions(points[i]), Fraction(1)]
        inside[i] = all(
            sum(a * x for a, x in zip(row, exact, strict=True)) >= 0 for row in facets.integers.tolist()
        )
    return inside


def _corners(complex_: RegionComplex) -> list[list[Fraction]]:
    """Return homogeneous points whose combinations with positive weights lie inside the domain."""
    if complex_.dim > MOST_DIMENSIONS_BY_VERTICES and len(complex_.chart.facets.integers):
        return [[*to_fractions(point), Fraction(1)] for point in complex_.points[:_TRIES]]
    root = complex_.problem.root
    return [scaled_vertex(vertex) for vertex in (*root.vertices, *getattr(root, "lines", ()))]


def _locate_exactly(complex_: RegionComplex, index: dict[bytes, int], point: np.ndarray) -> int:
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
