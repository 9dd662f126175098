"""Regions with exact corners, cut off at a box where they are unbounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from plnet.geometry.cells import AnyCell, signs, split
from plnet.geometry.exact import rational
from plnet.geometry.homogeneous import FacetId, Form
from plnet.regions.cells.face_lattice import CornerCell, corners_of
from plnet.regions.data import RegionData

__all__ = ["CUT", "box_forms", "cut_cells", "finite_box", "orthonormal_matrix"]

CUT = -3
"""Stands for the layer in the name of a facet at which a region was cut off."""

_FAR = 4.0
"""Distance from the median, in interquartile ranges, beyond which a vertex is far away."""


def orthonormal_matrix(directions: np.ndarray) -> np.ndarray:
    """Return the upper triangular matrix with ``|matrix @ t| = |directions @ t|``, positive diagonal."""
    upper = np.asarray(np.linalg.qr(directions, mode="r"))
    return upper * np.sign(np.diag(upper))[:, None]


def finite_box(complex_: RegionData, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a box (low, high) around the finite vertices, in the coordinates ``matrix @ t``.

    Where a region is unbounded, vertices far away from most are left out, and a margin of 15 percent of
    the larger side is added, so that the ends can be seen to go on.
    """
    rows = complex_.leaves.vertices
    finite = rows[:, -1] > 0
    points = rows[finite, :-1] @ matrix.T
    low, high = points.min(axis=0), points.max(axis=0)
    if not complex_.bounded.all():
        quarter, middle, rest = np.quantile(points, [0.25, 0.5, 0.75], axis=0)
        reach = _FAR * (rest - quarter)
        if reach.any():
            low, high = np.maximum(low, middle - reach), np.minimum(high, middle + reach)
        margin = 0.15 * (high - low).max() or max(1.0, 0.15 * float(np.abs(points).max()))
        low, high = low - margin, high + margin
    return low, high


def box_forms(matrix: np.ndarray, low: Any, high: Any) -> list[Form]:
    """Return the forms of the 2 d sides of a box in the coordinates ``matrix @ t``, positive inside."""
    rows = [[*row, -a] for row, a in zip(matrix, low, strict=True)]
    rows += [[*(-row), b] for row, b in zip(matrix, high, strict=True)]
    return [tuple(row) for row in rational(np.array(rows)).integers.tolist()]


def cut_cells(complex_: RegionData, forms: list[Form]) -> Iterator[CornerCell | None]:
    """Yield each region, cut off where a form is negative; None for a region that is outside.

    Parts of the border that were cut are facets named ``(CUT, k, -1, -1)`` for form k.
    """
    for i in range(len(complex_)):
        cell = _cut(complex_.exact_cell(i), forms)
        yield None if cell is None else corners_of(cell)


def _cut(cell: AnyCell, forms: list[Form]) -> AnyCell | None:
    for k, form in enumerate(forms):
        at = signs(form, cell)
        name: FacetId = (CUT, k, -1, -1)
        if 1 not in at:
            return None
        if -1 in at:
            cell = split(cell, form, name, at)[1]
    return cell
