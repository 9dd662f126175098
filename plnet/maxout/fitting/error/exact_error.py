"""The exact error of a max-affine function against a piecewise-linear target, in rationals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from plnet.geometry.cells import AnyCell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.geometry.homogeneous import AT_INFINITY, Form
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.error.graph import exact_graph_vertices
from plnet.maxout.fitting.results import ErrorBracket

__all__ = ["convex_error", "region_error"]

Point = tuple[Fraction, ...]
Region = tuple[AnyCell, Point]
"""A bounded cell and the affine map ``(gradient..., offset)`` of the target on it."""


def convex_error(target: MaxAffine, function: MaxAffine, chart: Chart) -> ErrorBracket:
    """Return the exact error of g against a max-affine f on a bounded domain.

    f - g is greatest at a vertex of g's graph and g - f at a vertex of f's graph.
    """
    below = _largest(target, exact_graph_vertices(function, chart))
    above = _largest(function, exact_graph_vertices(target, chart))
    return _bracket(below, above)


def region_error(regions: Sequence[Region], function: MaxAffine) -> ErrorBracket:
    """Return the exact error of g against a continuous piecewise-linear f, given by its regions.

    On a region g - f is convex, so it is greatest at a vertex of the region; f - g is concave there, and its
    maximum is at a vertex of the graph of g over the region.
    """
    below: tuple[Fraction, Point] | None = None
    above: tuple[Fraction, Point] | None = None
    for cell, form in regions:
        corners = [tuple(Fraction(x, v[-1]) for x in v[:-1]) for v in cell.vertices]
        heights = function(np.array(corners, dtype=object), exact=True)
        for point, height in zip(corners, heights, strict=True):
            excess = height - _affine(form, point)
            if above is None or excess > above[0]:
                above = excess, point
        for point, height in _graph_over(cell, function):
            excess = _affine(form, point) - height
            if below is None or excess > below[0]:
                below = excess, point
    assert below is not None
    assert above is not None
    return _bracket(below, above)


def _graph_over(cell: AnyCell, function: MaxAffine) -> Iterator[tuple[Point, Fraction]]:
    facets = RationalMatrix(*_inward(cell))
    chart = Chart(RationalMatrix(np.empty((0, cell.dim + 1), dtype=object)), facets, ())
    for point, height in exact_graph_vertices(function, chart):
        yield tuple(point), height


def _inward(cell: AnyCell) -> tuple[np.ndarray, int]:
    """Return the facets of a bounded cell as forms that are positive inside."""
    inside = cell.witness()
    rows: list[Form] = []
    for form, name in zip(cell.forms, cell.facets, strict=True):
        if name == AT_INFINITY:
            continue
        positive = _affine(tuple(map(Fraction, form)), inside) > 0
        rows.append(form if positive else tuple(-x for x in form))
    return object_array([x for row in rows for x in row], (len(rows), cell.dim + 1)), 1


def _affine(form: Sequence[Fraction], point: Sequence[Fraction]) -> Fraction:
    return sum((a * x for a, x in zip(form, point, strict=False)), form[-1])


def _largest(first: MaxAffine, vertices: list[tuple[list[Fraction], Fraction]]) -> tuple[Fraction, Point]:
    values = first(np.array([point for point, _ in vertices], dtype=object), exact=True)
    pairs = ((value - height, tuple(point)) for value, (point, height) in zip(values, vertices, strict=True))
    return max(pairs, key=lambda pair: pair[0])


def _bracket(below: tuple[Fraction, Point], above: tuple[Fraction, Point]) -> ErrorBracket:
    at = [np.array([float(x) for x in point]) for _, point in (below, above)]
    return ErrorBracket((below[0], below[0]), (above[0], above[0]), at[0], at[1])
