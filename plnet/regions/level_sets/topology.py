"""The shape of a polyhedral set: components, Euler characteristic, Betti numbers, size."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import rational
from plnet.geometry.homogeneous import Vertex
from plnet.geometry.linear import rank
from plnet.regions.cells.face_lattice import (
    CornerCell,
    Face,
    facets_of_face,
    is_bounded_face,
    simplices_of_face,
)
from plnet.regions.data import RegionData

__all__ = ["Components", "Part", "Topology", "face_dimension", "face_size", "topology"]


@dataclass(frozen=True, eq=False)
class Part:
    """A face of a cell that belongs to the set and to no larger face in it.

    Parameters
    ----------
    face : Face
    cell : CornerCell
        A cell of which it is a face.
    dim : int
        Its dimension.
    """

    face: Face
    cell: CornerCell
    dim: int


@dataclass(frozen=True)
class Topology:
    """The shape of a set.

    Parameters
    ----------
    component : tuple of int
        Number of the component that each part belongs to.
    closed : tuple of bool
        For each component: whether it is bounded and has no border, that is, it consists of parts of
        dimension d - 1 and each face of dimension d - 2 lies in an even number of them.
    euler_characteristic : int
        Alternating sum of the Betti numbers.
    betti : tuple of int or None, length d
        Betti numbers b_0 to b_(d-1); None between b_0 and b_(d-1) for d > 3, where they are
        not computed.
    """

    component: tuple[int, ...]
    closed: tuple[bool, ...]
    euler_characteristic: int
    betti: tuple[int | None, ...]

    @property
    def n_components(self) -> int:
        """Number of connected components."""
        return len(self.closed)


class Components:
    """Disjoint sets of anything hashable (union-find with path halving)."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        """Return the representative of the set of an item."""
        parent = self._parent
        parent.setdefault(item, item)
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, items: Iterable[Hashable]) -> None:
        """Put items into one set."""
        roots = [self.find(item) for item in items]
        for root in roots[1:]:
            self._parent[self.find(root)] = self.find(roots[0])

    def __len__(self) -> int:
        return sum(item == parent for item, parent in self._parent.items())


def face_dimension(face: Face, cell: CornerCell) -> int:
    """Return the dimension of a face of a cell."""
    look()
    return rank(rational(np.array(list(face), dtype=object))) - 1 + len(cell.lines)


def topology(parts: Sequence[Part], dim: int, n_complement: int) -> Topology:
    """Return the shape of a union of faces of a complex of dimension d.

    Parameters
    ----------
    parts : sequence of Part
        Faces of cells that meet face to face.
    dim : int
        Dimension d of the complex.
    n_complement : int
        Components of the complement of the set, after it was cut off at a large ball.

    Notes
    -----
    Cutting off at a large ball does not change the shape. Each unbounded face then gets an end
    of one dimension less, so both cancel in the Euler characteristic. By Alexander duality b_(d-1) is the
    number of components of the complement, less one.
    """
    found = Components()
    for part in parts:
        look()
        found.join(v for v in part.face if v[-1])
    roots = [found.find(next(v for v in part.face if v[-1])) for part in parts]
    number = {root: k for k, root in enumerate(dict.fromkeys(roots))}
    component = tuple(number[root] for root in roots)
    euler = _euler_characteristic(parts)
    betti = _betti(len(number), euler, dim, n_complement)
    return Topology(component, _closed(parts, component, len(number), dim), euler, betti)


def face_size(part: Part, complex_: RegionData) -> float:
    """Return the length, area or volume of a face in the input space; 1 for a point.

    It is inf if the face is unbounded, or too large for a float.
    """
    if part.dim == 0:
        return 1.0
    if part.cell.lines or not is_bounded_face(part.face):
        return math.inf
    total = 0.0
    exponent = max(max(map(abs, v[:-1])).bit_length() - v[-1].bit_length() for v in part.face)
    # Products of larger coordinates might leave the range of floats.
    shift = exponent if exponent > 200 else 0
    for simplex in simplices_of_face(part.face, part.cell.facets):
        edges = np.array([_difference(v, simplex[0], shift) for v in simplex[1:]])
        gram = edges @ complex_.chart.gram @ edges.T
        total += math.sqrt(max(float(np.linalg.det(gram)), 0.0))
    try:
        return math.ldexp(total / math.factorial(part.dim), shift * part.dim)
    except OverflowError:
        return math.inf


def _difference(v: Vertex, w: Vertex, shift: int) -> list[float]:
    """Return v - w over 2^shift, rounded once."""
    scale = v[-1] * w[-1] << shift
    return [(a * w[-1] - b * v[-1]) / scale for a, b in zip(v[:-1], w[:-1], strict=True)]


def _closure(parts: Sequence[Part]) -> dict[Face, int]:
    """Return all faces of all parts and their dimensions."""
    found: dict[Face, int] = {}
    for part in parts:
        look()
        level = {part.face}
        for k in range(part.dim, len(part.cell.lines) - 1, -1):
            level = {face for face in level if face not in found}
            found.update(dict.fromkeys(level, k))
            level = {facet for face in level for facet in facets_of_face(face, part.cell.facets)}
    return found


def _euler_characteristic(parts: Sequence[Part]) -> int:
    if not parts:
        return 0
    lines = len(parts[0].cell.lines)
    return sum((-1) ** (k - lines) for face, k in _closure(parts).items() if is_bounded_face(face))


def _betti(components: int, euler: int, dim: int, n_complement: int) -> tuple[int | None, ...]:
    if dim == 1:
        return (components,)
    top = n_complement - 1
    if dim == 2:
        return (components, top)
    if dim == 3:
        return (components, components + top - euler, top)
    return (components, *[None] * (dim - 2), top)


def _closed(parts: Sequence[Part], component: tuple[int, ...], size: int, dim: int) -> tuple[bool, ...]:
    if dim == 1:
        return (False,) * size
    closed = [True] * size
    times: Counter[Face] = Counter()
    owner: dict[Face, int] = {}
    for part, k in zip(parts, component, strict=True):
        if part.dim != dim - 1 or part.cell.lines or not is_bounded_face(part.face):
            closed[k] = False
            continue
        for ridge in facets_of_face(part.face, part.cell.facets):
            times[ridge] += 1
            owner[ridge] = k
    for ridge, n in times.items():
        if n % 2:
            closed[owner[ridge]] = False
    return tuple(closed)
