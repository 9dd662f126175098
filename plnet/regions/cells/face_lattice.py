"""Faces of exact cells, each known by its corners, so that cells that meet share them.

A corner is a homogeneous integer vector in lowest terms: a vertex ``(X, W)``, or an extreme
direction ``(X, 0)``. Where the cell contains lines, corners are reduced modulo the lines by a
reduced echelon basis, which makes them unique: all cells of a complex contain the same lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from plnet.budgets import look
from plnet.geometry.cells import AnyCell, Cell
from plnet.geometry.homogeneous import AT_INFINITY, FacetId, Vertex, reduced, value
from plnet.regions.cells.rings import ring_of

__all__ = [
    "CornerCell",
    "Face",
    "corners_of",
    "echelon",
    "facets_of_face",
    "is_bounded_face",
    "modulo",
    "ordered_face",
    "simplices_of_face",
]

Face = frozenset[Vertex]


@dataclass(frozen=True)
class CornerCell:
    """A cell by its corners.

    Parameters
    ----------
    corners : tuple of integer tuples
        Vertices and extreme directions, modulo the lines.
    lines : tuple of integer tuples
        Reduced echelon basis of the directions (X, 0) of the lines in the cell.
    facets : tuple of frozenset
        The corners on each facet.
    names : tuple of FacetId
        What made each facet.
    """

    corners: tuple[Vertex, ...]
    lines: tuple[Vertex, ...]
    facets: tuple[Face, ...]
    names: tuple[FacetId, ...]

    @property
    def dim(self) -> int:
        """Dimension d."""
        return len(self.corners[0]) - 1

    def faces(self) -> list[set[Face]]:
        """Return all faces by dimension, entry k those of dimension k, the cell itself last."""
        found: list[set[Face]] = [set() for _ in range(self.dim + 1)]
        found[-1] = {frozenset(self.corners)}
        for k in range(self.dim, len(self.lines), -1):
            for face in found[k]:
                found[k - 1].update(facets_of_face(face, self.facets))
        return found


def corners_of(cell: AnyCell) -> CornerCell:
    """Return a cell by its corners.

    Costs O(f) exact values at each corner, f the number of facets.
    """
    look()
    vectors, directions = _generators(cell)
    lines = echelon(directions)
    corners = tuple(dict.fromkeys(v for v in (modulo(x, lines) for x in vectors) if any(v)))
    facets: dict[Face, FacetId] = {}
    for form, name in zip(cell.forms, cell.facets, strict=True):
        if name != AT_INFINITY:
            facets.setdefault(frozenset(v for v in corners if not value(form, v)), name)
    return CornerCell(corners, lines, tuple(facets), tuple(facets.values()))


def facets_of_face(face: Face, facets: Iterable[Face]) -> list[Face]:
    """Return the facets of a face of a cell: the largest proper ones that are not at infinity."""
    look()
    sections = {face & facet for facet in facets} - {face}
    finite = [section for section in sections if any(v[-1] for v in section)]
    return [s for s in finite if not any(s < other for other in finite)]


def is_bounded_face(face: Face) -> bool:
    """Return whether no corner is a direction; a face of a cell with lines is never bounded."""
    return all(v[-1] for v in face)


def simplices_of_face(face: Face, facets: Sequence[Face]) -> list[tuple[Vertex, ...]]:
    """Triangulate a bounded face: cones from its least vertex over its facets without it."""
    if len(face) == 1:
        return [tuple(face)]
    apex = min(face)
    parts = [f for f in facets_of_face(face, facets) if apex not in f]
    return [(apex, *rest) for part in parts for rest in simplices_of_face(part, facets)]


def ordered_face(face: Face, facets: Sequence[Face]) -> list[Vertex]:
    """Return the corners of a polygon in cyclic order, from direction to direction if it is unbounded.

    Faces of another dimension keep the order of their coordinates.
    """
    links: dict[Vertex, list[Vertex]] = {}
    for edge in facets_of_face(face, facets):
        if len(edge) == 2:
            a, b = sorted(edge)
            links.setdefault(a, []).append(b)
            links.setdefault(b, []).append(a)
    if set(links) != face or any(len(ends) > 2 for ends in links.values()):
        return sorted(face)
    path = [min(face, key=lambda v: (len(links[v]), v))]
    while len(path) < len(face):
        path.append(next(v for v in links[path[-1]] if v not in path[-2:]))
    return path


def _generators(cell: AnyCell) -> tuple[Sequence[Vertex], list[Vertex]]:
    """Return vectors that generate the cone of a cell, and directions of all its lines."""
    if not isinstance(cell, Cell):
        return cell.vertices, list(cell.lines)
    if not cell.facets:
        return cell.vertices[-1:], [v for v in cell.vertices if not v[-1]]
    ring = ring_of(cell)
    far = {v for v in ring if not v[-1]}
    return ring, [v for v in far if tuple(-x for x in v) in far]


def echelon(directions: Sequence[Vertex]) -> tuple[Vertex, ...]:
    """Return the reduced echelon basis of a span, as integers in lowest terms."""
    basis: list[list[Fraction]] = []
    for direction in directions:
        look()
        row = [Fraction(x) for x in direction]
        for other in basis:
            row = _cleared(row, other)
        pivot = next((k for k, x in enumerate(row) if x), None)
        if pivot is None:
            continue
        row = [x / row[pivot] for x in row]
        basis = [*(_cleared(other, row) for other in basis), row]
    return tuple(_integers(row) for row in sorted(basis, reverse=True))


def _cleared(row: list[Fraction], by: list[Fraction]) -> list[Fraction]:
    """Subtract a multiple of a row with leading entry 1, so that its pivot entry becomes 0."""
    factor = row[next(k for k, x in enumerate(by) if x)]
    return [a - factor * b for a, b in zip(row, by, strict=True)] if factor else row


def modulo(vector: Vertex, lines: Sequence[Vertex]) -> Vertex:
    """Return a positive multiple of a vector plus lines in echelon form, zero at the pivot of each line."""
    for line in lines:
        pivot = next(k for k, x in enumerate(line) if x)
        vector = tuple(line[pivot] * a - vector[pivot] * b for a, b in zip(vector, line, strict=True))
    return reduced(vector)


def _integers(row: list[Fraction]) -> Vertex:
    common = 1
    for x in row:
        common *= x.denominator
    return reduced(tuple(int(x * common) for x in row))
