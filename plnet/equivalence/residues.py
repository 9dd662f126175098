"""Affine layers modulo primes so small that sums of products are exact in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from plnet.geometry.modular import matrix_residues, primes_below
from plnet.ir.layers import Affine

__all__ = ["affine_residues", "primes_for"]

_MANTISSA = 53


def primes_for(terms: int, bound_bits: float, avoid: int) -> Iterator[int]:
    """Yield primes until their product exceeds ``2**bound_bits``.

    Parameters
    ----------
    terms : int
        Products of residues that are added up at most; the primes are chosen so that the sum
        stays below 2**52.
    bound_bits : float
    avoid : int
        No prime divides this number.
    """
    size = (_MANTISSA - 1 - max(1, terms).bit_length()) // 2
    bits = 0.0
    for prime in primes_below(1 << size):
        if bits > bound_bits:
            return
        if avoid % prime:
            bits += math.log2(prime) - 1e-9
            yield prime


def affine_residues(layer: Affine, prime: int) -> np.ndarray:
    """Return ``[weight | bias]`` of a layer modulo a prime, shape (n_out, n_in + 1)."""
    if layer.has_exact_weight:
        return _float_residues(np.column_stack([layer.weight, layer.bias]), prime)
    weight, bias = layer.exact
    return np.column_stack([matrix_residues(weight, prime), matrix_residues(bias, prime)])


def _float_residues(array: np.ndarray, prime: int) -> np.ndarray:
    mantissa, exponent = np.frexp(array)
    whole = np.ldexp(mantissa, _MANTISSA).astype(np.int64) % prime
    shifts, place = np.unique(exponent, return_inverse=True)
    powers = np.array([pow(2, int(e) - _MANTISSA, prime) for e in shifts])
    return (whole * powers[place.reshape(array.shape)] % prime).astype(np.float64)
