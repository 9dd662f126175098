"""Volumes of regions of dimension 3 and more, in the coordinates of the domain."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from plnet.budgets import Pace, look

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["polytope_volumes"]

_BLOCK = 1 << 16
"""Regions between two looks at the clock, at most."""


def polytope_volumes(complex_: RegionComplex) -> np.ndarray:
    """Return the volume of each region, shape (R,); inf if unbounded.

    From the rounded vertices, by triangulation. Costs one determinant for each simplex, up to d!
    of them for each vertex: milliseconds a region for d = 6, most of a second for d = 8.
    """
    # numba takes a second to load.
    from plnet.regions.kernels.simplices import add_volumes

    leaves = complex_.geometry
    d, n = leaves.dim, int(np.diff(leaves.starts).max(initial=1))
    unbounded = np.zeros(len(leaves.patterns), dtype=bool)
    unbounded[leaves.region[leaves.vertices[:, -1] == 0]] = True
    if len(complex_.lines):
        unbounded[:] = True
    # Coordinates relative to the first vertex keep the volumes of small regions accurate.
    local = leaves.vertices[:, :-1] - leaves.vertices[leaves.starts[:-1]][leaves.region, :-1]
    out = np.where(unbounded, -1.0, 0.0)
    points, faces = np.ascontiguousarray(local), np.empty((d + 1, n), np.int64)
    levels, matrix, pace, i = np.zeros((2, d + 1), np.int64), np.empty((d, d)), Pace(_BLOCK, 64), 0
    while i < len(out):
        block = slice(i, i + pace.start())
        ends = slice(block.start, block.stop + 1)
        add_volumes(
            points,
            leaves.tight,
            leaves.starts[ends],
            leaves.facet_rows[ends],
            faces,
            levels,
            matrix,
            out[block],
        )
        pace.done()
        look()
        i = block.stop
    return np.where(unbounded, np.inf, out / factorial(d))
