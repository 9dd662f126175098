"""Affine layers modulo primes so small that sums of products are exact in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import Affine

__all__ = ["affine_residues", "matrix_residues", "primes_for", "product", "reduce_residues"]

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
    candidate, bits = (1 << size) - 1, 0.0
    small = _small_primes(1 << (size + 1) // 2)
    while bits <= bound_bits:
        divisors = small[small * small <= candidate]
        if (candidate % divisors).all() and avoid % candidate:
            bits += math.log2(candidate) - 1e-9
            yield candidate
        candidate -= 2


def _small_primes(limit: int) -> np.ndarray:
    sieve = np.ones(limit + 1, dtype=bool)
    sieve[:2] = False
    for i in range(2, math.isqrt(limit) + 1):
        sieve[i * i :: i] &= not sieve[i]
    return np.flatnonzero(sieve)


def product(first: np.ndarray, second: np.ndarray, prime: int) -> np.ndarray:
    """Return the matrix product of residues, modulo the prime."""
    return reduce_residues(first @ second, prime)


def reduce_residues(numbers: np.ndarray, prime: int) -> np.ndarray:
    """Reduce integers in [0, 2**52) modulo a prime, in place; `np.fmod` would take ten times as long."""
    look()
    quotients = numbers * (1.0 / prime)
    np.floor(quotients, out=quotients)
    quotients *= prime
    numbers -= quotients
    # The rounded quotient may be one off.
    numbers[numbers < 0.0] += prime
    numbers[numbers >= prime] -= prime
    return numbers


def matrix_residues(matrix: RationalMatrix, prime: int) -> np.ndarray:
    """Return a rational matrix modulo a prime that does not divide its denominator, as floats."""
    inverse = pow(matrix.denominator, -1, prime)
    return (matrix.integers % prime * inverse % prime).astype(np.float64)


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
