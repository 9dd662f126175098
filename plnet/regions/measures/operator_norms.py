"""Exact norms of linear maps from a slice of the input space to the outputs.

The length of a direction t of the domain is ``||D t||_p``, D the directions of the chart. For
p = 1 and p = inf its unit ball is a polytope and the norm of a map is attained at a corner.
For p = 2 the square of the norm is an eigenvalue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from scipy.linalg import eigh

from plnet.errors import EngineError
from plnet.geometry.cells import domain_cell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.geometry.linear import determinant

__all__ = ["UnitBall", "is_definite", "root_bracket", "spectral_bracket", "unit_ball"]

_MOST_CORNERS = 200_000
"""Candidates for the corners of a unit ball."""


@dataclass(frozen=True, eq=False)
class UnitBall:
    """The directions t with ``||D t||_p <= 1``, for p = 1 or inf.

    Parameters
    ----------
    p : float
    corners : ndarray of Fraction, shape (k, d)
        One of each opposite pair of corners. Where `separable`, the corners on the axes of the
        ball for p = 1, and for p = inf the points of its boundary on the axes.
    separable : bool
        Whether no input depends on two coordinates, as in a box.
    """

    p: float
    corners: np.ndarray
    separable: bool

    def norm(self, matrix: np.ndarray, corners: np.ndarray | None = None) -> Any:
        """Return ``max ||A t||_p`` over the ball, shape (..., m, d) -> (...).

        In fractions, or in floats with the rounded corners.
        """
        values = np.abs(matrix @ (self.corners if corners is None else corners).T)
        if self.p == 1:
            return values.sum(axis=-2).max(axis=-1)
        return (values.sum(axis=-1) if self.separable else values.max(axis=-1)).max(axis=-1)


def unit_ball(chart: Chart, p: float) -> UnitBall:
    """Return the unit ball of directions of a domain, measured as inputs in the p-norm, p = 1 or inf.

    Raises
    ------
    EngineError
        If it has too many corners.
    """
    columns = RationalMatrix(chart.embedding.integers[:, :-1], chart.embedding.denominator).to_fractions()
    rows = [row for row in columns.tolist() if any(row)]
    separable = all(sum(map(bool, row)) == 1 for row in rows)
    if separable:
        found = _axes(columns, p)
    else:
        found = _corners_of_sum(rows, chart.dim) if p == 1 else _corners_of_maximum(rows, chart.dim)
    return UnitBall(p, object_array([x for row in found for x in row], (len(found), chart.dim)), separable)


def spectral_bracket(matrix: np.ndarray, gram: np.ndarray) -> tuple[Fraction, Fraction]:
    """Return rational bounds of the greatest ``|A t|^2 / (t G t)``, each proved.

    Parameters
    ----------
    matrix : ndarray of Fraction, shape (m, d)
    gram : ndarray of Fraction, shape (d, d)
        Positive definite.

    Returns
    -------
    lower, upper : Fraction
        Equal where m or d is 1.

    Notes
    -----
    The lower bound is a quotient at a rounded eigenvector, in fractions; the upper bound u holds
    because ``u G - A^T A`` is positive definite, by exact elimination.
    """
    m, d = matrix.shape
    if d == 1:
        exact = Fraction(sum(x * x for x in matrix[:, 0])) / gram[0, 0]
        return exact, exact
    if m == 1:
        exact = Fraction(matrix[0] @ _solve(gram, matrix[0]))
        return exact, exact
    square = matrix.T @ matrix
    size = max((abs(x) for x in square.flat), default=Fraction(0))
    if not size:
        return Fraction(0), Fraction(0)
    values, vectors = eigh((square / size).astype(np.float64), gram.astype(np.float64))
    vector = object_array([Fraction(float(x)) for x in vectors[:, -1]], (d,))
    lower = _quadratic(square, vector) / _quadratic(gram, vector)
    excess = Fraction(1, 1 << 44)
    upper = max(lower, Fraction(float(values[-1])) * size) * (1 + excess)
    while not is_definite(upper * gram - square):
        excess *= 16
        upper *= 1 + excess
    return lower, upper


def is_definite(matrix: np.ndarray) -> bool:
    """Return whether a symmetric matrix of fractions is positive definite, by exact elimination."""
    rows = matrix.copy()
    for k in range(len(rows)):
        if not rows[k, k] > 0:
            return False
        for i in range(k + 1, len(rows)):
            rows[i, k:] = rows[i, k:] - rows[k, k:] * (rows[i, k] / rows[k, k])
    return True


def root_bracket(lower: Fraction, upper: Fraction) -> tuple[float, float]:
    """Return floats below and above the roots of two bounds; equal where a root is a float.

    Beyond the range of floats the greatest float and inf.
    """
    low, high = _root(lower), _root(upper)
    while low == math.inf or Fraction(low) ** 2 > lower:
        low = math.nextafter(low, -math.inf)
    while high < math.inf and Fraction(high) ** 2 < upper:
        high = math.nextafter(high, math.inf)
    return low, high


def _root(number: Fraction) -> float:
    """Return a root to within a few units in the last place, also where the number is no float."""
    shift = (number.denominator.bit_length() - number.numerator.bit_length()) // 2
    root = math.sqrt(number * Fraction(4) ** shift)
    try:
        return math.ldexp(root, -shift)
    except OverflowError:
        return math.inf


def _quadratic(matrix: np.ndarray, vector: np.ndarray) -> Fraction:
    return sum((x * y for x, y in zip(vector, matrix @ vector, strict=True)), Fraction(0))


def _axes(columns: np.ndarray, p: float) -> list[list[Fraction]]:
    """Return the points of length 1 on the axes of coordinates."""
    d = columns.shape[1]
    combine = sum if p == 1 else max
    sizes = [Fraction(combine(map(abs, columns[:, j].tolist()))) for j in range(d)]
    return [[1 / size if i == j else Fraction(0) for j in range(d)] for i, size in enumerate(sizes)]


def _corners_of_sum(rows: list[list[Fraction]], d: int) -> list[list[Fraction]]:
    """Corners of ``sum |D_i t| <= 1``: d - 1 independent rows vanish there."""
    if d == 2:
        return _corners_of_plane_sum(rows)
    directions = list(dict.fromkeys(_direction(row) for row in rows))
    if math.comb(len(directions), d - 1) > _MOST_CORNERS:
        raise EngineError(
            f"The unit ball of the 1-norm in this slice of dimension {d} may have "
            f"{math.comb(len(directions), d - 1)} corners, too many to list. Use p=2 or p=inf, or a plane."
        )
    found: dict[tuple[Fraction, ...], None] = {}
    for chosen in combinations(directions, d - 1):
        normal = [(-1) ** j * determinant([row[:j] + row[j + 1 :] for row in chosen]) for j in range(d)]
        if any(normal):
            size = sum(abs(sum(a * x for a, x in zip(row, normal, strict=True))) for row in rows)
            first = next(x for x in normal if x)
            found[tuple(Fraction(x if first > 0 else -x) / size for x in normal)] = None
    return [list(corner) for corner in found]


def _corners_of_plane_sum(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """The same in a plane, by turning a line once around the origin; O(n log n)."""
    joined: dict[tuple[int, ...], list[Fraction]] = {}
    for row in rows:
        key = _direction(row)
        sign = 1 if next(x for x in row if x) > 0 else -1
        before = joined.get(key, [Fraction(0), Fraction(0)])
        joined[key] = [a + sign * x for a, x in zip(before, row, strict=True)]
    # All point to the right (or up), so their slopes give their order around the origin.
    turning = sorted(joined.values(), key=lambda r: (not r[0], r[1] / r[0] if r[0] else Fraction(0)))
    behind = [Fraction(0), Fraction(0)]
    ahead = [sum(column, Fraction(0)) for column in zip(*turning, strict=True)]
    found = []
    for x, y in turning:
        ahead = [ahead[0] - x, ahead[1] - y]
        # The normal (-y, x) sees what is ahead on one side, what is behind on the other.
        size = -y * (ahead[0] - behind[0]) + x * (ahead[1] - behind[1])
        found.append([-y / size, x / size])
        behind = [behind[0] + x, behind[1] + y]
    return found


def _corners_of_maximum(rows: list[list[Fraction]], d: int) -> list[list[Fraction]]:
    """Corners of ``max |D_i t| <= 1``, by cutting."""
    forms = [[s * x for x in row] + [Fraction(1)] for row in rows for s in (1, -1)]
    common = math.lcm(*(x.denominator for row in forms for x in row))
    integers = object_array([int(x * common) for row in forms for x in row], (len(forms), d + 1))
    cell = domain_cell(RationalMatrix(integers, 1))
    corners = [[Fraction(x, v[-1]) for x in v[:-1]] for v in cell.vertices]
    return [corner for corner in corners if next(x for x in corner if x) > 0]


def _direction(row: list[Fraction]) -> tuple[int, ...]:
    common = math.lcm(*(x.denominator for x in row))
    whole = [int(x * common) for x in row]
    divisor = math.gcd(*whole)
    sign = 1 if next(x for x in whole if x) > 0 else -1
    return tuple(sign * x // divisor for x in whole)


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a positive definite system of fractions."""
    rows = np.concatenate([matrix, right[:, None]], axis=1)
    for k in range(len(rows)):
        rows[k] = rows[k] / rows[k, k]
        for i in range(len(rows)):
            if i != k:
                rows[i] = rows[i] - rows[k] * rows[i, k]
    return rows[:, -1]
