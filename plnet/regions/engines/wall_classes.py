"""Rows of one layer that are multiples of each other: repeated, scaled and mirrored units."""

from __future__ import annotations

from math import gcd

import numpy as np

from plnet.geometry.exact import rational
from plnet.regions.problem import Problem

__all__ = ["wall_classes"]


def wall_classes(
    problem: Problem, depth: int, source: np.ndarray, shift: np.ndarray, wall: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each row and its orientation (1 or -1) within the class.

    Two walls of a layer with proportional weights and biases are the same wall in every
    cell, which floating point could never prove. Proportionality is decided exactly;
    rounding is only used to find candidates.

    Parameters
    ----------
    problem : Problem
    depth : int
        Index of the nonlinear layer.
    source, shift, wall : ndarray, shape (rows,)
        Input of the layer, breakpoint, and whether the row is a wall.

    Returns
    -------
    classes, signs : ndarray of int64, shape (rows,)
    """
    classes = np.arange(len(source), dtype=np.int64)
    signs = np.ones(len(source), dtype=np.int64)
    affine = problem.blocks[depth].affine
    if len(affine) != 1 or len(source) < 2:
        return classes, signs
    table = np.concatenate([affine[0].weight, affine[0].bias[:, None]], axis=1)[source]
    table[:, -1] -= shift
    pivot = np.abs(table).argmax(axis=1)
    lead = table[np.arange(len(table)), pivot]
    with np.errstate(invalid="ignore", divide="ignore"):
        keys = np.round(table / lead[:, None], 9) + 0.0
    candidates: dict[bytes, list[int]] = {}
    for row in np.flatnonzero((wall == 1) & (lead != 0)).tolist():
        candidates.setdefault(keys[row].tobytes(), []).append(row)
    for rows in candidates.values():
        if len(rows) > 1:
            _classify(affine[0].weight, affine[0].bias, source, shift, rows, classes, signs)
    return classes, signs


def _classify(
    weight: np.ndarray,
    bias: np.ndarray,
    source: np.ndarray,
    shift: np.ndarray,
    rows: list[int],
    classes: np.ndarray,
    signs: np.ndarray,
) -> None:
    seen: dict[tuple[int, ...], int] = {}
    for row in rows:
        parts = [weight[source[row]], bias[source[row] : source[row] + 1], shift[row : row + 1]]
        *entries, constant, breakpoint_ = rational(np.concatenate(parts)[None]).integers[0].tolist()
        entries.append(constant - breakpoint_)
        divisor = gcd(*entries)
        first = next(x for x in entries if x)
        sign = 1 if first > 0 else -1
        primitive = tuple(sign * x // divisor for x in entries)
        classes[row] = seen.setdefault(primitive, row)
        signs[row] = sign
