"""Lines as slopes and shifts modulo primes below 2**31."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from plnet.geometry.exact import object_array
from plnet.geometry.homogeneous import Form
from plnet.geometry.modular import power, primes_below

__all__ = ["Residues", "enough_residues", "some_residues"]


@dataclass(frozen=True, eq=False)
class Residues:
    """Lines ``y = slope x + shift`` modulo primes, after a shear that leaves none vertical.

    Parameters
    ----------
    primes : ndarray of int64, shape (q,)
    slopes, shifts : ndarray of int64, shape (q, m)
    """

    primes: np.ndarray
    slopes: np.ndarray
    shifts: np.ndarray


def some_residues(lines: list[Form]) -> Residues:
    """Return lines modulo two primes: enough to tell points apart."""
    return _residues(lines, 1 << 31)


def enough_residues(lines: list[Form]) -> Residues:
    """Return lines modulo so many primes that a determinant of three lines is 0 if it is 0 modulo each."""
    largest = max(abs(x) for form in lines for x in form)
    return _residues(lines, 6 * largest**3)


def _residues(lines: list[Form], bound: int) -> Residues:
    """Return lines modulo at least two primes whose product exceeds a bound."""
    shear = _shear(lines)
    matrix = object_array([x for form in lines for x in form], (len(lines), 3)).T
    matrix[1] = matrix[1] + shear * matrix[0]
    primes, slopes, shifts, product = [], [], [], 1
    for prime in primes_below(1 << 31):
        a, b, c = (np.asarray(row % prime, np.int64) for row in matrix)
        if not b.all():
            continue
        inverse = power(b, prime - 2, prime)
        primes.append(prime)
        slopes.append((prime - a) % prime * inverse % prime)
        shifts.append((prime - c) % prime * inverse % prime)
        product *= prime
        if product > bound:
            break
    return Residues(np.array(primes, np.int64), np.array(slopes), np.array(shifts))


def _shear(lines: list[Form]) -> int:
    """Return the least k >= 1 such that no line is vertical after ``x -> x + k y``."""
    taken = {-b // a for a, b, _ in lines if a and b % a == 0}
    return next(k for k in count(1) if k not in taken)
