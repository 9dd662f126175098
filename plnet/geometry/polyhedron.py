"""Exact convex cells of any dimension, bounded or not, in homogeneous integers.

A polyhedron is the set of points ``X / W`` of a cone ``(X, W)``, W >= 0. The cone is the sum
of its extreme rays and of the lines that it contains. Each ray knows which facets it lies on,
so a cut needs no linear program (double description, Motzkin et al. 1953): two rays are
neighbours if no third one lies on all the facets that they share (Fukuda and Prodon 1996,
proposition 7), which is also right where more facets than needed meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import factorial

from plnet.budgets import look
from plnet.errors import DomainError
from plnet.geometry.homogeneous import AT_INFINITY, FacetId, Form, Vertex, reduced, scaled_vertex, value
from plnet.geometry.linear import determinant

__all__ = ["Polyhedron", "cut_polyhedron", "whole_polyhedron"]


@dataclass(frozen=True)
class Polyhedron:
    """A convex cell of dimension d with interior points.

    Parameters
    ----------
    vertices : tuple of integer tuples, each of length d + 1
        Extreme rays of the cone: the vertices (W > 0) and the extreme directions (W = 0). Where
        the polyhedron contains lines, one representative of each.
    lines : tuple of integer tuples
        Basis of the directions (X, 0) of the lines in the polyhedron.
    forms : tuple of integer tuples
        One form for each facet of the cone, zero on it, of either sign inside.
    facets : tuple of FacetId
        What made each facet; `AT_INFINITY` is the facet W = 0 of an unbounded polyhedron.
    tight : tuple of int
        For each vertex the set of facets it lies on: bit k stands for facet k.
    """

    vertices: tuple[Vertex, ...]
    lines: tuple[Vertex, ...]
    forms: tuple[Form, ...]
    facets: tuple[FacetId, ...]
    tight: tuple[int, ...]

    @property
    def dim(self) -> int:
        """Dimension d."""
        return len(self.vertices[0]) - 1

    @property
    def bounded(self) -> bool:
        """Whether there is no line and no vertex at infinity."""
        return not self.lines and all(vertex[-1] > 0 for vertex in self.vertices)

    @cached_property
    def on_facet(self) -> tuple[int, ...]:
        """For each facet the set of vertices on it: bit i stands for vertex i."""
        return _transposed(self.tight, len(self.facets))

    def witness(self) -> tuple[Fraction, ...]:
        """Return a rational point in the interior: the sum of the normalised vertices."""
        return _mean(self.vertices)

    def facet_point(self, k: int) -> tuple[Fraction, ...]:
        """Return a rational point in the relative interior of facet k, which is not at infinity."""
        return _mean([v for i, v in enumerate(self.vertices) if self.on_facet[k] >> i & 1])

    def volume(self) -> Fraction:
        """Return the exact volume in the coordinates of the polyhedron.

        Costs one determinant for each simplex of a triangulation by pulling vertices.

        Raises
        ------
        DomainError
            If the polyhedron is unbounded.
        """
        if not self.bounded:
            raise DomainError("An unbounded cell has no finite volume.")
        total = Fraction(0)
        for simplex in self.simplices():
            rows = [self.vertices[i] for i in simplex]
            scale = 1
            for row in rows:
                scale *= row[-1]
            total += Fraction(abs(determinant(rows)), scale)
        return total / factorial(self.dim)

    def simplices(self) -> list[tuple[int, ...]]:
        """Return a triangulation: d + 1 vertices for each simplex (bounded polyhedra)."""
        return _pulled((1 << len(self.vertices)) - 1, self.on_facet)


def whole_polyhedron(d: int) -> Polyhedron:
    """Return all of R^d."""
    lines = tuple(tuple(int(i == j) for j in range(d + 1)) for i in range(d))
    origin = (0,) * d + (1,)
    return Polyhedron((origin,), lines, (origin,), (AT_INFINITY,), (0,))


def cut_polyhedron(
    cell: Polyhedron, form: Form, facet: FacetId, at: Sequence[int]
) -> tuple[Polyhedron, Polyhedron]:
    """Cut a polyhedron by a form that takes both signs on it.

    Parameters
    ----------
    cell : Polyhedron
    form : Form
    facet : FacetId
        Name of the new facet.
    at : sequence of int
        Signs of the form at the vertices; more entries are not looked at.

    Returns
    -------
    below, above : Polyhedron
        The parts where the form is negative and positive.
    """
    for line in cell.lines:
        slope = value(form, line)
        if slope:
            return _cut_across_line(cell, form, facet, line if slope > 0 else tuple(-x for x in line))
    new_vertices, new_tight = _crossings(cell, form, at)
    return (
        _part(cell, form, facet, at, -1, new_vertices, new_tight),
        _part(cell, form, facet, at, 1, new_vertices, new_tight),
    )


def _cut_across_line(
    cell: Polyhedron, form: Form, facet: FacetId, line: Vertex
) -> tuple[Polyhedron, Polyhedron]:
    """Move everything along the line onto the wall; half of the line is a new direction of each part."""
    slope = value(form, line)

    def moved(vector: Vertex) -> Vertex:
        height = value(form, vector)
        return reduced(tuple(slope * x - height * y for x, y in zip(vector, line, strict=True)))

    vertices = tuple(map(moved, cell.vertices))
    lines = tuple(moved(other) for other in cell.lines if other != line and other != tuple(-x for x in line))
    bit = 1 << len(cell.facets)
    tight = (*(mask | bit for mask in cell.tight), bit - 1)
    forms, facets = (*cell.forms, form), (*cell.facets, facet)
    back = tuple(-x for x in line)
    below, above = (
        Polyhedron((*vertices, reduced(ray)), lines, forms, facets, tight) for ray in (back, line)
    )
    return _irredundant(below), _irredundant(above)


def _crossings(cell: Polyhedron, form: Form, at: Sequence[int]) -> tuple[list[Vertex], list[int]]:
    """Return the points where edges cross the wall, and the facets each lies on."""
    heights = [value(form, vertex) for vertex in cell.vertices]
    # An edge of the cone lies on facets of rank d - 1, lines take the rest. A ray on no more facets
    # than it needs has an edge along any all but one of them.
    least = cell.dim - 1 - len(cell.lines)
    simple = [mask.bit_count() == least + 1 for mask in cell.tight]
    positive = [i for i, sign in enumerate(at[: len(heights)]) if sign > 0]
    negative = [i for i, sign in enumerate(at[: len(heights)]) if sign < 0]
    vertices, tight = [], []
    for p in positive:
        look()
        for q in negative:
            common = cell.tight[p] & cell.tight[q]
            if common.bit_count() < least:
                continue
            if not (simple[p] or simple[q]) and _is_on_another(cell.tight, common, p, q):
                continue
            s, t = heights[p], -heights[q]
            crossing = (s * y + t * x for x, y in zip(cell.vertices[p], cell.vertices[q], strict=True))
            vertices.append(reduced(tuple(crossing)))
            tight.append(common)
    return vertices, tight


def _is_on_another(tight: tuple[int, ...], common: int, p: int, q: int) -> bool:
    return any(mask & common == common and i != p and i != q for i, mask in enumerate(tight))


def _part(
    cell: Polyhedron,
    form: Form,
    facet: FacetId,
    at: Sequence[int],
    side: int,
    new_vertices: list[Vertex],
    new_tight: list[int],
) -> Polyhedron:
    bit = 1 << len(cell.facets)
    vertices, tight = [], []
    for i, (vertex, mask) in enumerate(zip(cell.vertices, cell.tight, strict=True)):
        if at[i] * side >= 0:
            vertices.append(vertex)
            tight.append(mask if at[i] else mask | bit)
    vertices += new_vertices
    tight += [mask | bit for mask in new_tight]
    part = Polyhedron(tuple(vertices), cell.lines, (*cell.forms, form), (*cell.facets, facet), tuple(tight))
    return _irredundant(part)


def _irredundant(cell: Polyhedron) -> Polyhedron:
    """Drop inequalities that are no facet: their vertices all lie on another one."""
    sets = cell.on_facet
    kept = [k for k in range(len(sets)) if not _is_on_larger(sets, k)]
    if len(kept) == len(sets):
        return cell
    tight = _transposed([sets[k] for k in kept], len(cell.vertices))
    return Polyhedron(
        cell.vertices,
        cell.lines,
        tuple(cell.forms[k] for k in kept),
        tuple(cell.facets[k] for k in kept),
        tight,
    )


def _is_on_larger(sets: Sequence[int], k: int) -> bool:
    points = sets[k]
    return any(
        points & other == points and (points != other or j < k) for j, other in enumerate(sets) if j != k
    )


def _transposed(masks: Sequence[int], size: int) -> tuple[int, ...]:
    out = [0] * size
    for i, mask in enumerate(masks):
        while mask:
            low = mask & -mask
            out[low.bit_length() - 1] |= 1 << i
            mask ^= low
    return tuple(out)


def _mean(vertices: Sequence[Vertex]) -> tuple[Fraction, ...]:
    total = [sum(column, Fraction(0)) for column in zip(*map(scaled_vertex, vertices), strict=True)]
    return tuple(x / total[-1] for x in total[:-1])


def _pulled(face: int, facets: Sequence[int]) -> list[tuple[int, ...]]:
    """Triangulate a face given by its vertices: cones from its first vertex over the facets without it."""
    apex = face & -face
    if face == apex:
        return [(apex.bit_length() - 1,)]
    sections = {face & other for other in facets} - {face, 0}
    look()
    proper = [s for s in sections if not any(s & other == s and s != other for other in sections)]
    found = []
    for section in proper:
        if not section & apex:
            found += [(apex.bit_length() - 1, *rest) for rest in _pulled(section, facets)]
    return found
