"""The bend of a function at every wall between its regions, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import to_fractions
from plnet.geometry.homogeneous import Vertex
from plnet.maxout.convexity.report import ConvexityWitness
from plnet.maxout.convexity.search import exact_witness
from plnet.regions.cells.bodies import Body, generators_on
from plnet.regions.definitions.maps import output_forms
from plnet.regions.definitions.tiling import OUTSIDE, Tiling

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["Bend", "bends", "region_forms", "wall_witness"]


@dataclass(frozen=True)
class Bend:
    """A wall between two regions, and how the output bends there.

    Parameters
    ----------
    region, neighbour : int
    facet : int
        Index of the wall in the body of `region`.
    jump : tuple of Fraction
        Map of the neighbour minus map of the region, as a form ``[gradient | offset]``; it vanishes on
        the wall.
    sign : int
        1 where the output bends upwards (convex), -1 downwards, 0 where it does not bend.
    """

    region: int
    neighbour: int
    facet: int
    jump: tuple[Fraction, ...]
    sign: int


def region_forms(complex_: RegionComplex) -> list[tuple[Fraction, ...]]:
    """Return the exact map ``[gradient | offset]`` of the first output on each region, in coordinates t."""
    found = []
    for pattern in complex_.patterns:
        found.append(tuple(output_forms(complex_.problem, pattern).to_fractions()[0]))
        look()
    return found


def bends(tiling: Tiling, forms: list[tuple[Fraction, ...]]) -> Iterator[Bend]:
    """Yield every wall between two regions once."""
    for i, (body, row) in enumerate(zip(tiling.bodies, tiling.behind, strict=True)):
        inside = _total(body.generators)
        for k, j in enumerate(row):
            if j == OUTSIDE or j < i:
                continue
            jump = tuple(b - a for a, b in zip(forms[i], forms[j], strict=True))
            # The jump vanishes on the wall; below zero on this side, it rises beyond the wall.
            here = sum(a * x for a, x in zip(jump, inside, strict=True))
            yield Bend(i, j, k, jump, (here < 0) - (here > 0))


def wall_witness(complex_: RegionComplex, tiling: Tiling, bend: Bend, sign: int) -> ConvexityWitness:
    """Return two points on both sides of a wall, and the point of the wall in the middle between them.

    Parameters
    ----------
    complex_ : RegionComplex
        Of a network with one output.
    tiling : Tiling
    bend : Bend
        Whose sign is ``-sign``.
    sign : int
        1 refutes convexity, -1 concavity.
    """
    body, behind = tiling.bodies[bend.region], tiling.bodies[bend.neighbour]
    point = _point(_total(tuple(generators_on(body, 1 << bend.facet))))
    inward = _point(_total(body.generators)) - point
    step = _step(behind, point, -inward) / 2
    start, end = point + step * inward, point - step * inward
    layer, unit, _, _ = body.facets[bend.facet]
    name = complex_.network.nonlinear_layers[layer].name or f"nonlinear layer {layer}"
    wall = f"unit {unit} of {name}"
    found = _rounded_witness(complex_, sign, start, end, wall)
    found = found or exact_witness(complex_.network, complex_.chart, sign, start, end, wall)
    assert found is not None, "a wall that bends the wrong way refutes convexity"
    return found


def _rounded_witness(
    complex_: RegionComplex, sign: int, start: np.ndarray, end: np.ndarray, wall: str
) -> ConvexityWitness | None:
    """Return a witness with short numbers where there is one."""
    for digits in (2, 4, 8):
        first, last = (np.array([round(x, digits) for x in t.tolist()], dtype=object) for t in (start, end))
        if complex_.chart.contains(first) and complex_.chart.contains(last):
            found = exact_witness(complex_.network, complex_.chart, sign, first, last, wall)
            if found is not None:
                return found
    return None


def _step(body: Body, point: np.ndarray, direction: np.ndarray) -> Fraction:
    """Return a step of at most 1 from a point in a direction that stays in a body."""
    step = Fraction(1)
    for form in body.forms:
        *normal, offset = form
        height = sum((a * x for a, x in zip(normal, point, strict=True)), Fraction(offset))
        slope = sum((a * x for a, x in zip(normal, direction, strict=True)), Fraction(0))
        if slope < 0 and height > 0:
            step = min(step, height / -slope)
    return step


def _total(generators: tuple[Vertex, ...]) -> Vertex:
    return tuple(sum(column) for column in zip(*generators, strict=True))


def _point(vertex: Vertex) -> np.ndarray:
    return to_fractions(np.array([Fraction(x, vertex[-1]) for x in vertex[:-1]], dtype=object))
