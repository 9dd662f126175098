"""Rows of exact numbers as residues modulo primes that decide every minor.

A minor of integer rows is zero if it is zero modulo primes whose product exceeds
Hadamard's bound. For rows over Z[sqrt(m)] the same holds for the norm of the minor, with
primes modulo which m is a square. So all that follows is a proof and no test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product as cartesian

import numpy as np

from plnet.geometry.modular import primes_below

__all__ = ["IntegerRows", "enough_primes", "residue_rows"]


@dataclass(frozen=True, eq=False)
class IntegerRows:
    """Rows ``rational + irrational * sqrt(radicand)`` of integers of any size.

    Parameters
    ----------
    rational, irrational : tuple of tuple of int, shapes (n, c)
        `irrational` is empty for rational rows.
    radicand : int
        0 for rational rows.
    """

    rational: tuple[tuple[int, ...], ...]
    irrational: tuple[tuple[int, ...], ...] = ()
    radicand: int = 0

    def pairs(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Yield both parts of each row."""
        zeros = (0,) * len(self.rational[0]) if self.rational else ()
        for i, row in enumerate(self.rational):
            yield row, self.irrational[i] if self.irrational else zeros

    def chosen(self, rows: Sequence[int], columns: Sequence[int]) -> IntegerRows:
        """Return some rows and columns."""

        def part(table: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
            return tuple(tuple(table[i][j] for j in columns) for i in rows) if table else ()

        return IntegerRows(part(self.rational), part(self.irrational), self.radicand)

    def minor_bound(self) -> int:
        """Return a number that no minor exceeds in absolute value, nor its norm where there is a root."""
        if not self.rational:
            return 1
        root = math.isqrt(self.radicand) + 1 if self.radicand else 0
        squares = sorted(
            sum((abs(a) + root * abs(b)) ** 2 for a, b in zip(*pair, strict=True)) for pair in self.pairs()
        )
        rank = min(len(squares), len(self.rational[0]))
        largest = math.prod(squares[-rank:]) if rank else 1
        # Both embeddings are bounded by the same root of the product of the squares.
        return largest if self.radicand else math.isqrt(largest) + 1


def enough_primes(rows: IntegerRows, attempt: int = 0) -> tuple[int, ...]:
    """Return primes below 2**50 whose product exceeds the bound of the rows' minors.

    Parameters
    ----------
    rows : IntegerRows
    attempt : int
        How many earlier choices turned out unlucky; each number stands for other primes.
    """
    bound, product, found = rows.minor_bound(), 1, []
    for prime in _primes(2**50 - attempt * 2**40, rows.radicand):
        found.append(prime)
        product *= prime
        if product > bound:
            break
    return tuple(found)


def residue_rows(rows: IntegerRows, primes: Sequence[int]) -> np.ndarray:
    """Return the residues of the rows, shape (n, c, len(primes))."""
    n, c = len(rows.rational), len(rows.rational[0]) if rows.rational else 0
    out = np.empty((n, c, len(primes)), dtype=np.int64)
    roots = [_square_root(rows.radicand, p) if rows.radicand else 0 for p in primes]
    for i, (a, b) in enumerate(rows.pairs()):
        for j, (q, p) in cartesian(range(c), enumerate(primes)):
            out[i, j, q] = (a[j] + b[j] * roots[q]) % p
    return out


def _primes(start: int, radicand: int) -> Iterator[int]:
    """Yield primes below `start`, congruent to 3 modulo 4, modulo which the radicand is a square."""
    for prime in primes_below(start, 4):
        if not radicand or pow(radicand, (prime - 1) // 2, prime) == 1:
            yield prime


def _square_root(value: int, prime: int) -> int:
    return pow(value, (prime + 1) // 4, prime)
