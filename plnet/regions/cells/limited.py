"""Exact cells of all regions, or a clear refusal where they have too many vertices to list."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from plnet.errors import DimensionError
from plnet.geometry.cells import AnyCell, Cell, signs, split
from plnet.geometry.homogeneous import AT_INFINITY, Vertex, value
from plnet.regions.cells.facets import exact_cell, facet_form, walls_of_pattern
from plnet.regions.cells.measure import homogeneous_point
from plnet.regions.cells.rings import ring_of
from plnet.regions.leaves import LeafArrays
from plnet.regions.problem import Problem

__all__ = [
    "MOST_VERTICES",
    "exact_cells",
    "limited_cell",
    "orthant_parts",
    "points_of",
    "short_interior_point",
]

MOST_VERTICES = 5000
"""Number of vertices from which the exact cell of one region is refused."""


def exact_cells(problem: Problem, leaves: LeafArrays, what: str) -> Iterator[AnyCell]:
    """Yield the exact cell of each region.

    Parameters
    ----------
    problem : Problem
    leaves : LeafArrays
    what : str
        What needs them, for the message.

    Raises
    ------
    DimensionError
        If a region has more than `MOST_VERTICES` vertices, or may have them on its way.
    """
    for i in range(len(leaves.patterns)):
        yield limited_cell(problem, leaves, i, what)


def limited_cell(problem: Problem, leaves: LeafArrays, i: int, what: str) -> AnyCell:
    """Return the exact cell of region i; refuses as `exact_cells` does."""
    if leaves.has_vertices:
        return exact_cell(problem, leaves, i)
    prefix = tuple(problem.network.pieces_of(leaves.patterns[i]))
    cell = problem.root
    for facet, side in walls_of_pattern(problem, prefix):
        form = facet_form(problem, prefix, facet)
        at = signs(form, cell)
        if -side in at:
            cell = split(cell, form, facet, at)[side > 0]
        if len(cell.vertices) > MOST_VERTICES:
            raise DimensionError(
                f"{what} needs the exact vertices of regions, and region {i} of this complex of "
                f"dimension {problem.dim} leads to more than {MOST_VERTICES}. Expected a smaller dimension: "
                "take a Slice of the domain, or a network with fewer inputs."
            )
    return cell


def orthant_parts(cell: AnyCell) -> list[AnyCell]:
    """Cut a cell along the coordinate hyperplanes; no part contains a line."""
    parts = [cell]
    for axis in range(cell.dim):
        form = tuple(int(k == axis) for k in range(cell.dim + 1))
        cut: list[AnyCell] = []
        for part in parts:
            at = signs(form, part)
            cut += split(part, form, AT_INFINITY, at) if 1 in at and -1 in at else (part,)
        parts = cut
    return parts


def points_of(cell: AnyCell) -> tuple[Vertex, ...]:
    """Return the vertices and extreme directions of a cell without lines, in order for d <= 2."""
    return ring_of(cell) if isinstance(cell, Cell) else cell.vertices


def short_interior_point(cell: AnyCell) -> tuple[Fraction, ...]:
    """Return a rational point in the interior of a cell, one with short numbers if possible."""
    exact = cell.witness()
    try:
        rounded = tuple(Fraction(float(x)) for x in exact)
    except OverflowError:
        return exact
    before, after = homogeneous_point(exact), homogeneous_point(rounded)
    inside = all(value(form, before) * value(form, after) > 0 for form in cell.forms)
    return rounded if inside else exact
