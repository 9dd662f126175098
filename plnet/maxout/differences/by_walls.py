"""A difference of convex functions from the walls that bend the wrong way.

Each downward wall of f is made up for by an upward bend along the whole hyperplane through it. With h
the sum of these bends, f + h bends upwards at every wall, so both are convex.

References
----------
Kripfganz and Schulze (1987), "Piecewise affine functions as a difference of two convex functions".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from plnet.budgets import look
from plnet.geometry.cells import AnyCell, signs, split
from plnet.geometry.homogeneous import Form, reduced
from plnet.maxout.convexity.walls import Bend

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["Map", "Pair", "bending_forms", "canonical", "pieces_from_walls"]

Map = tuple[Fraction, ...]
Pair = tuple[set[Map], set[Map]]
"""The different maps of g and of h."""

_CUT = -3
"""Marks the facets that are cut here; their second number is that of the hyperplane."""


def bending_forms(walls: Sequence[Bend], sign: int) -> list[tuple[Form, Fraction]]:
    """Return each hyperplane through walls that bend against a sign, and the largest bend there.

    Parameters
    ----------
    walls : sequence of Bend
    sign : int
        1 collects downward walls, -1 upward ones.

    Returns
    -------
    list of (form, factor)
        The form is in lowest terms; ``factor * max(form, 0)`` makes up for all walls in the hyperplane.
    """
    found: dict[Form, Fraction] = {}
    for wall in walls:
        if wall.sign == -sign:
            form, factor = canonical(wall.jump)
            found[form] = max(found.get(form, Fraction(0)), factor)
    return sorted(found.items())


def pieces_from_walls(
    complex_: RegionComplex,
    forms: Sequence[Map],
    bendings: Sequence[tuple[Form, Fraction]],
    sign: int,
    most: int | None = None,
) -> Pair | None:
    """Return the maps of convex g and h with ``f = g - h`` (sign 1) or ``f = h - g`` (sign -1).

    Parameters
    ----------
    complex_ : RegionComplex
    forms : sequence of maps
        Of f, on each region.
    bendings : list of (form, factor)
        From `bending_forms`.
    sign : int
    most : int, optional
        Give up and return None once g and h have more pieces than this together.

    Notes
    -----
    Cuts each region by the hyperplanes; costs as many cuts as the arrangement has cells.
    """
    if most is not None and len(bendings) + 2 > most:
        return None
    first: set[Map] = set()
    second: set[Map] = set()
    zero = (Fraction(0),) * (complex_.dim + 1)
    for i, form in enumerate(forms):
        own = tuple(sign * x for x in form)
        for bend in _bends_within(complex_.exact_cell(i), bendings, zero):
            second.add(bend)
            first.add(tuple(a + b for a, b in zip(own, bend, strict=True)))
            if most is not None and len(first) + len(second) > most:
                return None
        look()
    return first, second


def _bends_within(
    cell: AnyCell, bendings: Sequence[tuple[Form, Fraction]], total: Map, first: int = 0
) -> Iterator[Map]:
    """Yield the sum of the bends on each part into which the hyperplanes cut a cell."""
    for k in range(first, len(bendings)):
        look()
        form, factor = bendings[k]
        at = signs(form, cell)
        if 1 in at and -1 in at:
            below, above = split(cell, form, (_CUT, k, -1, -1), at)
            yield from _bends_within(below, bendings, total, k + 1)
            yield from _bends_within(above, bendings, _plus(total, form, factor), k + 1)
            return
        if 1 in at:
            total = _plus(total, form, factor)
    yield total


def _plus(total: Map, form: Form, factor: Fraction) -> Map:
    return tuple(a + factor * b for a, b in zip(total, form, strict=True))


def canonical(jump: Map | Form) -> tuple[Form, Fraction]:
    """Return a form in lowest terms whose first entry is positive, and the positive factor of the jump."""
    common = math.lcm(*(x.denominator for x in jump))
    whole = reduced(tuple(int(x * common) for x in jump))
    lead = next(i for i, x in enumerate(whole) if x)
    form = whole if whole[lead] > 0 else tuple(-x for x in whole)
    return form, abs(Fraction(jump[lead]) / form[lead])
