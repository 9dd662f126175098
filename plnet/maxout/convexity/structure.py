"""A proof of convexity from the signs of the weights alone, for networks of any size.

A sum of convex values with positive weights is convex, a convex nondecreasing function of a convex
value is convex, a maximum of convex values is convex, and likewise for concave ones.

References
----------
Amos, Xu and Kolter (2017), "Input convex neural networks", proposition 1.
"""

from __future__ import annotations

import numpy as np

from plnet.ir.layers import Affine, GroupMax, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.maxout.conversion.scalar_units import scalar_functions
from plnet.maxout.convexity.layer_signs import reads

__all__ = ["structural_convexity"]

_Flags = tuple[np.ndarray, np.ndarray]
"""Whether each value is proved to be convex, and to be concave; both means affine."""


def structural_convexity(network: PLNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Return for each output whether the signs of the weights prove it convex, and concave.

    Parameters
    ----------
    network : PLNetwork

    Returns
    -------
    convex, concave : ndarray of bool, shape (m,)
        False means that this proof fails, not that the output is not convex.

    Notes
    -----
    Costs O(weights).
    """
    flags: _Flags = np.ones(network.input_dim, dtype=bool), np.ones(network.input_dim, dtype=bool)
    for layer in network.layers:
        if isinstance(layer, Affine):
            flags = _affine(layer, flags)
        elif isinstance(layer, LocalWinner):
            flags = np.zeros(layer.n_out, dtype=bool), np.zeros(layer.n_out, dtype=bool)
        elif isinstance(layer, GroupMax):
            convex, concave = (np.asarray(part[layer.groups].all(axis=1)) for part in flags)
            flags = convex, concave & (layer.n_pieces == 1)
        else:
            flags = _scalar(layer, flags)
    return flags


def _affine(layer: Affine, flags: _Flags) -> _Flags:
    convex, concave = flags
    not_convex = reads(layer, ~convex, 1) | reads(layer, ~concave, -1)
    not_concave = reads(layer, ~concave, 1) | reads(layer, ~convex, -1)
    return ~not_convex, ~not_concave


def _scalar(layer: ScalarPWL, flags: _Flags) -> _Flags:
    functions = scalar_functions(layer)
    _, kind = layer.kinds
    bends = np.array([(f.is_convex, f.is_concave) for f in functions])[kind]
    rises = np.array([(min(f.slopes) >= 0, max(f.slopes) <= 0) for f in functions])[kind]
    (curved_up, curved_down), (rising, falling) = bends.T, rises.T
    convex, concave = flags
    affine = convex & concave
    monotone_up, monotone_down = (
        (convex & rising) | (concave & falling),
        (concave & rising) | (convex & falling),
    )
    return curved_up & (affine | monotone_up), curved_down & (affine | monotone_down)
