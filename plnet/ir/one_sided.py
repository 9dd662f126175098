"""Exact patterns an infinitesimal step away from a point."""

from __future__ import annotations

import numpy as np

from plnet.geometry.exact import RationalMatrix
from plnet.ir.forms import affine_forms, select_pieces
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork

__all__ = ["one_sided_pattern"]


def one_sided_pattern(network: PLNetwork, start: RationalMatrix) -> np.ndarray:
    """Return the pattern at ``point + e * direction`` for all small enough e > 0, exactly.

    Parameters
    ----------
    network : PLNetwork
    start : RationalMatrix, shape (input_dim, 2)
        Columns ``[direction | point]``.

    Returns
    -------
    ndarray of ``network.pattern_dtype``, shape (U,)
    """
    forms, parts = start, []
    sizes = iter(network.unit_indices)
    for layer in network.layers:
        if isinstance(layer, Affine):
            forms = affine_forms(layer, forms)
            continue
        rows = [(value, slope) for slope, value in forms.integers.tolist()]
        if isinstance(layer, GroupMax):
            pieces = _group_pieces(layer, rows)
        else:
            pieces = _scalar_pieces(layer, rows, forms.denominator)
        parts.append(pieces[next(sizes)])
        forms = select_pieces(layer, forms, pieces).reduced()
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(network.pattern_dtype)


def _scalar_pieces(layer: ScalarPWL, rows: list[tuple[int, int]], denominator: int) -> np.ndarray:
    out = np.zeros(layer.n_out, dtype=np.int64)
    for unit, (value, slope) in enumerate(rows):
        for point in layer.breakpoints[unit, : layer.n_pieces[unit] - 1].tolist():
            top, bottom = point.as_integer_ratio()
            out[unit] += (value * bottom - top * denominator, slope) > (0, 0)
    return out


def _group_pieces(layer: GroupMax, rows: list[tuple[int, int]]) -> np.ndarray:
    out = np.zeros(layer.n_units, dtype=np.int64)
    for unit, members in enumerate(layer.groups.tolist()):
        best = max(rows[member] for member in members)
        out[unit] = max(piece for piece, member in enumerate(members) if rows[member] == best)
    return out
