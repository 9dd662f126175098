"""Numbers of a complex that need only its arrays."""

from __future__ import annotations

import numpy as np

from plnet.regions.leaves import LeafArrays

__all__ = ["bounded", "interior_points", "volumes"]


def interior_points(leaves: LeafArrays) -> np.ndarray:
    """Return the mean of the finite vertices, moved along the unbounded directions, shape (R, d)."""
    # Near the largest float a sum of vertices would lie beyond it.
    huge = np.abs(leaves.vertices).max(initial=0.0) > 2.0**1000
    unit = np.where(np.arange(leaves.dim + 1) < leaves.dim, 2.0**-20, 1.0) if huge else 1.0
    totals = _sum_per_region(leaves.vertices * unit, leaves.starts)
    means = totals[:, :-1] / np.maximum(totals[:, -1:], 1.0)
    return means * 2.0**20 if huge else means


def volumes(leaves: LeafArrays) -> np.ndarray:
    """Return the length or area of each region in its coordinates, shape (R,); inf if unbounded."""
    vertices, starts = leaves.vertices, leaves.starts
    # Coordinates relative to the first vertex keep the areas of small regions accurate.
    local = vertices[:, :-1] - vertices[starts[:-1]][leaves.region, :-1]
    after = local[leaves.following]
    if vertices.shape[1] == 2:
        contributions = np.abs(after[:, 0] - local[:, 0]) / 2
    else:
        contributions = (local[:, 0] * after[:, 1] - local[:, 1] * after[:, 0]) / 2
    out = np.abs(_sum_per_region(contributions[:, None], starts)[:, 0])
    finite = _sum_per_region((vertices[:, -1:] == 0).astype(float), starts)[:, 0] == 0
    return np.where(finite, out, np.inf)


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
