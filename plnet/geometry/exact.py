"""Exact numbers: rational matrices with one common denominator.

Every float is a dyadic rational ``m * 2**e``. A `RationalMatrix` keeps integers of any
size and one denominator; no rounding takes place anywhere. Large products go through
python-flint where it is installed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from plnet.budgets import look
from plnet.errors import NetworkError

__all__ = ["RationalMatrix", "object_array", "rational", "rounded", "rounded_root", "to_fractions"]

_FLINT_THRESHOLD = 256
"""Number of integer products from which a conversion to flint pays off."""


def _flint() -> Any | None:
    try:
        return import_module("flint")
    except ImportError:
        return None


@dataclass(frozen=True, eq=False)
class RationalMatrix:
    """The exact matrix ``integers / denominator``.

    Parameters
    ----------
    integers : ndarray of int objects, shape (n, k)
        Python integers of any size.
    denominator : int
        Positive.
    """

    integers: np.ndarray
    denominator: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.integers.shape  # type: ignore[return-value]

    @cached_property
    def _flint_matrix(self) -> Any:
        flint = _flint()
        return None if flint is None else flint.fmpz_mat(self.integers.tolist())

    def __matmul__(self, other: RationalMatrix) -> RationalMatrix:
        rows, inner = self.shape
        columns = other.shape[1]
        look()
        if inner == 0:
            integers = object_array([0] * (rows * columns), (rows, columns))
        elif rows * inner * columns >= _FLINT_THRESHOLD and self._flint_matrix is not None:
            product = self._flint_matrix * other._flint_matrix
            integers = object_array([int(entry) for entry in product.entries()], (rows, columns))
        else:
            integers = self.integers.dot(other.integers)
        return RationalMatrix(integers, self.denominator * other.denominator)

    def __add__(self, other: RationalMatrix) -> RationalMatrix:
        common = math.lcm(self.denominator, other.denominator)
        return RationalMatrix(self.over(common) + other.over(common), common)

    def __neg__(self) -> RationalMatrix:
        return RationalMatrix(-self.integers, self.denominator)

    def __sub__(self, other: RationalMatrix) -> RationalMatrix:
        return self + (-other)

    def over(self, denominator: int) -> np.ndarray:
        """Return the integers of the same matrix over a multiple of its denominator."""
        factor = denominator // self.denominator
        return self.integers if factor == 1 else self.integers * factor

    def rows(self, index: Any) -> RationalMatrix:
        """Return the matrix of the chosen rows."""
        return RationalMatrix(self.integers[index], self.denominator)

    def reduced(self) -> RationalMatrix:
        """Return the same matrix with the smallest possible denominator."""
        divisor = math.gcd(self.denominator, *self.integers.flat)
        if divisor == 1:
            return self
        return RationalMatrix(self.integers // divisor, self.denominator // divisor)

    def to_fractions(self) -> np.ndarray:
        """Return the entries as `fractions.Fraction` objects, shape (n, k)."""
        look()
        flat = [Fraction(entry, self.denominator) for entry in self.integers.flat]
        return object_array(flat, self.shape)

    def to_float(self) -> np.ndarray:
        """Return the entries, each rounded once to float64, shape (n, k)."""
        look()
        out, used = np.zeros(self.shape), self.integers != 0
        out[used] = [entry / self.denominator for entry in self.integers[used]]
        return out


def rounded(number: Fraction) -> float:
    """Return the nearest float; infinity, as IEEE 754 says, for a number above the largest one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def rounded_root(number: Fraction) -> float:
    """Return the square root of a number that is not negative, exact to the last bit or nearly so."""
    # Enough bits that the part behind them is far below one of a float.
    shift = max(0, 64 + (number.denominator.bit_length() - number.numerator.bit_length()) // 2)
    whole = math.isqrt((number.numerator << 2 * shift) // number.denominator)
    return rounded(Fraction(whole, 1 << shift))


def object_array(flat: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Return an object array of the given shape; numpy never looks into the entries."""
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(shape)


def rational(values: Any) -> RationalMatrix:
    """Convert a matrix of floats, integers or fractions without rounding.

    Parameters
    ----------
    values : array_like, shape (n, k)
        Finite floats, integers or `fractions.Fraction` objects.

    Returns
    -------
    RationalMatrix
        The same matrix.

    Raises
    ------
    NetworkError
        If an entry is not a finite number, or `values` is not a matrix.

    Examples
    --------
    >>> from plnet.geometry.exact import rational
    >>> rational([[0.5, -3.0]]).integers.tolist()
    [[1, -6]]
    """
    array = np.asarray(values)
    if array.ndim != 2:
        raise NetworkError(f"Expected a matrix, got an array of shape {array.shape}.")
    if array.dtype.kind == "f":
        return _from_floats(array.astype(np.float64))
    fractions = _flat_fractions(array)
    denominator = math.lcm(*(entry.denominator for entry in fractions))
    flat = [entry.numerator * (denominator // entry.denominator) for entry in fractions]
    return RationalMatrix(object_array(flat, array.shape), denominator)


def _from_floats(array: np.ndarray) -> RationalMatrix:
    if not np.isfinite(array).all():
        raise NetworkError("Expected finite numbers, got NaN or infinity.")
    mantissa, exponent = np.frexp(array)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    exponent = exponent.astype(np.int64) - 53
    used = whole != 0
    lowest = min(0, int(exponent[used].min())) if used.any() else 0
    pairs = zip(whole.ravel().tolist(), exponent.ravel().tolist(), strict=True)
    flat = [m << (e - lowest) if m else 0 for m, e in pairs]
    return RationalMatrix(object_array(flat, array.shape), 1 << -lowest).reduced()


def to_fractions(values: Any) -> np.ndarray:
    """Return an object array of `fractions.Fraction` with the exact values of `values`."""
    array = np.asarray(values)
    return object_array(_flat_fractions(array), array.shape)


def _flat_fractions(array: np.ndarray) -> list[Fraction]:
    # Scalars of numpy would survive inside a Fraction and overflow later.
    plain = (entry.item() if isinstance(entry, np.generic) else entry for entry in array.ravel().tolist())
    return [Fraction(entry) for entry in plain]
