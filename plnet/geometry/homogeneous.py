"""Homogeneous integer vectors: points ``X / W``, directions (W = 0), and affine forms."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from operator import mul

__all__ = ["AT_INFINITY", "FacetId", "Form", "Vertex", "lines_within", "reduced", "scaled_vertex", "value"]

Vertex = tuple[int, ...]
Form = tuple[int, ...]
FacetId = tuple[int, int, int, int]
"""(nonlinear layer, unit, lower piece, higher piece); (-1, i, -1, -1) is facet i of the domain."""

AT_INFINITY: FacetId = (-2, 0, -1, -1)


def reduced(vector: Vertex) -> Vertex:
    """Return the shortest integer vector of the same direction."""
    divisor = gcd(*vector)
    return tuple(x // divisor for x in vector) if divisor > 1 else vector


def scaled_vertex(vertex: Vertex) -> list[Fraction]:
    """Return a vertex with last entry 1, or a direction with largest entry 1."""
    scale = vertex[-1] or max(map(abs, vertex))
    return [Fraction(x, scale) for x in vertex]


def value(form: Form, vertex: Vertex) -> int:
    """Return the value of a form at a homogeneous vertex."""
    return sum(map(mul, form, vertex))


def lines_within(lines: list[Vertex], form: Form) -> list[Vertex]:
    """Return a basis of the combinations of some directions along which a form does not change."""
    slopes = [value(form, line) for line in lines]
    across = next((i for i, slope in enumerate(slopes) if slope), None)
    if across is None:
        return lines
    scale, other = slopes[across], lines[across]
    pairs = [(slope, line) for i, (slope, line) in enumerate(zip(slopes, lines, strict=True)) if i != across]
    return [
        reduced(tuple(scale * x - slope * y for x, y in zip(line, other, strict=True))) if slope else line
        for slope, line in pairs
    ]
