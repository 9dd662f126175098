"""Which walls meet at a point: possible ones in floating point, certain ones in integers.

What holds at a point is a set of *contacts*. A scalar unit at a breakpoint and a side of the
domain are a contact each, named like a facet. A tie between pieces of a maxout unit is one contact
``(layer, unit, piece, piece)`` for each tied piece, so that what holds on an edge is the
intersection of what holds at its ends: a piece that is tied at one end only drops out.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from plnet.geometry.cells import FacetId, Vertex
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF, apply_with_error
from plnet.regions.problem import Problem

__all__ = ["Contacts", "exact_contacts", "possible_contacts", "walls_of"]

Contacts = frozenset[FacetId]


def walls_of(contacts: Contacts) -> tuple[FacetId, ...]:
    """Return independent walls that contacts stand for, sorted; s tied pieces give s - 1 walls."""
    ties: dict[tuple[int, int], list[int]] = {}
    found = []
    for layer, unit, low, high in contacts:
        if layer >= 0 and low == high:
            ties.setdefault((layer, unit), []).append(low)
        else:
            found.append((layer, unit, low, high))
    for (layer, unit), pieces in ties.items():
        found += [(layer, unit, low, high) for low, high in pairwise(sorted(pieces))]
    return tuple(sorted(found))


def exact_contacts(problem: Problem, prefix: tuple[np.ndarray, ...], vertex: Vertex) -> Contacts:
    """Return what holds at a vertex of a region, exactly.

    Parameters
    ----------
    problem : Problem
    prefix : tuple of ndarray
        Pieces of all units in the region.
    vertex : Vertex
        Homogeneous coordinates; a direction stands for the point at infinity.
    """
    found = set(_domain_walls(problem, vertex))
    for depth, block in enumerate(problem.blocks):
        forms, layer = problem.forms(prefix[:depth]), block.nonlinear
        values = forms.integers.dot(np.array(vertex, dtype=object)).tolist()
        scale = forms.denominator * vertex[-1]
        if isinstance(layer, GroupMax):
            for unit, members in enumerate(layer.groups.tolist()):
                best = max(values[member] for member in members)
                found |= _ties(depth, unit, members, [values[member] == best for member in members])
            continue
        for unit, piece in _breakpoints(layer):
            top, bottom = float(layer.breakpoints[unit, piece]).as_integer_ratio()
            if values[unit] * bottom == top * scale:
                found.add((depth, unit, piece, piece + 1))
    return frozenset(found)


def possible_contacts(problem: Problem, vertices: list[Vertex]) -> list[Contacts]:
    """Return a superset of what holds at each of some finite vertices.

    One floating-point pass of the network over all vertices, with a running error bound.
    """
    found: list[set[FacetId]] = [set(_domain_walls(problem, vertex)) for vertex in vertices]
    values, radius = _inputs(problem, vertices)
    depth = 0
    for layer in problem.network.layers:
        if isinstance(layer, ScalarPWL):
            for piece in range(layer.breakpoints.shape[1]):
                distance = np.abs(values - layer.breakpoints[:, piece])
                # Written so that a NaN counts as a candidate; the padding is infinitely far away.
                far = distance * (1 - 2 * UNIT_ROUNDOFF) > radius
                for row, unit in np.argwhere(~far & (layer.n_pieces > piece + 1)).tolist():
                    found[row].add((depth, unit, piece, piece + 1))
        elif isinstance(layer, GroupMax):
            grouped, reach = values[:, layer.groups], radius[:, layer.groups]
            least = (grouped - reach).max(axis=2, keepdims=True)
            slack = 4 * UNIT_ROUNDOFF * (np.abs(grouped) + reach + np.abs(least))
            near = ~(grouped + reach + slack < least)
            for row, unit in np.argwhere(near.sum(axis=2) > 1).tolist():
                found[row] |= _ties(depth, unit, layer.groups[unit].tolist(), near[row, unit].tolist())
        depth += not isinstance(layer, Affine)
        values, radius = apply_with_error(layer, values, radius)
    return [frozenset(walls) for walls in found]


def _inputs(problem: Problem, vertices: list[Vertex]) -> tuple[np.ndarray, np.ndarray]:
    """Return the network's inputs at finite vertices, each rounded once, and the error of that."""
    rows, denominator = problem.chart.embedding.integers.tolist(), problem.chart.embedding.denominator
    flat = []
    for vertex in vertices:
        scale = denominator * vertex[-1]
        flat += [_rounded(sum(a * x for a, x in zip(row, vertex, strict=True)), scale) for row in rows]
    values = np.array(flat, dtype=np.float64).reshape(len(vertices), len(rows))
    return values, np.abs(values) * 2 * UNIT_ROUNDOFF + 2.0**-1070


def _rounded(top: int, bottom: int) -> float:
    try:
        return top / bottom
    except OverflowError:
        return float("nan")  # Leaves the decision to exact arithmetic.


def _domain_walls(problem: Problem, vertex: Vertex) -> list[FacetId]:
    """Return the sides of the domain at a vertex; a redundant inequality is no side."""
    cell = problem.root
    return [
        facet
        for facet, form in zip(cell.facets, cell.forms, strict=True)
        if facet[0] == -1 and sum(a * x for a, x in zip(form, vertex, strict=True)) == 0
    ]


def _breakpoints(layer: ScalarPWL) -> list[tuple[int, int]]:
    return [(unit, piece) for unit, n in enumerate(layer.n_pieces.tolist()) for piece in range(n - 1)]


def _ties(depth: int, unit: int, members: list[int], tied: list[bool]) -> set[FacetId]:
    """Return the contacts of tied pieces; repeated members are one piece, the last."""
    pieces = {member: piece for piece, member in enumerate(members) if tied[piece]}.values()
    return {(depth, unit, piece, piece) for piece in pieces} if len(pieces) > 1 else set()
