"""Whether affine forms vanish together somewhere on a face of a body."""

from __future__ import annotations

from collections.abc import Sequence

from plnet.geometry.homogeneous import Form, Vertex, reduced, value
from plnet.regions.cells.bodies import Body

__all__ = ["vanish_together"]

Ray = tuple[Vertex, int]
"""A generator and the set of facets it lies on."""


def vanish_together(forms: Sequence[Form], body: Body, face: int) -> bool:
    """Return whether a finite point of a face is a zero of all forms, exactly.

    Parameters
    ----------
    forms : sequence of integer tuples, each of length d + 1
        At least one.
    body : Body
    face : int
        The facets that the face lies on.

    Notes
    -----
    The face is cut by one form after the other (double description); the last one is decided by its signs.
    """
    pairs = zip(body.generators, body.tight, strict=True)
    rays = [(generator, mask) for generator, mask in pairs if mask & face == face]
    lines = list(body.lines)
    for form in forms[:-1]:
        rays, lines = _section(form, rays, lines)
        if not any(ray[-1] for ray, _ in rays):
            return False
    return _has_zero(forms[-1], [ray for ray, _ in rays], lines)


def _has_zero(form: Form, rays: Sequence[Vertex], lines: Sequence[Vertex]) -> bool:
    if any(value(form, line) for line in lines):
        return True
    values = [(value(form, ray), ray[-1] > 0) for ray in rays]
    # A direction along which the form is constant leads to no zero by itself.
    reaches_up = any(v > 0 or (v == 0 and finite) for v, finite in values)
    reaches_down = any(v < 0 or (v == 0 and finite) for v, finite in values)
    return reaches_up and reaches_down


def _section(form: Form, rays: Sequence[Ray], lines: Sequence[Vertex]) -> tuple[list[Ray], list[Vertex]]:
    """Return generators and lines of the part where a form is zero."""
    for line in lines:
        slope = value(form, line)
        if slope:
            up = line if slope > 0 else tuple(-x for x in line)
            moved = [(_onto(form, ray, up), mask) for ray, mask in rays]
            return moved, [_onto(form, other, up) for other in lines if other != line]
    heights = [value(form, ray) for ray, _ in rays]
    found = [ray for ray, height in zip(rays, heights, strict=True) if height == 0]
    for i, s in enumerate(heights):
        for j, t in enumerate(heights):
            common = rays[i][1] & rays[j][1]
            if s > 0 > t and not _is_on_another(rays, common, i, j):
                crossing = tuple(s * y - t * x for x, y in zip(rays[i][0], rays[j][0], strict=True))
                found.append((reduced(crossing), common))
    return found, list(lines)


def _is_on_another(rays: Sequence[Ray], common: int, i: int, j: int) -> bool:
    return any(mask & common == common and k not in (i, j) for k, (_, mask) in enumerate(rays))


def _onto(form: Form, vector: Vertex, line: Vertex) -> Vertex:
    """Return a positive multiple of a vector moved along a line, on which the form rises, to its zero."""
    slope, height = value(form, line), value(form, vector)
    return reduced(tuple(slope * x - height * y for x, y in zip(vector, line, strict=True)))
