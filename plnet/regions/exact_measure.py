"""Exact lengths and areas of many cells at once, bounded or not.

A cell is a *ring*: its homogeneous integer vertices ``(X, W)``, W >= 0, two in ascending order
for d = 1, counter-clockwise for d = 2; W = 0 is a direction in which the cell is unbounded.

Adding thousands of rational areas one by one would need a denominator with millions of digits.
By Green's formula an area is a sum over directed edges, and an edge between two cells enters
with both directions. So equal edges are cancelled first, and what is left is short.

An unbounded cell has no volume. The map ``x -> x / (1 + |x_1| + ... + |x_d|)`` takes all of R^d
onto a bounded open set and sends straight lines to straight lines within each quadrant, so the volume of the
image is rational. It is the *measure* of a cell: positive for full-dimensional cells, additive,
hence as good as the volume for the proof that nothing is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from math import gcd

from plnet.geometry.cells import Cell, Vertex

__all__ = [
    "Faces",
    "Ring",
    "determinant",
    "homogeneous_point",
    "interior_point",
    "is_inside",
    "measure",
    "net_faces",
    "ring_of",
    "volume",
]

Ring = tuple[Vertex, ...]
Face = tuple[Vertex, ...]
Faces = dict[Face, int]
"""Vertices (d = 1) or directed edges (d = 2), and how often each is left after cancellation."""


def ring_of(cell: Cell) -> Ring:
    """Return the corners of a cell in ascending or counter-clockwise order."""
    vertices = [_primitive(v) for v in (cell.vertices if cell.facets else cell.vertices[:-1])]
    if cell.dim == 1:
        a, b = vertices
        return (a, b) if a[0] * b[1] < b[0] * a[1] or a == (-1, 0) else (b, a)
    triples = list(zip((vertices[-1], *vertices), vertices, (*vertices[1:], vertices[0]), strict=False))
    turn = next((t for triple in triples if (t := determinant(*triple))), 1)
    # A point inside an edge is kept only where it stands between the two ends of a whole line.
    corners = [v for p, v, q in triples if not (v[-1] and (p[-1] or q[-1])) or determinant(p, v, q)]
    return tuple(corners if turn > 0 else corners[::-1])


def determinant(p: Vertex, q: Vertex, r: Vertex) -> int:
    """Return the determinant of three homogeneous points: positive if they turn left."""
    return (
        p[0] * (q[1] * r[2] - q[2] * r[1])
        - p[1] * (q[0] * r[2] - q[2] * r[0])
        + p[2] * (q[0] * r[1] - q[1] * r[0])
    )


def is_inside(ring: Ring, point: tuple[Fraction, ...]) -> bool:
    """Return whether a point lies in the interior of a convex ring."""
    homogeneous = homogeneous_point(point)
    if len(ring) == 2:
        (a, v), (b, w), (x, u) = *ring, homogeneous
        return x * v > a * u and x * w < b * u
    return all(determinant(p, q, homogeneous) > 0 for p, q in pairwise((*ring, ring[0])))


def homogeneous_point(point: tuple[Fraction, ...]) -> Vertex:
    """Return the smallest integers (X, W) of a rational point."""
    common = 1
    for x in point:
        common = common * x.denominator // gcd(common, x.denominator)
    return (*(x.numerator * (common // x.denominator) for x in point), common)


def interior_point(ring: Ring) -> tuple[Fraction, ...]:
    """Return a rational point in the interior of a ring, one with short numbers if possible."""
    d = len(ring[0]) - 1
    total = [Fraction(0)] * (d + 1)
    for vertex in ring:
        scale = vertex[-1] or max(map(abs, vertex))
        total = [t + Fraction(x, scale) for t, x in zip(total, vertex, strict=True)]
    if total[-1] == 0:
        return (Fraction(0),) * d  # Only the whole space has no finite vertex.
    exact = tuple(x / total[-1] for x in total[:-1])
    try:
        rounded = tuple(Fraction(float(x)) for x in exact)
    except OverflowError:
        return exact
    return rounded if is_inside(ring, rounded) else exact


def net_faces(rings: Iterable[Ring]) -> Faces:
    """Return the boundary of a sum of rings: faces that enter with both signs are gone."""
    found: dict[Face, int] = defaultdict(int)
    for ring in rings:
        if len(ring[0]) == 2:
            found[ring[:1]] -= 1
            found[ring[1:]] += 1
            continue
        for p, q in pairwise((*ring, ring[0])):
            if p < q:
                found[p, q] += 1
            else:
                found[q, p] -= 1
    left = {face: times for face, times in found.items() if times}
    return _straightened(left) if any(len(face) == 2 for face in left) else left


def volume(faces: Faces) -> Fraction:
    """Return the length or area inside a boundary without points at infinity."""
    return _integral(faces, lambda v: tuple(Fraction(x, v[-1]) for x in v[:-1]))


def measure(faces: Faces) -> Fraction:
    """Return the volume inside the image of a boundary under ``x -> x / (1 + sum |x_i|)``."""
    split: dict[Face, int] = defaultdict(int)
    for face, times in faces.items():
        for part in _split_at_axes(face):
            split[part] += times
    return _integral(split, lambda v: tuple(Fraction(x, sum(map(abs, v))) for x in v[:-1]))


def _integral(faces: Faces, place: Callable[[Vertex], tuple[Fraction, ...]]) -> Fraction:
    terms = []
    for face, times in faces.items():
        points = [place(v) for v in face]
        if len(points) == 1:
            terms.append(times * points[0][0])
        else:
            (a, b), (c, d) = points
            terms.append(times * (a * d - b * c) / 2)
    return _balanced_sum(terms)


def _balanced_sum(terms: list[Fraction]) -> Fraction:
    """Add in a binary tree, so that few additions have large denominators."""
    if len(terms) <= 2:
        return sum(terms, Fraction(0))
    half = len(terms) // 2
    return _balanced_sum(terms[:half]) + _balanced_sum(terms[half:])


def _straightened(faces: Faces) -> Faces:
    """Join edges in a row on one line; the triangle between three points of a line has no area."""
    following: dict[Vertex, list[Vertex]] = defaultdict(list)
    leading: dict[Vertex, list[Vertex]] = defaultdict(list)
    for (p, q), times in faces.items():
        for a, b in [(p, q) if times > 0 else (q, p)] * abs(times):
            following[a].append(b)
            leading[b].append(a)
    for q in list(following):
        if len(following[q]) != 1 or len(leading[q]) != 1 or q[-1] == 0:
            continue
        p, r = leading[q][0], following[q][0]
        # A whole line keeps a finite point between its two ends at infinity.
        if p != r and (p[-1] or r[-1]) and determinant(p, q, r) == 0:
            following[p][following[p].index(q)] = r
            leading[r][leading[r].index(q)] = p
            following[q], leading[q] = [], []
    joined: dict[Face, int] = defaultdict(int)
    for p, ends in following.items():
        for q in ends:
            joined[p, q] += 1
    return dict(joined)


def _split_at_axes(face: Face) -> list[Face]:
    """Cut an edge where a coordinate changes its sign."""
    if len(face) == 1:
        return [face]
    parts = [face]
    for axis in (0, 1):
        cut: list[Face] = []
        for p, q in parts:
            if p[axis] * q[axis] < 0:
                s, t = abs(q[axis]), abs(p[axis])
                middle = _primitive(tuple(s * a + t * b for a, b in zip(p, q, strict=True)))
                cut += [(p, middle), (middle, q)]
            else:
                cut.append((p, q))
        parts = cut
    return parts


def _primitive(vector: Vertex) -> Vertex:
    divisor = gcd(*vector)
    return tuple(x // divisor for x in vector) if divisor > 1 else vector
