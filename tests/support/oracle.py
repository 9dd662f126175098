"""Exact reference counts of activation regions on the line and in the plane.

The program shares no code with the library and takes raw weights. A network is a list of layers

``("affine", W, b)``
    W is a list of rows, b a list.
``("scalar", [(breakpoints, slopes, anchor), ...])``
    One triple per unit: q >= 0 ascending breakpoints, q + 1 slopes, and the value at the first breakpoint
    (at 0 if q = 0). ReLU is ``([0], [0, 1], 0)``.
``("max", [[i, j, ...], ...])``
    Each output is the maximum over a group of input indices.

Numbers are int, float or Fraction; floats are read as the dyadic rationals they are.

The pattern of an input has one entry per unit of each scalar and max layer: for a scalar unit the number of
breakpoints strictly below its pre-activation, for a max unit the position in the group of the last maximiser.

Method
------
A cell is a relatively open convex set, stored as the extreme rays ``(X, w)`` of the cone over it: the point
``X / w`` if w > 0, a direction if w = 0. Rays are primitive integer vectors, in cyclic order for a polygon.
Pre-activations are affine forms on a cell: integer coefficients over one denominator per layer. Layer by
layer and unit by unit, every cell is split by the sign of a form f. If f >= 0 on all rays and f > 0 on one,
then f > 0 on the cell; if f = 0 on all rays, f = 0 on the cell; if both signs occur, f takes all three signs
on it, and the parts are spanned by the rays of their sign, the rays with f = 0 and the zeros of f on edges.

The plane is the disjoint union of the open quadrants, the open half-axes and the origin, all of them relative
interiors of pointed cones at height w = 1. The inputs of one pattern form a convex set, which has full
dimension exactly if it meets some quadrant in full dimension: no bounding box is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from operator import mul

Number = int | float | Fraction
Layer = tuple
Ray = tuple[int, ...]
Rays = list[Ray]
Form = tuple[int, ...]
Pattern = tuple[int, ...]
Part = tuple[Rays, Pattern]


@dataclass(frozen=True)
class Cell:
    """One full-dimensional activation region in a box.

    Attributes
    ----------
    pattern : tuple of int
        One entry per unit of the scalar and max layers.
    vertices : list of tuple of Fraction
        End points for d = 1, corners in cyclic order for d = 2.
    outputs : list of tuple of Fraction
        Rows ``(gradient..., offset)`` of the network's affine map on the cell.
    """

    pattern: Pattern
    vertices: list[tuple[Fraction, ...]]
    outputs: list[tuple[Fraction, ...]]

    @property
    def volume(self) -> Fraction:
        """Length (d = 1) or area (d = 2)."""
        if len(self.vertices[0]) == 1:
            return abs(self.vertices[1][0] - self.vertices[0][0])
        pairs = zip(self.vertices, self.vertices[1:] + self.vertices[:1], strict=True)
        return abs(sum((p[0] * q[1] - p[1] * q[0] for p, q in pairs), Fraction(0))) / 2


def cells(layers: Sequence[Layer], low: Sequence[Number], high: Sequence[Number]) -> list[Cell]:
    """Return all full-dimensional activation regions in a box, each once."""
    found = []
    for rays, forms, pattern, denominator in _decompose(layers, len(low), _box_faces(low, high)):
        vertices = [tuple(Fraction(x, ray[-1]) for x in ray[:-1]) for ray in rays]
        found.append(Cell(pattern, vertices, [tuple(Fraction(a, denominator) for a in f) for f in forms]))
    return found


def patterns(layers: Sequence[Layer], low: Sequence[Number], high: Sequence[Number]) -> set[Pattern]:
    """Return the patterns whose inputs have full dimension in the box [low, high] (R2)."""
    return {cell[2] for cell in _decompose(layers, len(low), _box_faces(low, high))}


def count_regions(layers: Sequence[Layer], low: Sequence[Number], high: Sequence[Number]) -> int:
    """Count the full-dimensional activation regions in the box [low, high] (R2)."""
    return len(patterns(layers, low, high))


def total_volume(layers: Sequence[Layer], low: Sequence[Number], high: Sequence[Number]) -> Fraction:
    """Return the sum of the volumes of all regions in a box: the volume of the box if none is missing."""
    return sum((cell.volume for cell in cells(layers, low, high)), Fraction(0))


def patterns_everywhere(layers: Sequence[Layer], d: int) -> set[Pattern]:
    """Return the patterns whose inputs have full dimension in R^d, d = 1 or 2."""
    return {cell[2] for cell in _decompose(layers, d, _space_faces(d))}


def count_regions_everywhere(layers: Sequence[Layer], d: int) -> int:
    """Count the full-dimensional activation regions of R^d, d = 1 or 2 (R2)."""
    return len(patterns_everywhere(layers, d))


def activation_sets(
    layers: Sequence[Layer], d: int, low: Sequence[Number] | None = None, high: Sequence[Number] | None = None
) -> set[Pattern]:
    """Return the patterns that occur anywhere in the closed box [low, high], or in R^d without one (R1)."""
    start = _space_faces(d) if low is None or high is None else _box_faces(low, high)
    return {cell[2] for cell in _decompose(layers, d, start, faces=True)}


def count_activation_sets(
    layers: Sequence[Layer], d: int, low: Sequence[Number] | None = None, high: Sequence[Number] | None = None
) -> int:
    """Count the patterns that occur anywhere in the closed box [low, high], or in R^d without one (R1)."""
    return len(activation_sets(layers, d, low, high))


def evaluate(layers: Sequence[Layer], point: Sequence[Number]) -> tuple[list[Fraction], Pattern]:
    """Return the exact output and the pattern at one input, straight from the definitions (any dimension)."""
    values, pattern = [Fraction(x) for x in point], []
    for kind, *data in layers:
        if kind == "affine":
            rows = [[Fraction(x) for x in (*w, b)] for w, b in zip(*data, strict=True)]
            values = [sum(map(mul, row[:-1], values), row[-1]) for row in rows]
        elif kind == "scalar":
            pieces = [sum(Fraction(t) < z for t in unit[0]) for unit, z in zip(data[0], values, strict=True)]
            lines = [_pieces(*unit)[k] for unit, k in zip(data[0], pieces, strict=True)]
            values = [slope * z + offset for (slope, offset), z in zip(lines, values, strict=True)]
            pattern += pieces
        else:
            winners = [max(range(len(g)), key=lambda p, g=g: (values[g[p]], p)) for g in data[0]]
            values = [values[g[p]] for g, p in zip(data[0], winners, strict=True)]
            pattern += winners
    return values, tuple(pattern)


def _decompose(
    layers: Sequence[Layer], d: int, start: list[Rays], *, faces: bool = False
) -> list[tuple[Rays, list[Form], Pattern, int]]:
    """Split the starting cells by all units; keep only full-dimensional parts unless `faces`."""
    smallest = 1 if faces else d + 1
    identity = [tuple(int(i == j) for j in range(d + 1)) for i in range(d)]
    found: list = [(rays, identity, ()) for rays in start if len(rays) >= smallest]
    denominator = 1
    for kind, *data in layers:
        if kind == "affine":
            rows, scale = _integer_rows([[*w, b] for w, b in zip(*data, strict=True)])
            one = (0,) * d + (denominator,)
            found = [(rays, [_combine(row, [*forms, one]) for row in rows], p) for rays, forms, p in found]
            denominator *= scale
        elif kind == "scalar":
            found, scale = _scalar_layer(found, data[0], denominator, smallest)
            denominator *= scale
        else:
            found = _max_layer(found, data[0], smallest)
    return [(*cell, denominator) for cell in found]


def _scalar_layer(found: list, units: Sequence[tuple], denominator: int, smallest: int) -> tuple[list, int]:
    """Apply one scalar layer to all cells; return the new cells and the factor of the denominator."""
    lines = [_pieces(*unit) for unit in units]
    scale = lcm(*(x.denominator for unit in lines for line in unit for x in line))
    result = []
    for rays, forms, pattern in found:
        parts: list[Part] = [(rays, ())]
        for (breakpoints, _, _), form in zip(units, forms, strict=True):
            walls = [_minus_constant(form, Fraction(t), denominator) for t in breakpoints]
            parts = [(p, (*ks, k)) for part, ks in parts for k, p in _scalar_pieces(part, walls, smallest)]
        for part, pieces in parts:
            new = []
            for form, unit, k in zip(forms, lines, pieces, strict=True):
                slope, offset = (int(x * scale) for x in unit[k])
                new.append((*(slope * a for a in form[:-1]), slope * form[-1] + offset * denominator))
            result.append((part, new, pattern + pieces))
    return result, scale


def _scalar_pieces(rays: Rays, walls: list[Form], smallest: int) -> Iterator[tuple[int, Rays]]:
    """Yield (k, part) where exactly the first k walls, in ascending order, are strictly positive."""
    for k, wall in enumerate(walls):
        below, on, rays = _split(rays, wall) if rays else ([], [], [])
        yield from ((k, part) for part in (below, on) if len(part) >= smallest)
    if rays:
        yield len(walls), rays


def _max_layer(found: list, groups: Sequence[Sequence[int]], smallest: int) -> list:
    """Apply one max layer to all cells."""
    result = []
    for rays, forms, pattern in found:
        parts: list[Part] = [(rays, ())]
        for group in groups:
            candidates = [forms[i] for i in group]
            parts = [
                (piece, (*prefix, winner))
                for part, prefix in parts
                for winner in range(len(group))
                for piece in _winning_parts(part, candidates, winner, smallest)
            ]
        for part, winners in parts:
            new = [forms[group[p]] for group, p in zip(groups, winners, strict=True)]
            result.append((part, new, pattern + winners))
    return result


def _winning_parts(rays: Rays, candidates: list[Form], winner: int, smallest: int) -> list[Rays]:
    """Return the parts on which `winner` beats all later candidates and is not beaten by an earlier one."""
    parts = [rays]
    for other in (q for q in range(len(candidates)) if q != winner):
        lead = tuple(a - b for a, b in zip(candidates[winner], candidates[other], strict=True))
        kept = [_split(part, lead)[1 if other < winner else 2 :] for part in parts]
        parts = [part for pieces in kept for part in pieces if len(part) >= smallest]
    return parts


def _split(rays: Rays, form: Form) -> tuple[Rays, Rays, Rays]:
    """Return the parts of a cell where the form is negative, zero and positive (no rays: empty part)."""
    values = [sum(map(mul, form, ray)) for ray in rays]
    below, on, above = [], [], []
    if min(values) >= 0:
        return ([], [], rays) if max(values) > 0 else ([], rays, [])
    if max(values) <= 0:
        return rays, [], []
    for i, (ray, value) in enumerate(zip(rays, values, strict=True)):
        below += [ray] * (value <= 0)
        on += [ray] * (value == 0)
        above += [ray] * (value >= 0)
        j = (i + 1) % len(rays)
        if value * values[j] < 0 and (len(rays) > 2 or i == 0):
            s, t = abs(values[j]), abs(value)
            crossing = _primitive([s * a + t * b for a, b in zip(ray, rays[j], strict=True)])
            for part in (below, on, above):
                part.append(crossing)
    return below, on, above


def _pieces(breakpoints: Sequence, slopes: Sequence, anchor: Number) -> list[tuple[Fraction, Fraction]]:
    """Return (slope, offset) of each piece of a scalar function, in ascending order."""
    at = [Fraction(t) for t in breakpoints] or [Fraction(0)]
    lines = [(Fraction(slopes[0]), Fraction(anchor) - Fraction(slopes[0]) * at[0])]
    for t, slope in zip(at, slopes[1:], strict=False):
        value = lines[-1][0] * t + lines[-1][1]
        lines.append((Fraction(slope), value - Fraction(slope) * t))
    return lines


def _integer_rows(rows: list[list[Number]]) -> tuple[list[list[int]], int]:
    """Return rows of integers and their common positive denominator."""
    exact = [[Fraction(x) for x in row] for row in rows]
    scale = lcm(*(x.denominator for row in exact for x in row))
    return [[int(x * scale) for x in row] for row in exact], scale


def _combine(row: list[int], forms: list[Form]) -> Form:
    """Return the linear combination of forms with the coefficients of a row."""
    assert len(row) == len(forms), "a row of weights has the wrong length"
    return tuple(sum(map(mul, row, column)) for column in zip(*forms, strict=True))


def _minus_constant(form: Form, constant: Fraction, denominator: int) -> Form:
    """Return a positive multiple of form / denominator - constant."""
    q = constant.denominator
    return (*(q * a for a in form[:-1]), q * form[-1] - constant.numerator * denominator)


def _primitive(vector: list[int]) -> Ray:
    """Divide an integer vector by the greatest common divisor of its entries."""
    g = gcd(*vector)
    return tuple(x // g for x in vector)


def _box_faces(low: Sequence[Number], high: Sequence[Number]) -> list[Rays]:
    """Return the relatively open faces of a closed interval or rectangle."""
    sides = [(Fraction(a), Fraction(b)) for a, b in zip(low, high, strict=True)]
    assert all(a < b for a, b in sides), "expected low < high"
    corners = [(x,) for x in sides[0]]
    if len(sides) == 2:
        (x0, x1), (y0, y1) = sides
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    rays = [_primitive(_integer_rows([[*corner, 1]])[0][0]) for corner in corners]
    edges = [[p, q] for p, q in zip(rays, rays[1:] + rays[:1], strict=True)] if len(sides) == 2 else []
    return [rays, *edges, *([ray] for ray in rays)]


def _space_faces(d: int) -> list[Rays]:
    """Return the open orthants of R^d, d = 1 or 2, and their relatively open faces, as cones."""
    if d == 1:
        return [[(0, 1), (1, 0)], [(0, 1), (-1, 0)], [(0, 1)]]
    assert d == 2, "expected dimension 1 or 2"
    axes = [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
    origin = (0, 0, 1)
    quadrants = [[origin, p, q] for p, q in zip(axes, axes[1:] + axes[:1], strict=True)]
    return [*quadrants, *([origin, axis] for axis in axes), [origin]]
