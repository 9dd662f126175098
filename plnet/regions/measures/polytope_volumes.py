"""Volumes of regions of dimension 3 and more, in the coordinates of the domain."""

from __future__ import annotations

from math import factorial

import numpy as np

from plnet.budgets import Pace, look
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.leaves import LeafArrays

__all__ = ["polytope_volumes"]

_BLOCK = 1 << 16
"""Regions between two looks at the clock, at most."""


def polytope_volumes(leaves: LeafArrays, bounded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the volume of each region and a bound of its error, each (R,); inf if unbounded.

    From the rounded vertices, by triangulation. Costs one determinant for each simplex, up to d!
    of them for each vertex: milliseconds a region for d = 6, most of a second for d = 8.
    """
    # numba takes a second to load.
    from plnet.regions.kernels.spatial.simplices import add_volumes

    d, n = leaves.dim, int(np.diff(leaves.starts).max(initial=1))
    local, blurs, sizes = _in_unit_cubes(leaves)
    out = np.where(bounded, 0.0, -1.0)[:, None].repeat(2, axis=1)
    faces, levels, matrix = np.empty((d + 1, n), np.int64), np.zeros((2, d + 1), np.int64), np.empty((d, d))
    pace, i = Pace(_BLOCK, 64), 0
    while i < len(out):
        block = slice(i, i + pace.start())
        ends = slice(block.start, block.stop + 1)
        starts, facet_rows = leaves.starts[ends], leaves.facet_rows[ends]
        add_volumes(local, blurs, leaves.tight, starts, facet_rows, faces, levels, matrix, out[block])
        pace.done()
        look()
        i = block.stop
    volumes, errors = out.T * sizes / factorial(d)
    errors += 2 * d * UNIT_ROUNDOFF * volumes
    return np.where(bounded, volumes, np.inf), np.where(bounded, errors, 0.0)


def _in_unit_cubes(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vertices of each region in coordinates in which it just fits a unit cube.

    So a region that is long in one coordinate and short in another one is as good as any other one.

    Returns
    -------
    local : ndarray, shape (E, d)
        Relative to the first vertex.
    blurs : ndarray, shape (E,)
        How far each may be from the true one.
    sizes : ndarray, shape (R,)
        Volume of the cubes in the coordinates of the domain.
    """
    first = leaves.starts[:-1]
    local = leaves.vertices[:, :-1] - leaves.vertices[first][leaves.region, :-1]
    extents = np.maximum.reduceat(local, first) - np.minimum.reduceat(local, first)
    extents[extents == 0] = 1.0
    errors = np.inf if leaves.errors is None else leaves.errors / extents[leaves.region]
    blurs = np.linalg.norm(errors + 4 * UNIT_ROUNDOFF * np.ones_like(local), axis=1)
    return local / extents[leaves.region], blurs, extents.prod(axis=1)
