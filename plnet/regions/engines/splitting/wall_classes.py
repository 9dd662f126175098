"""Rows of one layer that are multiples of each other: repeated, scaled and mirrored units."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

import numpy as np

from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import Affine
from plnet.regions.engines.splitting.kernel_layers import Rows

__all__ = ["wall_classes"]


def wall_classes(
    affine: tuple[Affine, ...] | None, entering: RationalMatrix, rows: Rows
) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each row and its orientation (1 or -1) within the class.

    Two walls of a layer with proportional weights and biases are the same wall in every
    cell, which floating point could never prove. Proportionality is decided exactly;
    rounding is only used to find candidates.

    Parameters
    ----------
    affine : tuple of Affine or None
        What leads to the layer; None for the first layer.
    entering : RationalMatrix, shape (n, d + 1)
        Exact forms that enter the first layer.
    rows : Rows

    Returns
    -------
    classes, signs : ndarray of int64, shape (rows,)
    """
    classes = np.arange(len(rows.source), dtype=np.int64)
    signs = np.ones(len(rows.source), dtype=np.int64)
    walls = np.flatnonzero(rows.wall == 1)
    if len(walls) < 2 or (affine is not None and len(affine) != 1):
        return classes, signs
    groups = [walls.tolist()] if affine is None else _candidates(affine[0], rows, walls)
    for group in groups:
        seen: dict[tuple, int] = {}
        for row in group:
            exact = _entering_row(entering, rows, row) if affine is None else _map_row(affine[0], rows, row)
            if exact is not None:
                key, sign = exact
                classes[row], signs[row] = seen.setdefault(key, row), sign
    return classes, signs


def _candidates(layer: Affine, rows: Rows, walls: np.ndarray) -> list[list[int]]:
    """Return groups of rows that may be proportional: two random combinations have the same ratio."""
    points = np.random.default_rng(0).standard_normal((2, layer.n_in + 1))
    values = layer.multiply(points[:, :-1])[:, rows.source[walls]]
    values += points[:, -1:] * (layer.bias[rows.source] - rows.shift)[walls]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = values[0] / values[1]
    order = np.argsort(ratio)
    order = order[np.isfinite(ratio[order])]
    near = np.diff(ratio[order]) <= 1e-9 * np.abs(ratio[order][:-1])
    found: list[list[int]] = []
    last = -2
    for place in np.flatnonzero(near).tolist():
        if place != last + 1:
            found.append([int(walls[order[place]])])
        found[-1].append(int(walls[order[place + 1]]))
        last = place
    return [sorted(group) for group in found]


def _entering_row(entering: RationalMatrix, rows: Rows, row: int) -> tuple[tuple, int] | None:
    entries = entering.integers[rows.source[row]].tolist()
    top, bottom = float(rows.shift[row]).as_integer_ratio()
    entries = [x * bottom for x in entries]
    entries[-1] -= top * entering.denominator
    return _primitive(entries) if any(entries[:-1]) else None


def _map_row(layer: Affine, rows: Rows, row: int) -> tuple[tuple, int] | None:
    inputs, weights = layer.row(int(rows.source[row]))
    if not weights:
        return None
    constant = Fraction(float(layer.bias[rows.source[row]])) - Fraction(float(rows.shift[row]))
    exact = [*weights, constant]
    common = lcm(*(x.denominator for x in exact))
    key, sign = _primitive([int(x * common) for x in exact])
    return (tuple(inputs.tolist()), key), sign


def _primitive(entries: list[int]) -> tuple[tuple, int]:
    divisor = gcd(*entries)
    sign = 1 if next(x for x in entries if x) > 0 else -1
    return tuple(sign * x // divisor for x in entries), sign
