"""How far the rounded gradients of regions may be from the exact ones."""

from __future__ import annotations

import numpy as np

from plnet.budgets import look
from plnet.ir.layers import Affine, GroupMax
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.data import RegionData

__all__ = ["gradient_errors"]

_BLOCK = 2_000_000


def gradient_errors(complex_: RegionData) -> np.ndarray:
    """Return a bound of the rounding error of each entry of the gradients, shape (R, m, d).

    A product of matrices that is rounded in any order differs from the exact one by at most
    ``gamma`` times the product of the absolute values, gamma about the number of additions in a row.

    References
    ----------
    Higham (2002), Accuracy and Stability of Numerical Algorithms, section 3.5.
    """
    network, start = complex_.network, np.abs(complex_.chart.directions)
    terms = 4 + sum(layer.n_terms + 3 if isinstance(layer, Affine) else 3 for layer in network.layers)
    gamma = 1.01 * terms * UNIT_ROUNDOFF
    widest = max((layer.n_out for layer in network.layers), default=network.input_dim)
    block = max(1, _BLOCK // (widest * complex_.dim))
    parts = [
        _absolute_forms(complex_, complex_.patterns[i : i + block], start)
        for i in range(0, len(complex_), block)
    ]
    whole = np.concatenate(parts) if parts else np.zeros((0, network.output_dim, complex_.dim))
    return gamma * whole + 1e-300


def _absolute_forms(complex_: RegionData, patterns: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the product of the absolute values of all matrices, shape (R, m, d)."""
    look()
    network = complex_.network
    forms = np.broadcast_to(start, (len(patterns), *start.shape))
    begin, indices = 0, iter(network.unit_indices)
    for layer in network.layers:
        if isinstance(layer, Affine):
            size, n, d = forms.shape
            rows = np.moveaxis(forms, 2, 1).reshape(size * d, n)
            forms = np.moveaxis(layer.multiply(rows, "absolute").reshape(size, d, -1), 1, 2)
            continue
        index = next(indices)
        pieces = np.tile(network.default_pieces(layer), (len(patterns), 1))
        pieces[:, index] = patterns[:, begin : begin + len(index)]
        begin += len(index)
        units = np.arange(layer.n_units)
        if isinstance(layer, GroupMax):
            rows = layer.groups[units, pieces]
            forms = np.take_along_axis(forms, rows[:, :, None], axis=1)
        else:
            forms = forms * np.abs(layer.slopes[units, pieces])[:, :, None]
    return np.array(forms)
