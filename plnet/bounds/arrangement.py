"""Hyperplane arrangements: characteristic polynomial, Betti numbers, numbers of regions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from plnet.bounds.deletion_restriction import Watch, poincare_polynomial
from plnet.bounds.quadratic import QuadraticNumber
from plnet.bounds.residues import IntegerRows
from plnet.budgets import look
from plnet.errors import NetworkError

__all__ = ["Arrangement"]


@dataclass(frozen=True, eq=False)
class Arrangement:
    """The hyperplanes ``normals[i] . x = offsets[i]`` in R^d, with exact coefficients.

    Hyperplanes may be parallel, equal, or all pass through one point; normals need not span the space.
    Equal hyperplanes count once.

    Parameters
    ----------
    normals : array_like, shape (n, d)
        Integers, floats (taken as the exact dyadic numbers they are), `fractions.Fraction` or
        `QuadraticNumber` objects of one radicand. No row may be zero.
    offsets : array_like, shape (n,), optional
        The same; zeros if not given.

    Attributes
    ----------
    normals, offsets : ndarray of int, Fraction or QuadraticNumber objects, read-only

    Raises
    ------
    NetworkError
        If shapes do not fit, an entry is not a finite number, or a normal is zero.

    Notes
    -----
    Every count is proved: arithmetic is modulo primes whose product exceeds Hadamard's bound
    for the minors of the coefficients. The time depends on the structure: 64 threshold
    hyperplanes in R^7 take half a second, 30 in general position in R^10 minutes.

    References
    ----------
    Zaslavsky (1975), Facing up to Arrangements, Memoirs AMS 154.
    Stanley (2007), An Introduction to Hyperplane Arrangements.

    Examples
    --------
    Three lines through one point, and one that misses it:

    >>> from plnet.bounds import Arrangement
    >>> lines = Arrangement([[1, 0], [0, 1], [1, 1], [1, -1]], [0, 0, 0, 1])
    >>> lines.characteristic_polynomial(), lines.n_regions(), lines.n_bounded_regions()
    ((1, -4, 5), 10, 2)
    """

    normals: np.ndarray
    offsets: np.ndarray

    def __init__(self, normals: Any, offsets: Any = None) -> None:
        table = _objects(normals)
        if table.ndim != 2 or table.shape[1] == 0:
            raise NetworkError(
                f"Expected normals of shape (n, d) with d >= 1, got shape {table.shape}. "
                "Write an empty arrangement as numpy.empty((0, d))."
            )
        n = len(table)
        column = np.zeros(n, dtype=int) if offsets is None else _objects(offsets)
        if column.shape != (n,):
            raise NetworkError(f"Expected {n} offsets, one for each normal, got shape {column.shape}.")
        object.__setattr__(self, "normals", _exact(table, "normals"))
        object.__setattr__(self, "offsets", _exact(column, "offsets"))
        zero = [i for i in range(n) if not any(self.normals[i])]
        if zero:
            raise NetworkError(
                f"Expected normals that are not zero, got a zero normal in row {zero[0]} "
                f"({len(zero)} such rows). It is no hyperplane; leave it out."
            )

    def __len__(self) -> int:
        return len(self.normals)

    @property
    def dim(self) -> int:
        """Dimension d of the space."""
        return self.normals.shape[1]

    @cached_property
    def rank(self) -> int:
        """Dimension of the span of the normals."""
        return len(self._whitney) - 1

    def betti_numbers(self) -> tuple[int, ...]:
        """Return the Betti numbers of the complement in C^d, ``b_0 .. b_d``; their sum is `n_regions`.

        They are the absolute values of the Whitney numbers of the first kind. Zero beyond the rank.
        """
        return (*self._whitney, *[0] * (self.dim - self.rank))

    def characteristic_polynomial(self) -> tuple[int, ...]:
        """Return the coefficients of ``chi(t)``, that of ``t^d`` first, shape (d + 1,)."""
        return tuple((-1) ** i * b for i, b in enumerate(self.betti_numbers()))

    def n_regions(self) -> int:
        """Return the number of regions, ``(-1)^d chi(-1)``."""
        return sum(self._whitney)

    def n_relatively_bounded_regions(self) -> int:
        """Return the number of regions that are bounded modulo the directions that no hyperplane sees."""
        return abs(sum((-1) ** i * b for i, b in enumerate(self._whitney)))

    def n_bounded_regions(self) -> int:
        """Return the number of bounded regions: ``|chi(1)|`` if the normals span R^d, else 0."""
        return self.n_relatively_bounded_regions() if self.rank == self.dim else 0

    def regions_watched(self, watch: Watch) -> int:
        """Return the number of regions; `watch` gets proved numbers on the way and can stop the work.

        Parameters
        ----------
        watch : callable
            Takes the number of regions that are proved so far; returns whether to stop.

        Raises
        ------
        Stopped
            With what is `proved`.
        """
        if "_whitney" not in self.__dict__:
            self.__dict__["_whitney"] = self._poincare(watch)
        return sum(self._whitney)

    @cached_property
    def _whitney(self) -> tuple[int, ...]:
        return self._poincare(None)

    def _poincare(self, watch: Watch | None) -> tuple[int, ...]:
        return tuple(poincare_polynomial(*self.integer_rows, watch))

    @cached_property
    def integer_rows(self) -> tuple[IntegerRows, IntegerRows]:
        """Normals and offsets with each hyperplane scaled to integers without common factor."""
        entries = np.concatenate([self.normals, self.offsets[:, None]], axis=1)
        roots = {x.radicand for x in entries.flat if isinstance(x, QuadraticNumber) and x.irrational}
        if len(roots) > 1:
            raise NetworkError(
                f"Expected square roots of one number, got roots of {sorted(roots)}. "
                "Write sqrt(8) as 2 sqrt(2)."
            )
        (radicand,) = roots or {0}
        scaled = [_primitive(row) for row in entries]
        parts = [tuple(part[i] for part in scaled) for i in (0, 1)]
        if not radicand:
            parts[1] = ()
        whole = IntegerRows(parts[0], parts[1], radicand)
        rows = range(len(self))
        return whole.chosen(rows, range(self.dim)), whole.chosen(rows, [self.dim])


def _objects(values: Any) -> np.ndarray:
    # An array of objects, because numpy would round integers and fractions next to floats.
    array = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    return np.array(array, dtype=object)


def _exact(values: np.ndarray, what: str) -> np.ndarray:
    flat = [_exact_number(x, what) for x in values.ravel().tolist()]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    out = out.reshape(values.shape)
    out.setflags(write=False)
    return out


def _exact_number(value: Any, what: str) -> Any:
    look()
    if isinstance(value, QuadraticNumber):
        return value if value.irrational else _exact_number(value.rational, what)
    value = value.item() if isinstance(value, np.generic) else value
    try:
        fraction = Fraction(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise NetworkError(
            f"Expected finite numbers as {what} (integers, floats, fractions or QuadraticNumber), "
            f"got {value!r}."
        ) from error
    return fraction.numerator if fraction.denominator == 1 else fraction


def _primitive(row: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return rational and irrational parts as integers without common factor."""
    look()
    a = [x.rational if isinstance(x, QuadraticNumber) else Fraction(x) for x in row]
    b = [x.irrational if isinstance(x, QuadraticNumber) else Fraction(0) for x in row]
    common = math.lcm(*(x.denominator for x in a + b))
    whole = [int(x * common) for x in a + b]
    factor = math.gcd(*whole)
    whole = [x // factor for x in whole]
    return tuple(whole[: len(row)]), tuple(whole[len(row) :])
