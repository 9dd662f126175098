"""Numbers of a complex that need only its arrays."""

from __future__ import annotations

import numpy as np

from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.leaves import LeafArrays

__all__ = ["bounded", "mean_points", "ring_volumes"]


def mean_points(leaves: LeafArrays) -> np.ndarray:
    """Return the mean of the finite vertices, moved along the unbounded directions, shape (R, d)."""
    # Near the largest float a sum of vertices would lie beyond it.
    huge = np.abs(leaves.vertices).max(initial=0.0) > 2.0**1000
    unit = np.where(np.arange(leaves.dim + 1) < leaves.dim, 2.0**-20, 1.0) if huge else 1.0
    totals = _sum_per_region(leaves.vertices * unit, leaves.starts)
    means = totals[:, :-1] / np.maximum(totals[:, -1:], 1.0)
    return means * 2.0**20 if huge else means


def ring_volumes(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray]:
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
    table = _sum_per_region(np.stack([contributions, errors], axis=1), starts)
    finite = bounded(leaves)
    return np.where(finite, np.abs(table[:, 0]), np.inf), np.where(finite, table[:, 1], 0.0)


def bounded(leaves: LeafArrays) -> np.ndarray:
    """Return which regions are bounded, shape (R,), from known vertices."""
    out = np.ones(len(leaves.patterns), dtype=bool)
    out[leaves.region[leaves.vertices[:, -1] == 0]] = False
    if leaves.lines is not None and len(leaves.lines):
        out[:] = False
    return out


def _sum_per_region(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    if len(starts) == 1:
        return np.zeros((0, rows.shape[1]))
    return np.add.reduceat(rows, starts[:-1], axis=0)
