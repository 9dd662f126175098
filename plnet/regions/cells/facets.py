"""Facets of single regions: exact cells and half-spaces from what the engines recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from plnet.budgets import STOPS, look
from plnet.geometry.cells import AnyCell, FacetId, Form, signs, split
from plnet.geometry.exact import RationalMatrix
from plnet.geometry.homogeneous import Vertex, lines_within
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.regions.control import Control
from plnet.regions.leaves import LeafArrays, LeafStore, rounded_vertex
from plnet.regions.problem import Problem

__all__ = [
    "HalfSpaces",
    "cell_from_facets",
    "cell_from_pattern",
    "common_lines",
    "exact_cell",
    "facet_form",
    "halfspaces",
    "proper_vertices",
    "wall_form",
    "walls_of_pattern",
    "with_vertices",
]


def with_vertices(problem: Problem, leaves: LeafArrays, control: Control | None = None) -> LeafArrays:
    """Return regions of which only points are known with their vertices and facets, from exact cells.

    Costs one exact cell for each region, some milliseconds. With a control what is done is returned if the
    time is up first, and the control says so.
    """
    if leaves.has_vertices:
        return leaves
    store = LeafStore(problem.network, problem.dim)
    try:
        for i, pattern in enumerate(leaves.patterns):
            store.add_cell(pattern, exact_cell(problem, leaves, i))
    except STOPS as stop:
        if control is None:
            raise
        control.stopped(stop)
    return store.arrays()


def common_lines(problem: Problem) -> np.ndarray:
    """Return the lines of the domain along which nothing changes, as directions of shape (l, d).

    Costs one exact elimination of the sides of the domain and the forms of the first layer.
    """
    d = problem.dim
    lines: list[Vertex] = [tuple(int(i == j) for j in range(d + 1)) for i in range(d)]
    rows = problem.chart.facets.integers.tolist()
    if problem.blocks:
        rows += problem.forms(()).integers.tolist()
    for row in rows:
        look()
        lines = lines_within(lines, tuple(row))
    return np.array([rounded_vertex(line)[:-1] for line in lines]).reshape(len(lines), d)


@dataclass(frozen=True, eq=False)
class HalfSpaces:
    """The irredundant half-spaces ``A t <= b`` of a region.

    Parameters
    ----------
    A : ndarray, shape (f, d)
    b : ndarray, shape (f,)
    facets : tuple of (layer, unit, lower piece, higher piece)
        The unit whose wall the facet is; layer -1 stands for facet `unit` of the domain.
    """

    A: np.ndarray
    b: np.ndarray
    facets: tuple[FacetId, ...]

    def __len__(self) -> int:
        return len(self.facets)


def proper_vertices(problem: Problem, leaves: LeafArrays, i: int) -> np.ndarray:
    """Return the homogeneous vertices of region i without points inside an edge, shape (k, d + 1)."""
    if not leaves.has_vertices:
        return np.array([rounded_vertex(vertex) for vertex in exact_cell(problem, leaves, i).vertices])
    begin, end = leaves.starts[i], leaves.starts[i + 1]
    rows = leaves.vertices[begin:end]
    if rows.shape[1] != 3:
        return rows
    facets = leaves.facets[begin:end]
    before = np.roll(facets, 1, axis=0)
    inside_edge = (facets == before).all(axis=1)
    return rows[~inside_edge]


def facet_form(problem: Problem, prefix: tuple[np.ndarray, ...], facet: FacetId) -> Form:
    """Return the exact form of a facet, positive on the side of the higher piece or inside the domain."""
    layer, unit, low, high = facet
    if layer == -1:
        return tuple(problem.chart.facets.integers[unit].tolist())
    return wall_form(problem.blocks[layer].nonlinear, problem.forms(prefix[:layer]), unit, low, high)


def wall_form(nonlinear: ScalarPWL | GroupMax, forms: RationalMatrix, unit: int, low: int, high: int) -> Form:
    """Return the exact form of a wall of a layer, positive on the side of the higher piece."""
    if isinstance(nonlinear, GroupMax):
        members = nonlinear.groups[unit]
        difference = forms.integers[members[high]] - forms.integers[members[low]]
        return tuple(difference.tolist())
    numerator, denominator = float(nonlinear.breakpoints[unit, low]).as_integer_ratio()
    row = [x * denominator for x in forms.integers[unit].tolist()]
    row[-1] -= numerator * forms.denominator
    return tuple(row)


def cell_from_facets(
    problem: Problem, facets: list[tuple[FacetId, int]], prefix: tuple[np.ndarray, ...]
) -> AnyCell:
    """Return the exact cell cut out of the domain by facets with the side (1 or -1) to keep."""
    cell = problem.root
    for facet, side in facets:
        look()
        form = facet_form(problem, prefix, facet)
        at = signs(form, cell)
        if -side in at:
            cell = split(cell, form, facet, at)[side > 0]
    return cell


def cell_from_pattern(problem: Problem, prefix: tuple[np.ndarray, ...]) -> AnyCell:
    """Return the exact cell on which all units are in the given pieces, from every wall in turn."""
    return cell_from_facets(problem, list(walls_of_pattern(problem, prefix)), prefix)


def walls_of_pattern(problem: Problem, prefix: tuple[np.ndarray, ...]) -> Iterator[tuple[FacetId, int]]:
    """Yield the walls of all units next to their pieces, and the side on which the region lies."""
    for depth, (block, pieces) in enumerate(zip(problem.blocks, prefix, strict=True)):
        layer = block.nonlinear
        for unit, piece in enumerate(pieces.tolist()):
            if isinstance(layer, GroupMax):
                members = layer.groups[unit].tolist()
                others = {index: p for p, index in enumerate(members) if index != members[piece]}
                for other in others.values():
                    yield (depth, unit, min(piece, other), max(piece, other)), 1 if piece > other else -1
                continue
            if piece > 0:
                yield (depth, unit, piece - 1, piece), 1
            if piece < int(layer.n_pieces[unit]) - 1:
                yield (depth, unit, piece, piece + 1), -1


def exact_cell(problem: Problem, leaves: LeafArrays, i: int) -> AnyCell:
    """Return region i in exact homogeneous integers."""
    prefix = tuple(problem.network.pieces_of(leaves.patterns[i]))
    if not leaves.has_vertices:
        return cell_from_pattern(problem, prefix)
    return cell_from_facets(problem, _sided_facets(leaves, i, prefix), prefix)


def _sided_facets(leaves: LeafArrays, i: int, prefix: tuple[np.ndarray, ...]) -> list[tuple[FacetId, int]]:
    """Return the facets of region i and the side of each on which the region lies."""
    rows = leaves.facets[leaves.facet_rows[i] : leaves.facet_rows[i + 1]].tolist()
    return _with_sides([(layer, unit, low, high) for layer, unit, low, high in rows], prefix)


def _with_sides(facets: Sequence[FacetId], prefix: tuple[np.ndarray, ...]) -> list[tuple[FacetId, int]]:
    found: dict[FacetId, int] = {}
    for layer, unit, low, high in facets:
        if layer != -2:
            found[layer, unit, low, high] = 1 if layer == -1 or prefix[layer][unit] >= high else -1
    return list(found.items())


def halfspaces(problem: Problem, leaves: LeafArrays, i: int) -> HalfSpaces:
    """Return the half-spaces of region i, each row scaled to length 1 and rounded once."""
    prefix = tuple(problem.network.pieces_of(leaves.patterns[i]))
    if leaves.has_vertices:
        sided = _sided_facets(leaves, i, prefix)
    else:
        sided = _with_sides(exact_cell(problem, leaves, i).facets, prefix)
    rows, facets = [], []
    for facet, side in sided:
        form = facet_form(problem, prefix, facet)
        scale = side * max(abs(x) for x in form[:-1])
        row = np.array([x / scale for x in form])
        rows.append(row / np.linalg.norm(row[:-1]))
        facets.append(facet)
    table = np.array(rows).reshape(len(rows), problem.dim + 1)
    return HalfSpaces(-table[:, :-1], table[:, -1], tuple(facets))
