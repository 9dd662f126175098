"""Cells of dimension 1 and 2 as rings: homogeneous vertices in ascending or counter-clockwise order."""

from __future__ import annotations

from plnet.geometry.cells import Cell
from plnet.geometry.homogeneous import Vertex, reduced

__all__ = ["Ring", "ring_of", "turn"]

Ring = tuple[Vertex, ...]


def ring_of(cell: Cell) -> Ring:
    """Return the corners of a cell in ascending or counter-clockwise order."""
    vertices = [reduced(v) for v in (cell.vertices if cell.facets else cell.vertices[:-1])]
    if cell.dim == 1:
        a, b = vertices
        return (a, b) if a[0] * b[1] < b[0] * a[1] or a == (-1, 0) else (b, a)
    triples = list(zip((vertices[-1], *vertices), vertices, (*vertices[1:], vertices[0]), strict=False))
    turning = next((t for triple in triples if (t := turn(*triple))), 1)
    # A point inside an edge is kept only where it stands between the two ends of a whole line.
    corners = [v for p, v, q in triples if not (v[-1] and (p[-1] or q[-1])) or turn(p, v, q)]
    return tuple(corners if turning > 0 else corners[::-1])


def turn(p: Vertex, q: Vertex, r: Vertex) -> int:
    """Return the determinant of three homogeneous points of the plane: positive if they turn left."""
    return (
        p[0] * (q[1] * r[2] - q[2] * r[1])
        - p[1] * (q[0] * r[2] - q[2] * r[0])
        + p[2] * (q[0] * r[1] - q[1] * r[0])
    )
