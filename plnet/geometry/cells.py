"""Exact convex cells, bounded or not, in homogeneous integers; this file has dimensions 1 and 2.

A cell is the set of points ``X / W`` of the cone that its vertices ``(X, W)``, W >= 0,
generate; a vertex with W = 0 is a direction in which the cell is unbounded. Two
neighbouring vertices of a 2-D cell span an angle below 180 degrees as seen from the
origin of the cone; where a whole line bounds a cell, a point of that line is put between
its two ends to keep this true. The whole space has no boundary and is a case of its own.
Cells of more dimensions are a `Polyhedron`; `signs`, `split` and `domain_cell` take and give both.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import overload

from plnet.budgets import look
from plnet.errors import DomainError
from plnet.geometry.exact import RationalMatrix
from plnet.geometry.homogeneous import AT_INFINITY, FacetId, Form, Vertex, reduced, scaled_vertex, value
from plnet.geometry.polyhedron import Polyhedron, cut_polyhedron, whole_polyhedron

__all__ = [
    "AT_INFINITY",
    "AnyCell",
    "Cell",
    "FacetId",
    "Form",
    "Vertex",
    "domain_cell",
    "scaled_vertex",
    "signs",
    "split",
    "whole_space",
]


@dataclass(frozen=True)
class Cell:
    """A convex cell.

    Parameters
    ----------
    vertices : tuple of integer tuples, each of length d + 1
        Two for d = 1; in counter-clockwise or clockwise order for d = 2. For the whole
        space: directions that span it, and the origin.
    forms : tuple of integer tuples
        Form that vanishes on facet i: at vertex i for d = 1, on the edge from vertex i to
        vertex i + 1 for d = 2. Empty for the whole space.
    facets : tuple of FacetId
        What made facet i.
    """

    vertices: tuple[Vertex, ...]
    forms: tuple[Form, ...]
    facets: tuple[FacetId, ...]

    @property
    def dim(self) -> int:
        """Dimension d."""
        return len(self.vertices[0]) - 1

    @property
    def bounded(self) -> bool:
        """Whether no vertex is at infinity."""
        return all(vertex[-1] > 0 for vertex in self.vertices)

    def volume(self) -> Fraction:
        """Return the exact length or area in the coordinates of the cell.

        Raises
        ------
        DomainError
            If the cell is unbounded.
        """
        if not self.bounded:
            raise DomainError("An unbounded cell has no finite volume.")
        points = [tuple(Fraction(x, v[-1]) for x in v[:-1]) for v in self.vertices]
        if self.dim == 1:
            return abs(points[1][0] - points[0][0])
        ring = zip(points, points[1:] + points[:1], strict=True)
        return abs(sum((p[0] * q[1] - p[1] * q[0] for p, q in ring), Fraction(0))) / 2

    def without_flat_points(self) -> Cell:
        """Drop the points inside an edge of a bounded cell."""
        if self.dim == 1 or not self.bounded:
            return self
        kept = [i for i in range(len(self.facets)) if self.facets[i] != self.facets[i - 1]]
        vertices, forms, facets = self.vertices, self.forms, self.facets
        return Cell(
            tuple(vertices[i] for i in kept), tuple(forms[i] for i in kept), tuple(facets[i] for i in kept)
        )

    def witness(self) -> tuple[Fraction, ...]:
        """Return a rational point in the interior: the sum of the normalised vertices."""
        return _mean(self.vertices)

    def facet_point(self, k: int) -> tuple[Fraction, ...]:
        """Return a rational point in the relative interior of facet k, which is not at infinity."""
        if self.dim == 1:
            return _mean(self.vertices[k : k + 1])
        return _mean((self.vertices[k], self.vertices[(k + 1) % len(self.vertices)]))


AnyCell = Cell | Polyhedron


def _mean(vertices: tuple[Vertex, ...]) -> tuple[Fraction, ...]:
    total = [sum(column, Fraction(0)) for column in zip(*map(scaled_vertex, vertices), strict=True)]
    return tuple(x / total[-1] for x in total[:-1])


def whole_space(d: int) -> AnyCell:
    """Return all of R^d."""
    if d > 2:
        return whole_polyhedron(d)
    if d == 1:
        return Cell(((-1, 0), (1, 0), (0, 1)), (), ())
    return Cell(((1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, 1)), (), ())


def signs(form: Form, cell: AnyCell) -> list[int]:
    """Return the exact sign of a form at each vertex of a cell, then at both ends of each line in it."""
    if len(form) == 3:
        a, b, c = form
        values = [a * x + b * y + c * w for x, y, w in cell.vertices]
    elif len(form) == 2:
        a, c = form
        values = [a * x + c * w for x, w in cell.vertices]
    else:
        values = [value(form, vertex) for vertex in cell.vertices]
    if isinstance(cell, Polyhedron):
        for line in cell.lines:
            slope = value(form, line)
            values += [slope, -slope]
    return [(v > 0) - (v < 0) for v in values]


@overload
def split(cell: Cell, form: Form, facet: FacetId, at: list[int]) -> tuple[Cell, Cell]: ...
@overload
def split(cell: Polyhedron, form: Form, facet: FacetId, at: list[int]) -> tuple[Polyhedron, Polyhedron]: ...
@overload
def split(cell: AnyCell, form: Form, facet: FacetId, at: list[int]) -> tuple[AnyCell, AnyCell]: ...
def split(cell: AnyCell, form: Form, facet: FacetId, at: list[int]) -> tuple[AnyCell, AnyCell]:
    """Cut a cell by a form that changes sign on it.

    Parameters
    ----------
    cell : Cell or Polyhedron
    form : Form
        Takes both signs on the cell.
    facet : FacetId
        Name of the new facet.
    at : list of int
        `signs(form, cell)`.

    Returns
    -------
    below, above : Cell or Polyhedron
        The parts where the form is negative and positive.
    """
    if isinstance(cell, Polyhedron):
        return cut_polyhedron(cell, form, facet, at)
    if not cell.facets:
        return _split_space(form, facet)
    if cell.dim == 1:
        return _split_interval(cell, form, facet, at)
    return _part(cell, form, facet, at, -1), _part(cell, form, facet, at, 1)


def domain_cell(facets: RationalMatrix, names: tuple[str, ...] = ()) -> AnyCell:
    """Return the cell of all points where every facet form is at least 0.

    Raises
    ------
    DomainError
        If it is empty or flat.
    """
    d = facets.shape[1] - 1
    cell = whole_space(d)
    for i, row in enumerate(facets.integers.tolist()):
        look()
        form = reduced(tuple(row))
        if not any(form[:-1]) and form[-1] >= 0:
            continue
        at = signs(form, cell)
        if 1 not in at:
            raise DomainError(
                f"The domain is empty or flat: {names[i] if names else f'facet {i}'} leaves no interior. "
                "Expected a set with interior points."
            )
        if -1 in at:
            cell = split(cell, form, (-1, i, -1, -1), at)[1]
    return cell.without_flat_points() if isinstance(cell, Cell) and cell.facets else cell


def _split_space(form: Form, facet: FacetId) -> tuple[Cell, Cell]:
    if len(form) == 2:
        root = reduced((-form[1], form[0]) if form[0] > 0 else (form[1], -form[0]))
        left = Cell(((-1, 0), root), ((0, 1), form), (AT_INFINITY, facet))
        right = Cell((root, (1, 0)), (form, (0, 1)), (facet, AT_INFINITY))
        return (left, right) if form[0] > 0 else (right, left)
    along, inward = (-form[1], form[0], 0), (form[0], form[1], 0)
    back, outward = (form[1], -form[0], 0), (-form[0], -form[1], 0)
    point = _point_on(form)
    infinity, forms = (0, 0, 1), (form, form)
    above = Cell(
        (along, inward, back, point), (infinity, infinity, *forms), (AT_INFINITY, AT_INFINITY, facet, facet)
    )
    below = Cell(
        (along, outward, back, point), (infinity, infinity, *forms), (AT_INFINITY, AT_INFINITY, facet, facet)
    )
    return below, above


def _point_on(line: Form) -> Vertex:
    a, b, c = line
    point = (-c, 0, a) if a else (0, -c, b)
    return reduced(point if point[2] > 0 else (-point[0], -point[1], -point[2]))


def _split_interval(cell: Cell, form: Form, facet: FacetId, at: list[int]) -> tuple[Cell, Cell]:
    root = reduced((-form[1], form[0]) if form[0] > 0 else (form[1], -form[0]))
    left = Cell((cell.vertices[0], root), (cell.forms[0], form), (cell.facets[0], facet))
    right = Cell((root, cell.vertices[1]), (form, cell.forms[1]), (facet, cell.facets[1]))
    return (left, right) if at[0] < 0 else (right, left)


def _crossing(edge: Form, form: Form, p: Vertex, q: Vertex) -> Vertex:
    """Return the point of an edge, between its ends p and q, where the form vanishes."""
    x = edge[1] * form[2] - edge[2] * form[1]
    y = edge[2] * form[0] - edge[0] * form[2]
    w = edge[0] * form[1] - edge[1] * form[0]
    if w == 0:
        # An edge at infinity: of the two opposite directions, take the one between p and q.
        positive = (p[0] * y - p[1] * x) * (p[0] * q[1] - p[1] * q[0]) > 0
    else:
        positive = w > 0
    return reduced((x, y, w) if positive else (-x, -y, -w))


def _part(cell: Cell, form: Form, facet: FacetId, at: list[int], side: int) -> Cell:
    vertices: list[Vertex] = []
    forms: list[Form] = []
    facets: list[FacetId] = []
    n = len(at)

    def add(vertex: Vertex, edge: Form, name: FacetId) -> None:
        vertices.append(vertex)
        forms.append(edge)
        facets.append(name)

    for i in range(n):
        j = (i + 1) % n
        here, there = at[i] * side, at[j] * side
        if here >= 0:
            leaves = here == 0 and there < 0
            add(cell.vertices[i], form if leaves else cell.forms[i], facet if leaves else cell.facets[i])
        if here * there < 0:
            new = _crossing(cell.forms[i], form, cell.vertices[i], cell.vertices[j])
            add(new, form if here > 0 else cell.forms[i], facet if here > 0 else cell.facets[i])
    for i in range(len(vertices)):
        p, q = vertices[i], vertices[(i + 1) % len(vertices)]
        if (
            facets[i] == facet
            and p[2] == q[2] == 0
            and p[0] * q[0] + p[1] * q[1] < 0
            and p[0] * q[1] == p[1] * q[0]
        ):
            vertices.insert(i + 1, _point_on(form))
            forms.insert(i + 1, form)
            facets.insert(i + 1, facet)
            break
    return Cell(tuple(vertices), tuple(forms), tuple(facets))
