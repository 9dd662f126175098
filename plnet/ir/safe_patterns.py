"""Patterns in float64 with a proof: a point is safe if no unit is within rounding error of a wall."""

from __future__ import annotations

import numpy as np

from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork, apply_with_error, last_argmax

__all__ = ["safe_patterns"]


def safe_patterns(network: PLNetwork, x: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return patterns, and which of them are proved.

    Parameters
    ----------
    network : PLNetwork
    x, radius : ndarray, shape (n, input_dim)
        Inputs, known to within ``± radius``.

    Returns
    -------
    patterns : ndarray of ``network.pattern_dtype``, shape (n, U)
    safe : ndarray of bool, shape (n,)
        Where True, the pattern is that of the real-arithmetic network.
    """
    safe = np.ones(len(x), dtype=bool)
    parts = [np.empty((len(x), 0), dtype=np.int64)]
    sizes = iter(network.unit_indices)
    for layer in network.layers:
        if not isinstance(layer, Affine):
            pieces, margin = _pieces_and_margin(layer, x, radius)
            index = next(sizes)
            parts.append(pieces[:, index])
            safe &= (margin[:, index] > 0).all(axis=1)
        x, radius = apply_with_error(layer, x, radius)
    return np.concatenate(parts, axis=1).astype(network.pattern_dtype), safe


def _pieces_and_margin(
    layer: ScalarPWL | GroupMax, x: np.ndarray, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(layer, ScalarPWL):
        distance = x[:, :, None] - layer.breakpoints[None]
        return (distance > 0).sum(axis=2), np.abs(distance).min(axis=2, initial=np.inf) - 2 * radius
    values, error = x[:, layer.groups], radius[:, layer.groups]
    pieces = last_argmax(values)
    best = np.take_along_axis(values - error, pieces[:, :, None], axis=2)
    # Places in the group that repeat the winner are no rivals.
    winner = np.take_along_axis(np.broadcast_to(layer.groups, values.shape), pieces[:, :, None], axis=2)
    rivals = np.where(layer.groups[None] == winner, -np.inf, values + error).max(axis=2, initial=-np.inf)
    return pieces, best[:, :, 0] - rivals
