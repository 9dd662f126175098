"""Facets of single regions: exact cells and half-spaces from what the engines recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plnet.geometry.cells import Cell, FacetId, Form, signs, split
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.regions.leaves import LeafArrays
from plnet.regions.problem import Problem

__all__ = [
    "HalfSpaces",
    "cell_from_facets",
    "exact_cell",
    "facet_form",
    "halfspaces",
    "proper_vertices",
    "wall_form",
]


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


def proper_vertices(leaves: LeafArrays, i: int) -> np.ndarray:
    """Return the homogeneous vertices of region i without points inside an edge, shape (k, d + 1)."""
    begin, end = leaves.starts[i], leaves.starts[i + 1]
    rows, facets = leaves.vertices[begin:end], leaves.facets[begin:end]
    if rows.shape[1] == 2:
        return rows
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
) -> Cell:
    """Return the exact cell cut out of the domain by facets with the side (1 or -1) to keep."""
    cell = problem.root
    for facet, side in facets:
        form = facet_form(problem, prefix, facet)
        at = signs(form, cell)
        if -side in at:
            cell = split(cell, form, facet, at)[side > 0]
    return cell


def exact_cell(problem: Problem, leaves: LeafArrays, i: int) -> Cell:
    """Return region i in exact homogeneous integers."""
    prefix = tuple(problem.network.pieces_of(leaves.patterns[i]))
    return cell_from_facets(problem, _sided_facets(problem, leaves, i, prefix), prefix)


def _sided_facets(
    problem: Problem, leaves: LeafArrays, i: int, prefix: tuple[np.ndarray, ...]
) -> list[tuple[FacetId, int]]:
    """Return the facets of region i and the side of each on which the region lies."""
    found: dict[FacetId, int] = {}
    for row in leaves.facets[leaves.starts[i] : leaves.starts[i + 1]].tolist():
        layer, unit, low, high = row
        if layer == -2:
            continue
        side = 1 if layer == -1 or prefix[layer][unit] >= high else -1
        found[layer, unit, low, high] = side
    return list(found.items())


def halfspaces(problem: Problem, leaves: LeafArrays, i: int) -> HalfSpaces:
    """Return the half-spaces of region i, each row scaled to length 1 and rounded once."""
    prefix = tuple(problem.network.pieces_of(leaves.patterns[i]))
    rows, facets = [], []
    for facet, side in _sided_facets(problem, leaves, i, prefix):
        form = facet_form(problem, prefix, facet)
        scale = side * max(abs(x) for x in form[:-1])
        row = np.array([x / scale for x in form])
        rows.append(row / np.linalg.norm(row[:-1]))
        facets.append(facet)
    table = np.array(rows).reshape(len(rows), problem.dim + 1)
    return HalfSpaces(-table[:, :-1], table[:, -1], tuple(facets))
