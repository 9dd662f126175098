"""Exact numbers as texts for files and tables."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = ["exact_text"]

_LONG = 1024


def exact_text(number: Any) -> str:
    """Return an exact number as text: a fraction, a small power of two as such, or a float as it is.

    Parameters
    ----------
    number : Fraction, int or float

    Examples
    --------
    >>> from fractions import Fraction
    >>> from plnet.runs.jobs.exact_numbers import exact_text
    >>> exact_text(Fraction(1, 2)), exact_text(Fraction(1, 1 << 40)), exact_text(float("inf"))
    ('1/2', '2^-40', 'inf')
    """
    if not isinstance(number, Fraction):
        return str(number)
    if number.numerator == 1 and number.denominator >= _LONG and number.denominator.bit_count() == 1:
        return f"2^-{number.denominator.bit_length() - 1}"
    return str(number)
