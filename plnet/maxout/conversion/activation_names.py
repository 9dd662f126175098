"""Functions of one variable in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from plnet.ir.network_checks import rounded_fraction
from plnet.maxout.conversion.scalar_units import ScalarFunction, SignedUnit
from plnet.maxout.words import counted

__all__ = ["describe", "formula", "needed_pieces", "number_text"]


def number_text(number: Fraction) -> str:
    """Return a rational number as people write it: 2, 0.35, 1/6, 1 + 2^-52, or "about" and six digits.

    A float is written with the fewest digits that name it, if they are at most twelve.
    """
    if number.denominator == 1 and abs(number) < 10**9:
        return str(number.numerator)
    rounded = rounded_fraction(number)
    short = repr(rounded)
    is_float = math.isfinite(rounded) and Fraction(rounded) == number
    if math.isfinite(rounded) and len(short) <= 12 and (is_float or Fraction(short) == number):
        return short
    if number.denominator < 1000 and abs(number.numerator) < 1000:
        return f"{number.numerator}/{number.denominator}"
    near = round(number)
    rest = number - near
    if abs(rest.numerator) == 1 and rest.denominator & (rest.denominator - 1) == 0:
        power = f"2^-{rest.denominator.bit_length() - 1}"
        if not near:
            return power if rest > 0 else f"-{power}"
        return f"{near} {'+' if rest > 0 else '-'} {power}"
    return f"about {rounded:.6g}"


def describe(function: ScalarFunction) -> str:
    """Return the usual name of a function of one variable, or its number of kinks and its slopes."""
    slopes, kinks = function.slopes, function.kinks
    if not kinks:
        slope, constant = slopes[0], function.intercepts[0]
        return "identity" if (slope, constant) == (1, 0) else "linear function"
    if kinks == (0,) and function.intercepts == (0, 0) and slopes[1] == 1:
        names = {Fraction(0): "ReLU", Fraction(-1): "|z|"}
        return names.get(slopes[0], f"rectifier with slope {number_text(slopes[0])}")
    if slopes == (0, 1, 0) and all(function(kink) == kink for kink in kinks):
        low, high = (number_text(kink) for kink in kinks)
        names = {("-1", "1"): "hard tanh", ("0", "6"): "ReLU6"}
        return names.get((low, high), f"clip to [{low}, {high}]")
    steep = ", ".join(number_text(slope) for slope in slopes[:6]) + (", ..." if len(slopes) > 6 else "")
    return f"function with {counted(len(kinks), 'kink')} and slopes {steep}"


def needed_pieces(function: ScalarFunction) -> str:
    """Return how many pieces the kinks of a function need: "1 upward kink needs 2 pieces with a plus"."""
    parts = []
    for count, word, sign in ((function.upward, "upward", "plus"), (function.downward, "downward", "minus")):
        if count:
            verb = "needs" if count == 1 else "need"
            parts.append(f"{counted(count, f'{word} kink')} {verb} {count + 1} pieces with a {sign}")
    return ", ".join(parts)


def formula(units: Sequence[SignedUnit]) -> str:
    """Return a sum of maxout units of one variable z as people write it, ``max(-1, z) - max(0, z - 1)``."""
    text = ""
    for unit in units:
        pieces = [_affine(a, c) for a, c in zip(unit.slopes, unit.intercepts, strict=True)]
        body = pieces[0] if len(pieces) == 1 else f"max({', '.join(pieces)})"
        if unit.sign > 0:
            text += f" + {body}" if text else body
        else:
            body = f"({body})" if len(pieces) == 1 else body
            text += f" - {body}" if text else f"-{body}"
    return text


def _affine(slope: Fraction, intercept: Fraction) -> str:
    constant = number_text(abs(intercept))
    if not slope:
        return constant if intercept >= 0 else f"-{constant}"
    size = number_text(abs(slope))
    factor = "" if size == "1" else f"({size}) " if " " in size else f"{size} "
    text = f"{'-' if slope < 0 else ''}{factor}z"
    return text if not intercept else f"{text} {'+' if intercept > 0 else '-'} {constant}"
