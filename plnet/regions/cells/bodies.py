"""Exact cells of any dimension in one normal form: extreme generators, lines, facets, incidence.

A body is the set of points ``X / W`` of a cone over it; see `plnet.geometry.homogeneous`. Two cells
that share a face have the same generators on it, because generators are reduced modulo the
lines that the cells contain. (All cells of a complex contain the same lines: a facet of a
polyhedron contains the lines of the polyhedron and no others.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plnet.geometry.cells import AnyCell
from plnet.geometry.homogeneous import AT_INFINITY, FacetId, Form, Vertex, reduced, value
from plnet.regions.cells.face_lattice import echelon, modulo

__all__ = ["Body", "body_of", "faces_of", "generators_on"]


@dataclass(frozen=True)
class Body:
    """A closed convex cell with interior points.

    Parameters
    ----------
    generators : tuple of integer tuples, each of length d + 1
        Vertices (W > 0) and extreme directions (W = 0), one of each class modulo the lines.
    lines : tuple of integer tuples
        Basis of the lines in the body, in reduced echelon form.
    forms : tuple of integer tuples
        One form for each facet, positive inside.
    facets : tuple of FacetId
        What made each facet.
    tight : tuple of int
        For each generator the set of facets it lies on: bit k stands for facet k, and the bit behind the
        last facet for infinity.
    """

    generators: tuple[Vertex, ...]
    lines: tuple[Vertex, ...]
    forms: tuple[Form, ...]
    facets: tuple[FacetId, ...]
    tight: tuple[int, ...]

    @property
    def infinity(self) -> int:
        """The bit of `tight` that marks a direction."""
        return 1 << len(self.forms)


def body_of(cell: AnyCell) -> Body:
    """Return the normal form of an exact cell.

    Costs one product for each pair of a generator and a facet.
    """
    vertices = {reduced(vertex) for vertex in cell.vertices}
    opposite = [v for v in vertices if v[-1] == 0 and tuple(-x for x in v) in vertices]
    lines = echelon([*getattr(cell, "lines", ()), *opposite])
    generators = sorted({modulo(vertex, lines) for vertex in vertices} - {(0,) * (cell.dim + 1)})
    forms: dict[Form, FacetId] = {}
    for form, facet in zip(cell.forms, cell.facets, strict=True):
        if facet[0] != AT_INFINITY[0]:
            forms.setdefault(_positive(reduced(form), generators), facet)
    infinity = 1 << len(forms)
    tight = [
        sum(1 << k for k, form in enumerate(forms) if value(form, g) == 0) | (0 if g[-1] else infinity)
        for g in generators
    ]
    # A generator that is not extreme lies inside a face whose extreme ones lie on more facets.
    kept = [i for i, mask in enumerate(tight) if not any(mask & t == mask != t for t in tight)]
    return Body(
        tuple(generators[i] for i in kept),
        lines,
        tuple(forms),
        tuple(forms.values()),
        tuple(tight[i] for i in kept),
    )


def faces_of(body: Body) -> list[int]:
    """Return all faces that have finite points as sets of facets; 0 is the body itself.

    The faces of a cone are the intersections of the facets through each of some generators.
    Costs O(f g) for f faces and g generators.
    """
    found = set(body.tight)
    pending = list(found)
    while pending:
        mask = pending.pop()
        for other in body.tight:
            meet = mask & other
            if meet not in found:
                found.add(meet)
                pending.append(meet)
    return sorted(mask for mask in found if not mask & body.infinity)


def generators_on(body: Body, face: int) -> Iterator[Vertex]:
    """Yield the generators of a face given as a set of facets."""
    return (g for g, mask in zip(body.generators, body.tight, strict=True) if mask & face == face)


def _positive(form: Form, generators: Sequence[Vertex]) -> Form:
    inside = any(value(form, g) > 0 for g in generators)
    return form if inside else tuple(-x for x in form)
