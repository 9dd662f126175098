"""Where a complex is not in general position: walls that coincide, and vertices with too many walls.

The *walls* at a point are the units at a breakpoint there, the ties among the largest pieces
of a maxout unit, and the sides of the domain. A face of codimension c (a region has 0, a facet 1, a
vertex d) lies in c walls in general position; more make it degenerate.

On the closure of a region every unit is an affine function that does not change sign, so a
wall contains a face if it contains all vertices of the face.
Everything is thus decided at vertices: first in floating point with a rigorous error bound,
and in exact integers where that leaves more walls than general position has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from plnet.budgets import look
from plnet.geometry.cells import Cell
from plnet.geometry.homogeneous import FacetId, Vertex, reduced
from plnet.geometry.polyhedron import Polyhedron
from plnet.regions.cells.limited import exact_cells
from plnet.regions.cells.measure import eliminated, flat_of, largest_sets
from plnet.regions.cells.rings import Ring, ring_of, turn
from plnet.regions.cells.walls import Contacts, exact_contacts, possible_contacts, walls_of
from plnet.regions.data import RegionData

__all__ = ["Degeneracies", "DegenerateFace", "degeneracies"]


@dataclass(frozen=True)
class DegenerateFace:
    """A face of a complex that lies in more walls than its codimension.

    Parameters
    ----------
    codimension : int
        0 for a region, 1 for a facet, d for a vertex; where every region contains l lines, the
        smallest faces have codimension d - l.
    walls : tuple of (layer, unit, lower piece, higher piece)
        All walls that contain the face. Layer -1 stands for facet `unit` of the domain. A maxout
        unit with s tied pieces counts as s - 1 walls, between neighbouring tied pieces.
    point : tuple of Fraction
        A point in the relative interior of the face, in the coordinates of the domain.
    region : int
        A region whose closure contains the face.
    """

    codimension: int
    walls: tuple[FacetId, ...]
    point: tuple[Fraction, ...]
    region: int


@dataclass(frozen=True)
class Degeneracies:
    """All degenerate faces of a complex.

    Parameters
    ----------
    faces : tuple of DegenerateFace
        By codimension. A face of a degenerate face is degenerate too and is listed.
    """

    faces: tuple[DegenerateFace, ...]

    def of_codimension(self, codimension: int) -> tuple[DegenerateFace, ...]:
        """Return the degenerate faces of one codimension: 0 for regions, d for vertices."""
        return tuple(face for face in self.faces if face.codimension == codimension)

    @property
    def regions(self) -> tuple[DegenerateFace, ...]:
        """Regions on which a unit is identically at a breakpoint, or two largest pieces are equal."""
        return self.of_codimension(0)

    @property
    def facets(self) -> tuple[DegenerateFace, ...]:
        """Facets in several walls, d > 1: walls coincide there. For d = 1 see `vertices`."""
        return tuple(face for face in self.of_codimension(1) if len(face.point) > 1)

    @property
    def vertices(self) -> tuple[DegenerateFace, ...]:
        """Vertices in more than d walls."""
        return tuple(face for face in self.faces if face.codimension == len(face.point))

    @property
    def generic(self) -> bool:
        """Whether the complex is in general position: no face is degenerate."""
        return not self.faces

    def summary(self) -> str:
        """Return the sets of walls that are dependent and how often, as text."""
        if self.generic:
            return "The complex is in general position."
        lines = ["The complex is not in general position."]
        for codimension in sorted({face.codimension for face in self.faces}):
            faces = self.of_codimension(codimension)
            one, many = _names(codimension, len(faces[0].point))
            counts = Counter(face.walls for face in faces)
            for walls, times in counts.most_common(10):
                verb = f"{one} lies" if times == 1 else f"{many} lie"
                lines.append(f"  {times} {verb} in {_described(walls)}")
            if len(counts) > 10:
                lines.append(f"  and {len(counts) - 10} more sets of walls, {many}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def degeneracies(complex_: RegionData) -> Degeneracies:
    """Find every face of a complex that lies in more walls than its codimension.

    Parameters
    ----------
    complex_ : RegionComplex

    Returns
    -------
    Degeneracies

    Raises
    ------
    DimensionError
        If a region has too many vertices to list them.

    Notes
    -----
    Exact: every verdict is proved, by a floating-point error bound or in integers. Costs the
    exact cell of each region, one floating-point pass of the network over the vertices, and
    O(1) exact products for each wall that could not be excluded. For d > 2 also all faces of the
    regions next to vertices in more than d walls.

    Examples
    --------
    Three lines through one point:

    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> star = PLNetwork((Affine([[1, 0], [0, 1], [1, 1]], [0, 0, 0]), ScalarPWL.relu(3)), input_dim=2)
    >>> found = plnet.enumerate_regions(star, plnet.Box(-1, 2)).degeneracies()
    >>> found.generic, len(found.vertices), found.vertices[0].point
    (False, 1, (Fraction(0, 1), Fraction(0, 1)))
    """
    survey = _Survey(complex_)
    found: list[DegenerateFace] = []
    seen: set[frozenset[Vertex]] = set()
    for i, cell in enumerate(survey.cells):
        look()
        for codimension, corners in _faces(cell, survey):
            face = frozenset(corners)
            walls = () if face in seen else survey.common_walls(corners, codimension, i)
            seen.add(face)
            if walls:
                found.append(DegenerateFace(codimension, walls, _middle(corners), i))
    return Degeneracies(tuple(sorted(found, key=lambda face: face.codimension)))


@dataclass(frozen=True, eq=False)
class _Survey:
    """The walls at the vertices of a complex, those that are possible and those that are proved."""

    complex_: RegionData
    exact: dict[Vertex, Contacts] = field(default_factory=dict)

    @cached_property
    def cells(self) -> list[Ring | Polyhedron]:
        """The closures of all regions; a vertex is written in the same way in all of them."""
        cells = exact_cells(self.complex_.problem, self.complex_.leaves, "The search for degeneracies")
        return [ring_of(cell) if isinstance(cell, Cell) else _without_lines(cell) for cell in cells]

    @cached_property
    def owner(self) -> dict[Vertex, int]:
        """For each vertex, the first region that has it."""
        found: dict[Vertex, int] = {}
        for i, cell in enumerate(self.cells):
            for vertex in cell.vertices if isinstance(cell, Polyhedron) else cell:
                found.setdefault(vertex, i)
        return found

    @cached_property
    def possible(self) -> dict[Vertex, Contacts]:
        """A superset of what holds at each finite vertex."""
        finite = [vertex for vertex in self.owner if vertex[-1]]
        return dict(zip(finite, possible_contacts(self.complex_.problem, finite), strict=True))

    def may_be_degenerate(self, vertex: Vertex, codimension: int) -> bool:
        """Return whether a vertex may lie in more walls than its codimension; False for directions."""
        return vertex in self.possible and len(walls_of(self.possible[vertex])) > codimension

    def common_walls(self, corners: Iterable[Vertex], codimension: int, region: int) -> tuple[FacetId, ...]:
        """Return the walls through all corners if they are more than `codimension`, else nothing."""
        corners = tuple(corners)
        known = [self.possible[v] for v in corners if v in self.possible]
        if known and len(walls_of(frozenset.intersection(*known))) <= codimension:
            return ()
        walls = walls_of(frozenset.intersection(*(self._exact(v, region) for v in corners)))
        return walls if len(walls) > codimension else ()

    def _exact(self, vertex: Vertex, region: int) -> Contacts:
        # A unit is continuous, and so is its slope in a direction at infinity: any region will do.
        if vertex not in self.exact:
            pattern = self.complex_.patterns[self.owner.get(vertex, region)]
            prefix = tuple(self.complex_.network.pieces_of(np.asarray(pattern)))
            self.exact[vertex] = exact_contacts(self.complex_.problem, prefix, vertex)
        return self.exact[vertex]


def _faces(cell: Ring | Polyhedron, survey: _Survey) -> Iterator[tuple[int, tuple[Vertex, ...]]]:
    """Yield the faces of a cell that may be degenerate: codimension and corners."""
    if isinstance(cell, Polyhedron):
        yield from _faces_of_polyhedron(cell, survey)
        return
    d = len(cell[0]) - 1
    # The whole space has directions only; with the origin they span it.
    yield 0, cell if any(v[-1] for v in cell) else (*cell, (0,) * d + (1,))
    yield from ((d, (corner,)) for corner in _corners(cell))
    yield from ((1, edge) for edge in _edges(cell))


def _faces_of_polyhedron(cell: Polyhedron, survey: _Survey) -> Iterator[tuple[int, tuple[Vertex, ...]]]:
    # A vertex of a degenerate face is degenerate: it lies in at least as many more walls as its
    # codimension is larger. So only faces all of whose finite vertices may be are looked at.
    least = cell.dim - len(cell.lines)
    finite = sum(1 << i for i, v in enumerate(cell.vertices) if v[-1])
    suspect = sum(1 << i for i, v in enumerate(cell.vertices) if survey.may_be_degenerate(v, least))
    level = {(1 << len(cell.vertices)) - 1} if suspect else set()
    codimension = 0
    while level:
        below: set[int] = set()
        for face in sorted(level):
            look()
            if not face & finite & ~suspect:
                yield codimension, tuple(v for i, v in enumerate(cell.vertices) if face >> i & 1)
            sections = largest_sets({face & other for other in cell.on_facet} - {face, 0})
            below.update(section for section in sections if section & suspect)
        level, codimension = below, codimension + 1


def _without_lines(cell: Polyhedron) -> Polyhedron:
    """Return a cell with vertices in the same coordinate plane for all cells with the same lines."""
    vertices = cell.vertices
    for line in flat_of(cell.lines):
        column = next(k for k, x in enumerate(line) if x)
        vertices = tuple(reduced(eliminated(vertex, line, column)) for vertex in vertices)
    return replace(cell, vertices=vertices)


def _corners(ring: Ring) -> list[Vertex]:
    """Return the finite vertices; a point that only stands between the two ends of a line is none."""
    return [v for before, v, after in _triples(ring) if v[-1] and (len(ring) == 2 or turn(before, v, after))]


def _edges(ring: Ring) -> list[Ring]:
    """Return the edges of a polygon that are not at infinity, none for an interval; whole lines in one."""
    if len(ring) == 2:
        return []
    # Only whole lines have points inside an edge, see `ring_of`.
    between = {v for before, v, after in _triples(ring) if v[-1] and not turn(before, v, after)}
    found: list[Ring] = []
    for p, q, r in zip(ring, (*ring[1:], ring[0]), (*ring[2:], *ring[:2]), strict=True):
        if p not in between and (p[-1] or q[-1]):
            found.append((p, q, r) if q in between else (p, q))
    return found


def _triples(ring: Ring) -> Iterator[Ring]:
    return zip((ring[-1], *ring), ring, (*ring[1:], ring[0]), strict=False)


def _middle(corners: tuple[Vertex, ...]) -> tuple[Fraction, ...]:
    """Return a point in the relative interior of the hull of some vertices."""
    total = [Fraction(0)] * len(corners[0])
    for vertex in corners:
        scale = vertex[-1] or max(map(abs, vertex))
        total = [t + Fraction(x, scale) for t, x in zip(total, vertex, strict=True)]
    return tuple(x / total[-1] for x in total[:-1])


def _names(codimension: int, d: int) -> tuple[str, str]:
    """Return what a face is called, one and many."""
    known = {0: ("region", "regions"), d: ("vertex", "vertices")}
    if codimension in known:
        return known[codimension]
    if codimension == 1:
        return "facet", "facets"
    return f"face of codimension {codimension}", f"faces of codimension {codimension}"


def _described(walls: tuple[FacetId, ...]) -> str:
    words = []
    for layer, unit, low, high in walls[:8]:
        words.append(
            f"side {unit} of the domain" if layer == -1 else f"unit {unit} of layer {layer} ({low}|{high})"
        )
    if len(walls) > 8:
        words.append(f"{len(walls) - 8} more")
    return f"{len(walls)} wall{'s' if len(walls) > 1 else ''}: {', '.join(words)}"
