"""Exact volumes of many cells at once, in any dimension, bounded or not.

A cell is given by homogeneous integer points ``(X, W)``, W >= 0, and by sets of points, one for
each inequality that they all satisfy: the points where it is an equality.

Adding thousands of rational volumes one by one would need a denominator with millions of digits.
A volume is a sum over the oriented boundary, though, and a face between two cells enters with
both signs. So a sum of simplices is kept as its boundary, in which most faces cancel, and what
is left is treated in the same way within each of its hyperplanes, down to single points.

An unbounded cell has no volume. The map ``x -> x / (1 + |x_1| + ... + |x_d|)`` takes all of R^d
onto a bounded open set and sends straight lines to straight lines within each orthant, so the
volume of the image of a cell within one orthant is rational. It is the *measure* of a cell:
positive for full-dimensional cells, additive, hence as good as the volume for the proof that
nothing is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import factorial, gcd

from plnet.errors import DimensionError
from plnet.geometry.homogeneous import Vertex, reduced
from plnet.geometry.linear import determinant

__all__ = [
    "MOST_SIMPLICES",
    "Boundary",
    "add_simplices",
    "bounded_picture",
    "eliminated",
    "enclosed_volume",
    "flat_of",
    "homogeneous_point",
    "largest_sets",
    "triangulate",
]

MOST_SIMPLICES = 200_000
"""Number of simplices from which the exact volume of one cell is refused."""

Face = tuple[Vertex, ...]
Boundary = dict[Face, int]
"""Oriented simplices, their points ascending, and how often each is left after cancellation."""


def triangulate(points: int, sets: Iterable[int], d: int) -> list[tuple[int, ...]]:
    """Return simplices with disjoint interiors inside the hull of some points, ascending indices.

    By pulling: a face is the union of the cones from its first point over its facets without
    that point. If the points include all vertices of a polytope that the inequalities define,
    the simplices fill it. If some are missing, they still do not overlap: each step goes on to
    another face of the polytope, and of d + 1 such steps each loses exactly one dimension.

    Parameters
    ----------
    points : int
        Bit i stands for point i.
    sets : iterable of int
        For each inequality the points on it.
    d : int
        Dimension.

    Raises
    ------
    DimensionError
        If there are more than `MOST_SIMPLICES`.

    References
    ----------
    De Loera, Rambau and Santos (2010), Triangulations, section 4.3.2.
    """
    found: list[tuple[int, ...]] = []
    for simplex in _pulled(points, [one & points for one in set(sets)], d):
        found.append(simplex)
        if len(found) > MOST_SIMPLICES:
            raise DimensionError(
                f"The exact volume of a region of dimension {d} with {points.bit_count()} vertices needs "
                f"more than {MOST_SIMPLICES} simplices. Expected a smaller dimension; take a Slice."
            )
    return found


def _pulled(face: int, sets: list[int], depth: int) -> Iterator[tuple[int, ...]]:
    apex = face & -face
    first = apex.bit_length() - 1
    if depth == 0:
        yield (first,)
        return
    sections = largest_sets({face & other for other in sets} - {face, 0})
    for section in sections:
        if not section & apex and section.bit_count() >= depth:
            yield from ((first, *rest) for rest in _pulled(section, sections, depth - 1))


def largest_sets(sets: set[int]) -> list[int]:
    """Return the sets that are in no other one, in a fixed order."""
    found: list[int] = []
    for one in sorted(sets, key=lambda s: (-s.bit_count(), s)):
        if not any(one & other == one for other in found):
            found.append(one)
    return found


def bounded_picture(vertex: Vertex) -> Vertex:
    """Return the image of a homogeneous point under ``x -> x / (1 + |x_1| + ... + |x_d|)``."""
    return reduced((*vertex[:-1], sum(map(abs, vertex))))


def add_simplices(
    boundary: Boundary, points: Sequence[Vertex], simplices: Iterable[tuple[int, ...]]
) -> list[int]:
    """Add simplices to a sum of simplices that is kept as its boundary; return their determinants.

    Parameters
    ----------
    boundary : dict
        Changed in place.
    points : sequence of Vertex
        Finite and ascending.
    simplices : iterable of tuple of int
        Ascending indices of d + 1 points.

    Returns
    -------
    list of int
        Absolute values.
    """
    found = []
    for simplex in simplices:
        corners = tuple(points[i] for i in simplex)
        size = determinant(corners)
        if size:
            _add_boundary(boundary, corners, 1 if size > 0 else -1)
        found.append(abs(size))
    return found


def enclosed_volume(boundary: Boundary) -> Fraction:
    """Return the volume of a sum of simplices from its boundary."""
    if not boundary:
        return Fraction(0)
    d = len(next(iter(boundary)))
    return _balanced_sum(list(_terms((), boundary))) / factorial(d)


def homogeneous_point(point: tuple[Fraction, ...]) -> Vertex:
    """Return the smallest integers (X, W) of a rational point."""
    common = 1
    for x in point:
        common = common * x.denominator // gcd(common, x.denominator)
    return (*(x.numerator * (common // x.denominator) for x in point), common)


def _add_boundary(boundary: Boundary, corners: Face, times: int) -> None:
    for i in range(len(corners)):
        face = corners[:i] + corners[i + 1 :]
        left = boundary.get(face, 0) + (times if i % 2 == 0 else -times)
        if left:
            boundary[face] = left
        else:
            del boundary[face]


def _terms(apexes: Face, boundary: Boundary) -> Iterator[Fraction]:
    """Yield d! times the parts of a volume: cones from the apexes and one more point over a boundary.

    A sum of simplices and the cone over its boundary, from a point of the flat that it spans, have
    the same volume. So the faces in one flat of the boundary may be replaced by such a cone in turn.
    """
    if not boundary:
        return
    apex = min(face[0] for face in boundary)
    cone = (*apexes, apex)
    if len(next(iter(boundary))) == 1:
        for point, times in boundary.items():
            corners = cone + point
            yield Fraction(times * determinant(corners), _product(corners))
        return
    flats: dict[Face, Boundary] = defaultdict(dict)
    for face, times in boundary.items():
        flats[flat_of(face)][face] = times
    for flat, faces in flats.items():
        if flat_of((*flat, apex)) == flat:
            continue  # A cone from a point of the flat is flat.
        edge: Boundary = {}
        for face, times in faces.items():
            _add_boundary(edge, face, times)
        yield from _terms(cone, edge)


def flat_of(points: Sequence[Vertex]) -> Face:
    """Return the reduced echelon basis of the span of some points, which names it."""
    rows: list[Vertex] = []
    pivots: list[int] = []
    for point in points:
        rest = point
        for row, column in zip(rows, pivots, strict=True):
            rest = eliminated(rest, row, column)
        column = next((k for k, x in enumerate(rest) if x), None)
        if column is None:
            continue
        rest = rest if rest[column] > 0 else tuple(-x for x in rest)
        rows = [eliminated(row, rest, column) for row in rows]
        rows.append(rest)
        pivots.append(column)
    return tuple(sorted(rows, reverse=True))


def eliminated(vector: Vertex, row: Vertex, column: int) -> Vertex:
    """Return a positive multiple of the vector, plus one of the row, that is zero in a column."""
    if not vector[column]:
        return vector
    head, factor = row[column], vector[column]
    return reduced(tuple(head * x - factor * y for x, y in zip(vector, row, strict=True)))


def _product(corners: Face) -> int:
    out = 1
    for corner in corners:
        out *= corner[-1]
    return out


def _balanced_sum(terms: list[Fraction]) -> Fraction:
    """Add in a binary tree, so that few additions have large denominators."""
    if len(terms) <= 2:
        return sum(terms, Fraction(0))
    half = len(terms) // 2
    return _balanced_sum(terms[:half]) + _balanced_sum(terms[half:])
