"""Affine forms in about twice the precision of float64, many at once, with proved errors.

A number is a sum of two floats. A product of matrices is a sum of products of *slices*, whose entries
have so few bits that float64 computes each product exactly, in any order and as fast as it can
(Ozaki, Ogita, Oishi and Rump 2012, "Error-free transformations of matrix multiplication").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from plnet.geometry.exact import RationalMatrix, to_fractions
from plnet.ir.affine import Affine
from plnet.ir.convolution import Convolution
from plnet.ir.layers import GroupMax, LocalWinner, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.ir.operators import SparseAffine, StackedAffine

__all__ = ["Doubled", "doubled", "doubled_sum", "map_doubled", "select_doubled"]

_SLICES = 3
_SMALLEST, _LARGEST = 2.0**-200, 2.0**200
"""Range of weights and forms in which no slice leaves that of floats."""


class Doubled(NamedTuple):
    """Numbers ``high + low``, each at most `radius` from the true one."""

    high: np.ndarray
    low: np.ndarray
    radius: np.ndarray

    def take(self, *index: Any) -> Doubled:
        """Return the chosen entries."""
        return Doubled(*(array[index] for array in self))


def doubled(matrix: RationalMatrix) -> Doubled:
    """Return an exact matrix in twice the precision."""
    high = matrix.to_float()
    low = (matrix.to_fractions() - to_fractions(high)).astype(np.float64)
    return Doubled(high, low, np.abs(low) * 2 * UNIT_ROUNDOFF)


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rounded sum and its rounding error, exactly (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rounded product and its rounding error, exactly (Dekker)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = values * 134217729.0
    high = scaled - (scaled - values)
    return high, values - high


def doubled_sum(a: Doubled, b: Doubled) -> Doubled:
    """Return the sum; the low parts are added in float64."""
    high, error = two_sum(a.high, b.high)
    low = error + (a.low + b.low)
    spread = 4 * UNIT_ROUNDOFF * (np.abs(error) + np.abs(a.low) + np.abs(b.low))
    return Doubled(*_normalised(high, low), a.radius + b.radius + spread)


def _normalised(high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = high + low
    return total, low - (total - high)


def map_doubled(layer: Affine, forms: Doubled) -> Doubled:
    """Apply an affine layer to stacked forms, shape (k, n, d + 1); radii are infinite out of its range."""
    size, n, columns = forms.high.shape
    rows = Doubled(*(np.moveaxis(array, 2, 1).reshape(size * columns, n) for array in forms))
    out = _multiplied(layer, rows)
    if layer.divisors is not None:
        out = _divided(out, layer.divisors.astype(np.float64))
    found = Doubled(*(np.moveaxis(a.reshape(size, columns, -1), 1, 2).copy() for a in out))
    return _with_constants(found, layer.bias, np.zeros_like(layer.bias))


def _multiplied(layer: Affine, rows: Doubled) -> Doubled:
    bits = int((53 - np.ceil(np.log2(max(1, layer.n_terms)))) // 2)
    largest = _power_above(np.abs(layer.stored).max(initial=0.0))
    reach = _power_above(np.abs(rows.high).max(axis=1, keepdims=True, initial=0.0))
    matrices = [_sliced(layer, _slicer(largest, bits, k)) for k in range(_SLICES)]
    parts = _row_slices(rows, reach, bits)
    products = {(i, j): matrices[i].multiply(parts[j]) for i in range(_SLICES) for j in range(_SLICES - i)}
    middle, rest = two_sum(products[0, 1], products[1, 0])
    high, error = two_sum(products[0, 0], middle)
    low = error + (rest + (products[0, 2] + products[1, 1] + products[2, 0]))
    # What the slices leave out, the products of the smallest ones, and the sums of low parts.
    share = 8 * 2.0 ** (-3 * bits) + 2.0 ** (-50 - bits)
    radius = 1.0001 * _sliced(layer, np.abs).multiply(rows.radius) + layer.n_terms * largest * reach * share
    outside = (
        (reach > _LARGEST)
        | ((reach < _SMALLEST) & (reach > 0))
        | (largest > _LARGEST)
        | ((largest < _SMALLEST) & (largest > 0))
    )
    return Doubled(*_normalised(high, low), np.where(outside, np.inf, radius))


def _power_above(size: np.ndarray) -> np.ndarray:
    """Return a power of two that is no smaller; 0 for 0."""
    return np.where(size > 0, np.ldexp(1.0, np.frexp(size)[1]), 0.0)


def _slicer(largest: np.ndarray, bits: int, k: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that takes the k-th slice of numbers no larger than a power of two."""

    def cut(values: np.ndarray) -> np.ndarray:
        found = rest = values
        for step in range(1, k + 2):
            found = _rounded_to(rest, largest * 2.0 ** (-step * bits))
            rest = rest - found
        return found

    return cut


def _rounded_to(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Round to multiples of a power of two."""
    shift = unit * (1.5 * 2.0**52)
    return (values + shift) - shift


def _row_slices(rows: Doubled, reach: np.ndarray, bits: int) -> list[np.ndarray]:
    parts, rest = [], rows.high
    for k in range(_SLICES):
        if k == _SLICES - 1:
            rest = rest + rows.low
        parts.append(_rounded_to(rest, reach * 2.0 ** (-(k + 1) * bits)))
        rest = rest - parts[-1]
    return parts


def _sliced(layer: Affine, cut: Callable[[np.ndarray], np.ndarray]) -> Affine:
    """Return the linear part before any division, with a function of its entries."""
    if isinstance(layer, StackedAffine):
        return StackedAffine([_sliced(part, cut) for part in layer.parts], layer.inputs, layer.n_in)
    if isinstance(layer, SparseAffine):
        zeros = np.zeros(layer.n_out)
        return SparseAffine(layer.starts, layer.inputs, cut(layer.values), layer.n_in, zeros)
    if isinstance(layer, Convolution):
        zeros = np.zeros_like(layer.channel_bias)
        return Convolution(cut(layer.kernel), layer.table, layer.positions_in, zeros)
    return Affine(cut(layer.weight), np.zeros(layer.n_out))


def _divided(numbers: Doubled, by: np.ndarray) -> Doubled:
    quotient = numbers.high / by
    product, error = two_product(quotient, np.broadcast_to(by, quotient.shape))
    low = ((numbers.high - product) - error + numbers.low) / by
    return Doubled(quotient, low, numbers.radius / by + 4 * UNIT_ROUNDOFF * np.abs(low))


def select_doubled(layer: ScalarPWL | GroupMax, forms: Doubled, pieces: np.ndarray) -> Doubled:
    """Apply a nonlinear layer in known pieces (k, units) to stacked forms, shape (k, n, d + 1)."""
    units = np.arange(layer.n_units)
    if isinstance(layer, LocalWinner):
        chosen = np.zeros(forms.high.shape[:2], dtype=bool)
        np.put_along_axis(chosen, layer.winners(pieces), True, axis=1)
        return Doubled(*(np.where(chosen[:, :, None], array, 0.0) for array in forms))
    if isinstance(layer, GroupMax):
        rows = layer.groups[units, pieces][:, :, None]
        return Doubled(*(np.take_along_axis(array, rows, axis=1) for array in forms))
    slopes = layer.slopes[units, pieces][:, :, None]
    if np.isin(layer.slopes, (-1.0, 0.0, 1.0)).all() and not layer.intercepts.any():
        return Doubled(slopes * forms.high, slopes * forms.low, np.abs(slopes) * forms.radius)
    high, error = two_product(np.broadcast_to(slopes, forms.high.shape), forms.high)
    low = error + slopes * forms.low
    radius = np.abs(slopes) * forms.radius + 4 * UNIT_ROUNDOFF * (np.abs(error) + np.abs(slopes * forms.low))
    first, inverse = layer.kinds
    rounded = layer.intercepts[first]
    rest = (layer.exact_intercepts[first] - to_fractions(rounded)).astype(np.float64)[inverse]
    found = Doubled(*_normalised(high, low), radius)
    return _with_constants(found, layer.intercepts[units, pieces], rest[units, pieces])


def _with_constants(forms: Doubled, high: np.ndarray, low: np.ndarray) -> Doubled:
    """Add constants, which are exact or rounded to twice the precision, in the last column."""
    last = Doubled(*(array[:, :, -1] for array in forms))
    constants = Doubled(high, low, 2 * UNIT_ROUNDOFF * np.abs(low))
    for array, column in zip(forms, doubled_sum(last, constants), strict=True):
        array[:, :, -1] = column
    return forms
