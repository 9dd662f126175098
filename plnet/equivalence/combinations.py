"""Exact linear combinations of atoms: numbers that a network computes and that have been given a name.

An atom is an integer; `ONE` stands for the number 1. Combinations are sparse, and their
coefficients are integers over one denominator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from plnet.budgets import look
from plnet.ir.affine import Affine

__all__ = [
    "NUMBER_ONE",
    "ONE",
    "Combination",
    "Key",
    "affine_combinations",
    "atom",
    "combination_of_row",
    "precedes",
    "primitive",
    "weighted_sum",
]

ONE = -1

Key = tuple[tuple[int, int], ...]
"""Pairs (atom, coefficient), sorted."""


class Combination(NamedTuple):
    """The number ``sum(terms[a] * a) / denominator``; no term is 0."""

    terms: dict[int, int]
    denominator: int

    @property
    def is_constant(self) -> bool:
        """Whether no atom but `ONE` takes part."""
        return not self.terms or (len(self.terms) == 1 and ONE in self.terms)

    @property
    def offset(self) -> Fraction:
        """The constant term."""
        return Fraction(self.terms.get(ONE, 0), self.denominator)


NUMBER_ONE = Combination({ONE: 1}, 1)


def atom(name: int) -> Combination:
    """Return one atom as a combination."""
    return Combination({name: 1}, 1)


def weighted_sum(parts: Iterable[tuple[Fraction | float, Combination]], divisor: int = 1) -> Combination:
    """Return a sum of multiples, divided by an integer.

    Costs O(terms) integer operations.
    """
    look()
    ratios = []
    for weight, part in parts:
        if weight:
            p, q = weight.as_integer_ratio()
            ratios.append((p, q * part.denominator, part.terms))
    common = lcm(*{q for _, q, _ in ratios})
    total: dict[int, int] = {}
    for p, q, terms in ratios:
        factor = p if q == common else p * (common // q)
        for name, coefficient in terms.items():
            total[name] = total.get(name, 0) + factor * coefficient
    return Combination({name: x for name, x in total.items() if x}, common * divisor)


def combination_of_row(entries: Sequence[int], denominator: int) -> Combination:
    """Return a form ``[a_0 .. a_(d-1), c] / denominator`` as a combination of the atoms 0 to d - 1."""
    names = [*range(len(entries) - 1), ONE]
    return Combination({name: x for name, x in zip(names, entries, strict=True) if x}, denominator)


def primitive(combination: Combination) -> tuple[Key, Fraction]:
    """Return coprime integer coefficients, and the positive factor that was taken out."""
    if not combination.terms:
        return (), Fraction(1)
    divisor = gcd(*combination.terms.values())
    pairs = sorted(combination.terms.items())
    return tuple((name, x // divisor) for name, x in pairs), Fraction(divisor, combination.denominator)


def precedes(first: Combination, second: Combination) -> int:
    """Compare two combinations: -1, 0 or 1, the same after adding one to both or scaling both."""
    difference = weighted_sum([(1.0, first), (-1.0, second)])
    if not difference.terms:
        return 0
    return 1 if difference.terms[min(difference.terms)] > 0 else -1


def affine_combinations(layer: Affine, values: Sequence[Combination]) -> tuple[list[Combination], int]:
    """Return the values behind an affine layer, and how many terms were added up."""
    out, terms = [], 0
    for i, shift in enumerate(layer.bias.tolist()):
        inputs, factors, divisor = layer.terms(i)
        if len(inputs) == 1 and factors[0] == 1.0 and divisor == 1 and not shift:
            out.append(values[inputs[0]])
            continue
        parts = [(w, values[j]) for w, j in zip(factors, inputs, strict=True)]
        terms += sum(len(part.terms) for _, part in parts)
        if divisor != 1:
            parts = [(1.0, weighted_sum(parts, divisor))]
        out.append(weighted_sum([*parts, (shift, NUMBER_ONE)] if shift else parts))
    return out, terms
