"""The vertices of the graph of a max-affine function over a bounded domain."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, islice

import numpy as np
from scipy.spatial import HalfspaceIntersection, QhullError

from plnet.budgets import Deadline
from plnet.geometry.cells import domain_cell, signs, split
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.geometry.homogeneous import Vertex, reduced
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.targets.fit_problem import FitProblem

__all__ = ["FloatGraph", "clipped_graph", "exact_graph_vertices", "float_graph", "tight_rows"]

_CUT_SECONDS = 2e-4
"""Seconds of a cut for each vertex that there is, about."""
_BASES = 12
"""Most choices of d + 1 constraints at one vertex."""


def exact_graph_vertices(
    function: MaxAffine, chart: Chart, deadline: Deadline | None = None
) -> list[tuple[list[Fraction], Fraction]]:
    """Return the vertices (t, g(t)) of the graph of g over a bounded domain, in exact rationals.

    They are the vertices of the polyhedron of all points above the graph. A convex function minus g is
    greatest at one of them, because it is convex on each linear piece of g.

    Parameters
    ----------
    function : MaxAffine
    chart : Chart
    deadline : Deadline, optional
        When it has passed, the graph is that of the first pieces of g, which lies below g.

    Notes
    -----
    One cut for each piece and facet (double description), all in integers.
    """
    forms, facets = function.forms, chart.facets
    d = chart.dim
    rows = [[*row[:-1], 0, row[-1]] for row in facets.integers.tolist()]
    for row in forms.integers.tolist():
        rows.append([*(-x for x in row[:-1]), forms.denominator, -row[-1]])
    first = len(facets.integers) + (1 if deadline is not None and d > 1 else function.pieces)
    flat = [entry for row in rows[:first] for entry in row]
    cell = domain_cell(RationalMatrix(object_array(flat, (first, d + 2)), 1))
    for number, row in enumerate(rows[first:], first):
        assert deadline is not None
        if _would_pass(deadline, len(cell.vertices)):
            break
        form = reduced(tuple(row))
        at = signs(form, cell)
        if -1 in at:
            cell = split(cell, form, (-1, number, -1, -1), at)[1]
    found = [_point(vertex) for vertex in cell.vertices if vertex[-1] > 0]
    if d > 1:
        return found
    # An unbounded cell of the plane may carry points on its vertical sides that are no vertices.
    lowest: dict[Fraction, Fraction] = {}
    for (place,), height in found:
        lowest[place] = min(height, lowest.get(place, height))
    return [([place], height) for place, height in lowest.items()]


def _would_pass(deadline: Deadline, vertices: int) -> bool:
    """Whether the time is up, or would be after one more cut."""
    left = deadline.left()
    return deadline.passed or (left is not None and left < _CUT_SECONDS * vertices)


def _point(vertex: Vertex) -> tuple[list[Fraction], Fraction]:
    return [Fraction(x, vertex[-1]) for x in vertex[:-2]], Fraction(vertex[-2], vertex[-1])


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """Vertices of the graph in floating point, each with d + 1 of the constraints that meet there.

    A vertex where more of them meet stands there several times, once for each choice.

    Parameters
    ----------
    points : ndarray, shape (v, d)
    heights : ndarray, shape (v,)
    tight : ndarray of int, shape (v, d + 1)
        Piece i is i, facet j of the domain is k + j.
    """

    points: np.ndarray
    heights: np.ndarray
    tight: np.ndarray


def float_graph(
    slopes: np.ndarray, offsets: np.ndarray, facets: np.ndarray, middle: np.ndarray
) -> FloatGraph:
    """Return the vertices of the graph of max_i slopes[i] . t + offsets[i] over ``facets @ (t, 1) >= 0``.

    Parameters
    ----------
    slopes : ndarray, shape (k, d)
    offsets : ndarray, shape (k,)
    facets : ndarray, shape (f, d + 1)
    middle : ndarray, shape (d,)
        A point inside the domain.

    Raises
    ------
    scipy.spatial.QhullError
        If the pieces are too close to each other for floating point.
    """
    k, d = slopes.shape
    level = float((slopes @ middle + offsets).max())
    # One affine function is taken away, and heights are scaled, so that qhull sees numbers near 1.
    tilt = slopes.mean(axis=0)
    steep = float(np.abs(slopes - tilt).max()) or 1.0
    extent = float(np.max(facets[:, :-1] @ middle + facets[:, -1])) or 1.0
    slopes = (slopes - tilt) / steep
    offsets = (offsets - level + tilt @ middle) / steep + slopes @ middle
    walls = np.column_stack(
        [-facets[:, :-1], np.zeros(len(facets)), -(facets[:, :-1] @ middle + facets[:, -1])]
    )
    pieces = np.column_stack([slopes, -np.ones(k), offsets])
    top = 4.0 * extent * d + 1.0 + float(np.abs(offsets).max())
    lid = np.concatenate([np.zeros(d), [1.0, -2.0 * top]])
    inside = np.concatenate([np.zeros(d), [top]])
    found = HalfspaceIntersection(np.vstack([pieces, walls, lid]), inside)
    rows = [
        (vertex, basis)
        for vertex, names in enumerate(found.dual_facets)
        if max(names) < k + len(facets)
        for basis in islice(combinations(names, d + 1), _BASES)
    ]
    points = found.intersections[[vertex for vertex, _ in rows]]
    heights = points[:, -1] * steep + level + points[:, :-1] @ tilt
    tight = np.array([basis for _, basis in rows], dtype=np.int64).reshape(-1, d + 1)
    return FloatGraph(points[:, :-1] + middle, heights, tight)


def clipped_graph(
    problem: FitProblem, slopes: np.ndarray, offsets: np.ndarray
) -> tuple[FloatGraph, np.ndarray, np.ndarray] | None:
    """Return the graph of g over the domain, its vertices moved into the domain, and f - g there.

    None where the pieces are too close to each other for floating point.
    """
    try:
        graph = float_graph(slopes, offsets, problem.facets, problem.middle)
    except QhullError:
        return None
    if not len(graph.points):
        return None
    places = problem.clipped(graph.points, np.broadcast_to(problem.middle, graph.points.shape))
    return graph, places, problem.value(places) - (places @ slopes.T + offsets).max(axis=1)


def tight_rows(problem: FitProblem, slopes: np.ndarray, tight: np.ndarray) -> np.ndarray:
    """Return the rows ``[slope | 1]`` of pieces and ``[normal | 0]`` of facets, shape (v, d + 1, d + 1).

    Parameters
    ----------
    problem : FitProblem
    slopes : ndarray, shape (k, d)
    tight : ndarray of int, shape (v, d + 1)
        As in `FloatGraph`.
    """
    k, d = slopes.shape
    is_piece = tight < k
    rows = np.empty((*tight.shape, d + 1))
    rows[..., :d] = np.where(
        is_piece[..., None],
        slopes[np.where(is_piece, tight, 0)],
        problem.facets[np.where(is_piece, 0, tight - k), :-1],
    )
    rows[..., d] = is_piece
    return rows
