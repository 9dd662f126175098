"""Affine layers that carry rational coefficients exactly, though a layer stores floats.

A dyadic rational is a sum of few floats (an expansion, Shewchuk 1997): the input is read once for each
of them. A constant that is no float is added in several layers, and an odd denominator is a division
of its own. Nothing is rounded.

References
----------
Shewchuk (1997), "Adaptive precision floating-point arithmetic and fast robust geometric predicates".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.errors import NetworkError
from plnet.ir.layers import Affine, GroupMax
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine, compact

if TYPE_CHECKING:
    from plnet.maxout.conversion.max_affine import MaxAffine

__all__ = ["Row", "difference_network_of", "exact_affine", "expansion", "is_float", "max_affine_network"]

_MOST = (1 << 63) - 1
_LARGEST_PRIME = 1000


@dataclass(frozen=True)
class Row:
    """One output of an affine map: the sum of ``weights[i] * x[i]``, plus ``bias``."""

    weights: Mapping[int, Fraction | int]
    bias: Fraction | int = 0


def is_float(number: Fraction) -> bool:
    """Return whether a rational number is a float64."""
    try:
        return Fraction(float(number)) == number
    except OverflowError:
        return False


def expansion(number: Fraction) -> list[float]:
    """Return floats whose exact sum is a dyadic rational, the largest first; none for 0.

    Raises
    ------
    NetworkError
        If it is not dyadic, or beyond the range of floats.
    """
    parts: list[float] = []
    rest = Fraction(number)
    while rest:
        try:
            part = float(rest)
        except OverflowError:
            part = 0.0
        if part == 0.0 or rest.denominator & (rest.denominator - 1):
            raise NetworkError(
                f"The coefficient {_text(number)} is no sum of float64 numbers, so no float64 layer "
                "carries it exactly. Scale the weights by a power of two."
            )
        parts.append(part)
        rest -= Fraction(part)
    return parts


def _text(number: Fraction) -> str:
    """Return a rational number in a few digits, also beyond the range of floats."""
    try:
        return f"{float(number):.6g}"
    except OverflowError:
        return "beyond the range of floats"


def exact_affine(rows: Sequence[Row], n_in: int, name: str = "") -> tuple[Affine, ...]:
    """Return layers, one behind the other, whose composition has exactly the given rows.

    Parameters
    ----------
    rows : sequence of Row
    n_in : int
    name : str

    Returns
    -------
    tuple of Affine
        One layer where every coefficient is a float.

    Raises
    ------
    NetworkError
        If a coefficient is beyond the range of floats, or a denominator beyond that of integers.
    """
    divisors = [_odd_factors(row) for row in rows]
    scaled = [_times(row, math.prod(factors)) for row, factors in zip(rows, divisors, strict=True)]
    biases = [expansion(Fraction(row.bias)) for row in scaled]
    layers: list[Affine] = [_first(scaled, [b[0] if b else 0.0 for b in biases], n_in, name)]
    for depth in range(1, max(map(len, biases), default=0)):
        shift = [b[depth] if depth < len(b) else 0.0 for b in biases]
        layers.append(SparseAffine.diagonal(np.ones(len(rows)), shift, name))
    n = len(rows)
    for depth in range(max(map(len, divisors), default=0)):
        steps = np.arange(n + 1), np.arange(n), np.ones(n)
        by = [factors[depth] if depth < len(factors) else 1 for factors in divisors]
        layers.append(SparseAffine(*steps, n, np.zeros(n), name, by))
    return tuple(layers)


def max_affine_network(function: MaxAffine) -> PLNetwork:
    """Return a max-affine function as a network with one maxout unit, exactly."""
    return PLNetwork(_units(function), function.dim)


def difference_network_of(g: MaxAffine, h: MaxAffine) -> PLNetwork:
    """Return the difference of two max-affine functions as a network with two maxout units, exactly."""
    difference = Affine(np.array([[1.0, -1.0]]), np.zeros(1), "g - h")
    return PLNetwork((*_units(g, h), difference), g.dim)


def _units(*functions: MaxAffine) -> tuple[Affine | GroupMax, ...]:
    """Return layers that compute max-affine functions side by side; shorter ones repeat their last piece."""
    rows, groups, most = [], [], max(function.pieces for function in functions)
    for function in functions:
        begin, last = len(rows), function.pieces - 1
        groups.append([begin + min(j, last) for j in range(most)])
        rows += [
            Row({i: a for i, a in enumerate(slopes) if a}, offset)
            for slopes, offset in zip(function.slopes, function.offsets, strict=True)
        ]
    layers = exact_affine(rows, functions[0].dim, "max_affine")
    return *layers, GroupMax(np.array(groups), len(rows), "max_affine")


def _odd_factors(row: Row) -> list[int]:
    """Return integers that a layer can divide by, whose product is the odd part of the denominator."""
    common = math.lcm(*(Fraction(x).denominator for x in (*row.weights.values(), row.bias)))
    rest = common // (common & -common)
    factors, prime, product = [], 3, 1
    while rest > _MOST and prime < _LARGEST_PRIME:
        if rest % prime:
            prime += 2
            continue
        rest //= prime
        if product * prime > _MOST:
            factors.append(product)
            product = 1
        product *= prime
    if rest > _MOST:
        raise NetworkError(
            f"A row of coefficients has a common denominator of {common.bit_length()} bits without small "
            "factors, but a layer divides by integers of at most 63 bits. Round the coefficients to floats "
            "first."
        )
    return [factor for factor in (*factors, product, rest) if factor > 1]


def _times(row: Row, factor: int) -> Row:
    if factor == 1:
        return row
    return Row({i: w * factor for i, w in row.weights.items()}, row.bias * factor)


def _first(rows: Sequence[Row], bias: list[float], n_in: int, name: str) -> Affine:
    inputs, values, starts = [], [], [0]
    for row in rows:
        for place, weight in row.weights.items():
            parts = [float(weight)] if is_float(Fraction(weight)) else expansion(Fraction(weight))
            inputs += [place] * len(parts)
            values += parts
        starts.append(len(inputs))
    layer = SparseAffine(starts, inputs, values, n_in, bias, name)
    return compact(layer) if layer.has_exact_weight else layer
