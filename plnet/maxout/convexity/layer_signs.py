"""Positive and negative weights of affine layers of every kind."""

from __future__ import annotations

import numpy as np

from plnet.ir.convolution import Convolution
from plnet.ir.layers import Affine
from plnet.ir.operators import SparseAffine, StackedAffine

__all__ = ["reads", "signed_part"]


def reads(layer: Affine, which: np.ndarray, sign: int) -> np.ndarray:
    """Return whether each output reads one of some inputs with a weight of a sign.

    Parameters
    ----------
    layer : Affine
    which : ndarray of bool, shape (n_in,)
    sign : int
        1 or -1.

    Returns
    -------
    ndarray of bool, shape (n_out,)
        Exact. Where a sparse row lists an input twice, either entry counts.
    """
    if isinstance(layer, StackedAffine):
        pairs = zip(layer.parts, layer.inputs, strict=True)
        return np.concatenate([reads(part, which[index], sign) for part, index in pairs])
    if isinstance(layer, SparseAffine):
        hit = (layer.values * sign > 0) & which[layer.inputs]
        rows = np.repeat(np.arange(layer.n_out), np.diff(layer.starts))
        return np.bincount(rows[hit], minlength=layer.n_out) > 0
    if isinstance(layer, Convolution):
        # Counts of hits are small integers, which floats add exactly.
        kernel = (layer.kernel * sign > 0).astype(np.float64)
        counting = Convolution(kernel, layer.table, layer.positions_in, np.zeros_like(layer.channel_bias))
        return counting.multiply(which[None].astype(np.float64))[0] > 0
    hits = (layer.weight * sign > 0) & which
    return np.asarray(hits.any(axis=1))


def signed_part(layer: Affine, sign: int) -> Affine:
    """Return the linear map of the weights of one sign, as absolute values; ``layer`` is plus minus minus."""
    if isinstance(layer, StackedAffine):
        return StackedAffine([signed_part(part, sign) for part in layer.parts], layer.inputs, layer.n_in)
    if isinstance(layer, SparseAffine):
        values = np.maximum(sign * layer.values, 0.0)
        zeros = np.zeros(layer.n_out)
        return SparseAffine(layer.starts, layer.inputs, values, layer.n_in, zeros, layer.name, layer.divisors)
    if isinstance(layer, Convolution):
        kernel = np.maximum(sign * layer.kernel, 0.0)
        return Convolution(kernel, layer.table, layer.positions_in, np.zeros_like(layer.channel_bias))
    return Affine(np.maximum(sign * layer.weight, 0.0), np.zeros(layer.n_out), layer.name)
