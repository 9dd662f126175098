"""Volumes of regions: in floating point with proved errors, in rationals where these are too large."""

from __future__ import annotations

from math import factorial

import numpy as np

from plnet.budgets import Pace, look
from plnet.geometry.exact import rounded
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.cells.facets import exact_cell
from plnet.regions.cells.refined_vertices import refined_regions
from plnet.regions.leaves import LeafArrays
from plnet.regions.problem import Problem

__all__ = ["MOST_ERROR", "certain_volumes", "local_volumes"]

MOST_ERROR = 1e-9
"""Relative error from which a volume is computed more precisely, in the end in rationals."""

_SMALLEST = 1e-280
"""Below this products may have underflowed."""

_BLOCK = 1 << 16
"""Regions between two looks at the clock, at most."""


def local_volumes(problem: Problem, leaves: LeafArrays, certain: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the volume of each region in the coordinates of the domain, shape (R,); inf if unbounded.

    Each is within `MOST_ERROR` of the exact one, relatively, as is proved from bounds of the errors of the
    vertices: those of the engine, those of improved vertices where these do not suffice, or none at all.

    Parameters
    ----------
    problem : Problem
    leaves : LeafArrays
        With vertices.
    certain : pair of ndarray
        What `certain_volumes` returned for them.
    """
    volumes, good = (array.copy() for array in certain)
    doubtful = np.flatnonzero(~good)
    if len(doubtful):
        refined = refined_regions(problem, leaves.take(doubtful))
        volumes[doubtful], good[doubtful] = certain_volumes(refined)
    for i in np.flatnonzero(~good).tolist():
        volumes[i] = rounded(exact_cell(problem, leaves, i).volume())
    return volumes


def certain_volumes(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray]:
    """Return volumes, and which of them are proved to be good enough."""
    with np.errstate(all="ignore"):
        found, errors = _ring_volumes(leaves) if leaves.dim <= 2 else _polytope_volumes(leaves)
        good = (1.01 * errors <= MOST_ERROR * found) & (found > _SMALLEST)
    return found, good | ~leaves.bounded


def _ring_volumes(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray]:
    """Return length or area of each region and a bound of its error, each (R,); inf if unbounded."""
    vertices, starts = leaves.vertices, leaves.starts
    # Coordinates relative to the first vertex keep the areas of small regions accurate.
    local = vertices[:, :-1] - vertices[starts[:-1]][leaves.region, :-1]
    blur = np.abs(local) * UNIT_ROUNDOFF + (np.inf if leaves.errors is None else leaves.errors)
    following = leaves.following
    after, blur_after = local[following], blur[following]
    if vertices.shape[1] == 2:
        contributions = np.abs(after[:, 0] - local[:, 0]) / 2
        errors = (blur[:, 0] + blur_after[:, 0]) / 2
        sizes = contributions
    else:
        products = local * after[:, ::-1] / 2
        contributions = products[:, 0] - products[:, 1]
        # Moving one vertex changes the area by half of its step across the line between its neighbours.
        across = np.abs(after[following] - local)[:, ::-1]
        errors = (blur_after * across + 2 * blur * blur_after[:, ::-1]).sum(axis=1) / 2
        sizes = np.abs(products).sum(axis=1)
    # A sum of n terms, each of a few operations.
    errors += (np.diff(starts)[leaves.region] + 8) * UNIT_ROUNDOFF * sizes
    table = leaves.sums(np.stack([contributions, errors], axis=1))
    finite = leaves.bounded
    return np.where(finite, np.abs(table[:, 0]), np.inf), np.where(finite, table[:, 1], 0.0)


def _polytope_volumes(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the volume of each region and a bound of its error, each (R,); inf if unbounded.

    From the rounded vertices, by triangulation. Costs one determinant for each simplex, up to d!
    of them for each vertex: milliseconds a region for d = 6, most of a second for d = 8.
    """
    # numba takes a second to load.
    from plnet.regions.kernels.spatial.simplices import add_volumes

    bounded = leaves.bounded
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
