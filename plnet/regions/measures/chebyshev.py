"""Largest balls in regions, in the lengths of the input space."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

from plnet.budgets import look
from plnet.geometry.cells import AnyCell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import rational, rounded_root
from plnet.geometry.homogeneous import AT_INFINITY
from plnet.geometry.linear import rank
from plnet.regions.cells.face_lattice import CornerCell, corners_of
from plnet.regions.data import RegionData
from plnet.regions.leaves import read_only

__all__ = ["ChebyshevBall", "chebyshev_ball", "chebyshev_balls"]

_ROUNDS = 3
"""Linear programs for one region, each centred and scaled by the result of the one before."""


@dataclass(frozen=True, eq=False)
class ChebyshevBall:
    """A largest ball in a region.

    Parameters
    ----------
    centre : ndarray, shape (d,)
        Coordinates of its centre in the domain; NaN where the radius is infinite. Where
        several balls are largest, one of them.
    radius : float
        The inradius, a length in the input space; inf if the region contains balls of any size.
    """

    centre: np.ndarray
    radius: float


def chebyshev_ball(complex_: RegionData, i: int) -> ChebyshevBall:
    """Return a largest ball in a region, measured in the space of the inputs.

    In one dimension the middle of the interval, rounded once. Otherwise a linear program in
    coordinates that are centred in the region exactly and scaled to its size; the radius is
    the distance of the centre, before it is rounded, from the nearest facet. Whether the radius is
    infinite is decided exactly: whether the directions of the region span the domain.
    """
    look()
    cell = complex_.exact_cell(i)
    corners = corners_of(cell)
    d = complex_.dim
    if _directions_span(corners):
        return ChebyshevBall(read_only(np.full(d, np.nan)), np.inf)
    if d == 1:
        return _interval(corners, complex_.chart)
    return _polyhedron(cell, complex_.chart)


def chebyshev_balls(complex_: RegionData) -> tuple[np.ndarray, np.ndarray]:
    """Return centre (R, d) and inradius (R,) of all regions; one or two linear programs for each."""
    balls = [chebyshev_ball(complex_, i) for i in range(len(complex_))]
    centres = np.array([ball.centre for ball in balls]).reshape(len(balls), complex_.dim)
    return read_only(centres), read_only(np.array([ball.radius for ball in balls]))


def _directions_span(corners: CornerCell) -> bool:
    far = [v[:-1] for v in (*corners.corners, *corners.lines) if not v[-1]]
    return len(far) >= corners.dim and rank(rational(np.array(far, dtype=object))) == corners.dim


def _interval(corners: CornerCell, chart: Chart) -> ChebyshevBall:
    a, b = (Fraction(v[0], v[1]) for v in corners.corners)
    length = Fraction(sum(x * x for x in chart.embedding.integers[:, 0].tolist()))
    # The root of the exact squared length, not a product of rounded roots.
    squared = (b - a) ** 2 / 4 * length / chart.embedding.denominator**2
    return ChebyshevBall(read_only(np.array([float((a + b) / 2)])), float(squared) ** 0.5)


def _polyhedron(cell: AnyCell, chart: Chart) -> ChebyshevBall:
    rows = [form for form, name in zip(cell.forms, cell.facets, strict=True) if name != AT_INFINITY]
    centre = list(cell.witness())
    normals, scales, signs = _unit_normals(rows, centre, chart)
    best = _distances(rows, centre, scales, signs)
    for _ in range(_ROUNDS):
        before = float(best.min())
        step = _largest_ball(normals, best / before)
        if step is None:
            break
        moved = [c + Fraction(float(x)) * Fraction(before) for c, x in zip(centre, step, strict=True)]
        found = _distances(rows, moved, scales, signs)
        if not found.min() > before:
            break
        centre, best = moved, found
        if found.min() < before * (1 + 1e-12):
            break
    return ChebyshevBall(read_only(np.array([float(x) for x in centre])), float(best.min()))


def _unit_normals(
    rows: list[tuple[int, ...]], inside: list[Fraction], chart: Chart
) -> tuple[np.ndarray, list[Fraction], list[int]]:
    """Return inward normals of length 1 in the dual metric, the factors, and the inward signs."""
    normals, scales, signs = [], [], []
    for row in rows:
        sign = 1 if _value(row, inside) > 0 else -1
        largest = max(map(abs, row[:-1]))
        normal = np.array([sign * x / largest for x in row[:-1]])
        length = rounded_root(chart.squared_slope(row[:-1]) / largest**2)
        normals.append(normal / length)
        scales.append(1 / (largest * Fraction(length)))
        signs.append(sign)
    return np.array(normals), scales, signs


def _distances(
    rows: list[tuple[int, ...]], point: list[Fraction], scales: list[Fraction], signs: list[int]
) -> np.ndarray:
    """Return the distances of a point from all facets, each rounded once; negative outside."""
    triples = zip(rows, scales, signs, strict=True)
    return np.array([float(sign * _value(row, point) * scale) for row, scale, sign in triples])


def _value(row: tuple[int, ...], point: list[Fraction]) -> Fraction:
    return sum((a * x for a, x in zip(row, point, strict=False)), Fraction(row[-1]))


def _largest_ball(normals: np.ndarray, distances: np.ndarray) -> np.ndarray | None:
    """Return the centre of a largest ball in ``normals @ y + distances >= 0``."""
    d = normals.shape[1]
    cost = np.append(np.zeros(d), -1.0)
    table = np.column_stack([-normals, np.ones(len(normals))])
    found = linprog(cost, table, distances, bounds=[(None, None)] * d + [(0, None)], method="highs")
    return found.x[:-1] if found.status == 0 else None
