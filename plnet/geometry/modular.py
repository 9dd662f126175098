"""Numbers modulo primes: which numbers are prime, and arithmetic of arrays of residues."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix

__all__ = ["is_prime", "matrix_residues", "power", "primes_below", "product", "reduce_residues"]

_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
"""Bases that make the test of Miller and Rabin a proof below 3e24 (Sorenson and Webster 2015)."""


def is_prime(number: int) -> bool:
    """Return whether a number below 3e24 is prime.

    References
    ----------
    Sorenson and Webster (2015), "Strong pseudoprimes to twelve prime bases".
    """
    if number < 2 or any(number % prime == 0 for prime in _WITNESSES):
        return number in _WITNESSES
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(number, base, odd, twos) for base in _WITNESSES)


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    x = pow(base, odd, number)
    if x in (1, number - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % number
        if x == number - 1:
            return True
    return False


def primes_below(limit: int, step: int = 2) -> Iterator[int]:
    """Yield the primes among ``limit - 1, limit - 1 - step, ...``, the greatest first.

    Parameters
    ----------
    limit : int
        Even, at most 3e24.
    step : int
        Even. With 4, and 4 a divisor of the limit, all primes are congruent to 3 modulo 4.
    """
    return filter(is_prime, range(limit - 1, 1, -step))


def power(base: np.ndarray, exponent: int, prime: int) -> np.ndarray:
    """Return powers of residues modulo a prime below 2**31."""
    out = np.ones_like(base)
    for bit in bin(exponent)[2:]:
        out = out * out % prime
        if bit == "1":
            out = out * base % prime
    return out


def product(first: np.ndarray, second: np.ndarray, prime: int) -> np.ndarray:
    """Return the matrix product of residues in float64, modulo the prime; no sum may reach 2**52."""
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
