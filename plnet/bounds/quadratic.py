"""Exact numbers a + b sqrt(m) with rational a and b."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

from plnet.errors import NetworkError

__all__ = ["QuadraticNumber"]


@dataclass(frozen=True, eq=False)
class QuadraticNumber:
    """The real number ``rational + irrational * sqrt(radicand)``, exactly.

    Sums, products and quotients of numbers with the same radicand, and with integers and
    fractions, are exact. Floats take no part, because a float is rarely what is meant here.

    Parameters
    ----------
    rational, irrational : int or Fraction
    radicand : int
        Positive and no square.

    Raises
    ------
    NetworkError
        If the radicand is a square, or two radicands meet.

    Examples
    --------
    >>> from plnet.bounds import QuadraticNumber
    >>> golden = (1 + QuadraticNumber(0, 1, 5)) / 2
    >>> golden * golden == golden + 1
    True
    >>> round(float(golden), 6)
    1.618034
    """

    rational: Fraction
    irrational: Fraction
    radicand: int

    def __post_init__(self) -> None:
        for key in ("rational", "irrational"):
            value = getattr(self, key)
            if not isinstance(value, Rational):
                raise NetworkError(
                    f"Expected integers or fractions in a QuadraticNumber, got {value!r}. "
                    "Write Fraction(1, 2) for a half."
                )
            object.__setattr__(self, key, Fraction(value))
        m = self.radicand
        if not isinstance(m, int) or m < 2 or math.isqrt(m) ** 2 == m:
            raise NetworkError(f"Expected a positive radicand that is no square, got {m!r}.")

    def _lifted(self, other: Any) -> QuadraticNumber | None:
        if isinstance(other, QuadraticNumber):
            if other.radicand != self.radicand and other.irrational and self.irrational:
                raise NetworkError(
                    f"Expected numbers of one field, got sqrt({self.radicand}) and sqrt({other.radicand})."
                )
            if other.radicand == self.radicand:
                return other
            other = other.rational if not other.irrational else None
        return QuadraticNumber(Fraction(other), Fraction(0), self.radicand) if _is_rational(other) else None

    def __add__(self, other: Any) -> QuadraticNumber:
        o = self._lifted(other)
        if o is None:
            return NotImplemented if not isinstance(other, QuadraticNumber) else other + self.rational
        return QuadraticNumber(self.rational + o.rational, self.irrational + o.irrational, self.radicand)

    __radd__ = __add__

    def __neg__(self) -> QuadraticNumber:
        return QuadraticNumber(-self.rational, -self.irrational, self.radicand)

    def __sub__(self, other: Any) -> QuadraticNumber:
        return self + (-other)

    def __rsub__(self, other: Any) -> QuadraticNumber:
        return -self + other

    def __mul__(self, other: Any) -> QuadraticNumber:
        o = self._lifted(other)
        if o is None:
            return NotImplemented if not isinstance(other, QuadraticNumber) else other * self.rational
        a, b, c, d = self.rational, self.irrational, o.rational, o.irrational
        return QuadraticNumber(a * c + b * d * self.radicand, a * d + b * c, self.radicand)

    __rmul__ = __mul__

    @property
    def conjugate(self) -> QuadraticNumber:
        """The number with the other sign of the root."""
        return QuadraticNumber(self.rational, -self.irrational, self.radicand)

    @property
    def norm(self) -> Fraction:
        """Product with the conjugate; zero only for zero."""
        return self.rational**2 - self.irrational**2 * self.radicand

    def __truediv__(self, other: Any) -> QuadraticNumber:
        if _is_rational(other):
            return self * (1 / Fraction(other))
        if isinstance(other, QuadraticNumber):
            return self * other.conjugate * (1 / other.norm)
        return NotImplemented

    def __rtruediv__(self, other: Any) -> QuadraticNumber:
        return self.conjugate * (1 / self.norm) * other

    def sign(self) -> int:
        """Return -1, 0 or 1."""
        a, b = self.rational, self.irrational
        if a * b >= 0:
            return (a + b > 0) - (a + b < 0)
        larger = a if self.norm > 0 else b
        return 1 if larger > 0 else -1

    def __eq__(self, other: object) -> bool:
        if isinstance(other, QuadraticNumber) and other.radicand != self.radicand:
            # Roots of two radicands can still be rational multiples of each other.
            square = self.irrational**2 * self.radicand == other.irrational**2 * other.radicand
            return self.rational == other.rational and square and self.irrational * other.irrational >= 0
        if isinstance(other, QuadraticNumber):
            return self.rational == other.rational and self.irrational == other.irrational
        return _is_rational(other) and not self.irrational and self.rational == other

    def __hash__(self) -> int:
        return (
            hash((self.rational, self.irrational**2 * self.radicand))
            if self.irrational
            else hash(self.rational)
        )

    def __lt__(self, other: Any) -> bool:
        return (self - other).sign() < 0

    def __gt__(self, other: Any) -> bool:
        return (self - other).sign() > 0

    def __le__(self, other: Any) -> bool:
        return (self - other).sign() <= 0

    def __ge__(self, other: Any) -> bool:
        return (self - other).sign() >= 0

    def __abs__(self) -> QuadraticNumber:
        return self if self.sign() >= 0 else -self

    def __bool__(self) -> bool:
        return bool(self.rational or self.irrational)

    def __float__(self) -> float:
        a, b = self.rational, self.irrational
        if a * b < 0:
            # The norm over the conjugate has no cancellation.
            return float(self.norm) / float(self.conjugate)
        return float(a) + float(b) * math.sqrt(self.radicand)

    def __str__(self) -> str:
        return f"{self.rational} + {self.irrational} sqrt({self.radicand})"


def _is_rational(value: Any) -> bool:
    return isinstance(value, Rational)
