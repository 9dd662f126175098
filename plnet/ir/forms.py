"""Exact affine forms carried through the layers of a network, for a chosen pattern.

A form is a row ``[a_1 .. a_d, c]`` and stands for ``t -> a . t + c``. The forms of a
layer are a `RationalMatrix` of shape (n, d + 1).
"""

from __future__ import annotations

import math

import numpy as np

from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL

__all__ = ["affine_forms", "apply_layer", "select_pieces"]


def affine_forms(layer: Affine, forms: RationalMatrix) -> RationalMatrix:
    """Return the forms behind an affine layer.

    Costs n_out * n_in * (d + 1) products for a dense layer, and as many as it has entries for others.
    """
    bias = layer.exact_bias
    product = layer.multiply_exactly(forms)
    common = math.lcm(product.denominator, bias.denominator)
    integers = product.over(common)
    if product.denominator == common:
        integers = integers.copy()
    integers[:, -1] += bias.over(common)[:, 0]
    return RationalMatrix(integers, common)


def select_pieces(layer: ScalarPWL | GroupMax, forms: RationalMatrix, pieces: np.ndarray) -> RationalMatrix:
    """Return the forms behind a nonlinear layer whose unit i is in piece ``pieces[i]``."""
    if isinstance(layer, LocalWinner):
        winners = layer.winners(pieces)
        integers = object_array([0] * forms.integers.size, forms.shape)
        integers[winners] = forms.integers[winners]
        return RationalMatrix(integers, forms.denominator)
    if isinstance(layer, GroupMax):
        return forms.rows(layer.groups[np.arange(layer.n_out), pieces])
    units = np.arange(layer.n_out)
    slopes, intercepts, common = layer.integer_pieces
    integers = forms.integers * slopes[units, pieces][:, None]
    integers[:, -1] += intercepts[units, pieces] * forms.denominator
    return RationalMatrix(integers, forms.denominator * common)


def apply_layer(layer: Layer, forms: RationalMatrix, pieces: np.ndarray | None) -> RationalMatrix:
    """Return the forms behind any layer; `pieces` is used by nonlinear layers only."""
    if isinstance(layer, Affine):
        return affine_forms(layer, forms)
    assert pieces is not None
    return select_pieces(layer, forms, pieces)
