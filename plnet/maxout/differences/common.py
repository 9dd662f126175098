"""Bends that two convex functions have in common along a whole hyperplane, taken out of both.

If g and h bend by at least c along every wall in a hyperplane, and the walls cover the hyperplane, then
g and h stay convex without ``c * max(form, 0)``, and their difference stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from plnet.budgets import look
from plnet.geometry.homogeneous import Form, value
from plnet.maxout.convexity.walls import bends
from plnet.maxout.differences.by_walls import Map, canonical
from plnet.regions.cells.bodies import Body
from plnet.regions.definitions.tiling import Tiling

__all__ = ["without_common_bends"]


def without_common_bends(
    tiling: Tiling, first: Sequence[Map], second: Sequence[Map]
) -> tuple[list[Map], list[Map]]:
    """Return the maps of two convex functions on each region without what they have in common.

    Parameters
    ----------
    tiling : Tiling
    first, second : sequence of maps
        Of convex functions that are affine on every region.

    Returns
    -------
    first, second : list of maps
        Of convex functions with the same difference.

    Notes
    -----
    Costs one product for each pair of a common hyperplane and a vertex of a region.
    """
    common: dict[Form, Fraction] = {}
    for a, b in zip(bends(tiling, list(first)), bends(tiling, list(second)), strict=True):
        form, _ = canonical(tiling.bodies[a.region].forms[a.facet])
        lead = next(i for i, x in enumerate(form) if x)
        least = min(abs(jump[lead] / form[lead]) for jump in (a.jump, b.jump))
        common[form] = min(common.get(form, least), least)
    totals = [(Fraction(0),) * len(first[0])] * len(first)
    for form, factor in sorted(common.items()):
        look()
        sides = [_side(form, body) for body in tiling.bodies] if factor else []
        if not factor or None in sides:
            continue
        bend = tuple(factor * x for x in form)
        totals = [_sum(t, bend) if side == 1 else t for t, side in zip(totals, sides, strict=True)]
    return [_minus(f, t) for f, t in zip(first, totals, strict=True)], [
        _minus(f, t) for f, t in zip(second, totals, strict=True)
    ]


def _side(form: Form, body: Body) -> int | None:
    """Return the side of a hyperplane on which a body lies, None if it is cut."""
    if any(value(form, line) for line in body.lines):
        return None
    heights = [value(form, generator) for generator in body.generators]
    above, below = max(heights) > 0, min(heights) < 0
    return None if above and below else 1 if above else -1


def _sum(a: Map, b: Map) -> Map:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _minus(a: Map, b: Map) -> Map:
    return tuple(x - y for x, y in zip(a, b, strict=True))
