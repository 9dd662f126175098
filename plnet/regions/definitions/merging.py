"""Merging cells with equal maps into fewer convex cells that still meet face to face."""

from __future__ import annotations

from dataclasses import dataclass

from plnet.budgets import look
from plnet.geometry.homogeneous import Form, Vertex, value
from plnet.regions.cells.bodies import faces_of, generators_on
from plnet.regions.definitions.tiling import OUTSIDE, Tiling

__all__ = ["merged_parts"]

Edge = tuple[int, int]
"""A facet between two cells, the lower index first; two cells of a complex share at most one."""

Ridge = frozenset[Vertex]
"""The generators of a face of codimension two."""


@dataclass(frozen=True)
class _Spoke:
    """A facet at a ridge: its form, positive in the cell that follows, and a point of it."""

    edge: Edge
    form: Form
    point: Vertex


def merged_parts(tiling: Tiling, components: list[int]) -> list[int]:
    """Return the part that each cell is merged into, greedily.

    Parameters
    ----------
    tiling : Tiling
    components : list of int
        Cells may be merged only if these numbers are equal.

    Notes
    -----
    A facet is taken away together with all facets that must go with it in every complex that lacks it
    and those that are gone already, or not at all. What is impossible stays impossible, so one pass over
    all facets is enough. If the components themselves form a complex, they are what is returned.
    """
    fans = _Fans(tiling)
    removable = {
        (i, j) for i, row in enumerate(tiling.behind) for j in row if i < j and components[i] == components[j]
    }
    removed: set[Edge] = set()
    for edge in sorted(removable):
        look()
        if edge not in removed:
            removed |= _needed(fans, edge, removable, removed)
    return _joined(len(tiling.bodies), removed)


def _needed(fans: _Fans, first: Edge, removable: set[Edge], removed: set[Edge]) -> set[Edge]:
    """Return all facets that must go with one; none if one of them has to stay."""
    going, pending = {first}, [first]
    while pending:
        edge = pending.pop()
        for ridge in fans.ridges_of(edge):
            around = fans.around(ridge, edge[0])
            left = [s for s in around if s.edge not in removed and s.edge not in going]
            forced = _forced(left)
            if not forced <= removable:
                return set()
            pending += forced - going
            going |= forced
    return going


def _forced(spokes: list[_Spoke]) -> set[Edge]:
    """Return the facets around a ridge that cannot stay, given those that are left in cyclic order."""
    everything = {spoke.edge for spoke in spokes}
    if len(spokes) == 1:
        return everything
    straight: set[Edge] = set()
    for spoke, following in zip(spokes, spokes[1:] + spokes[:1], strict=True):
        turn = value(spoke.form, following.point)
        if turn < 0:
            return everything
        if turn == 0:
            straight |= {spoke.edge, following.edge}
    return everything - straight if straight else set()


def _joined(size: int, edges: set[Edge]) -> list[int]:
    parent = list(range(size))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in edges:
        parent[root(i)] = root(j)
    return [root(i) for i in range(size)]


class _Fans:
    """The facets around each ridge, in cyclic order, found on demand."""

    def __init__(self, tiling: Tiling) -> None:
        self._tiling = tiling
        self._around: dict[Ridge, list[_Spoke]] = {}
        self._at: dict[int, dict[Ridge, tuple[int, int]]] = {}

    def ridges_of(self, edge: Edge) -> list[Ridge]:
        """Return the ridges of the facet between two cells."""
        i, j = edge
        k = self._tiling.behind[i].index(j)
        return [ridge for ridge, pair in self._facets_at(i).items() if k in pair]

    def around(self, ridge: Ridge, start: int) -> list[_Spoke]:
        """Return the facets around a ridge of a cell; none if it lies on the boundary of the domain."""
        if ridge not in self._around:
            self._around[ridge] = self._walk(ridge, start)
        return self._around[ridge]

    def _facets_at(self, i: int) -> dict[Ridge, tuple[int, int]]:
        """Return the ridges of a cell, and its two facets at each."""
        if i not in self._at:
            body = self._tiling.bodies[i]
            # A face of codimension two lies on two facets, all smaller ones on more.
            ridges = [face for face in faces_of(body) if face.bit_count() == 2]
            self._at[i] = {frozenset(generators_on(body, face)): _two_bits(face) for face in ridges}
        return self._at[i]

    def _walk(self, ridge: Ridge, start: int) -> list[_Spoke]:
        spokes: list[_Spoke] = []
        i, leaving = start, self._facets_at(start)[ridge][0]
        while not spokes or i != start:
            j = self._tiling.behind[i][leaving]
            if j == OUTSIDE:
                return []
            pair, entered = self._facets_at(j)[ridge], self._tiling.behind[j].index(i)
            body = self._tiling.bodies[j]
            point = tuple(map(sum, zip(*generators_on(body, 1 << entered), strict=True)))
            spokes.append(_Spoke((min(i, j), max(i, j)), body.forms[entered], point))
            i, leaving = j, pair[0] if pair[1] == entered else pair[1]
        return spokes


def _two_bits(mask: int) -> tuple[int, int]:
    low = mask & -mask
    return low.bit_length() - 1, (mask ^ low).bit_length() - 1
