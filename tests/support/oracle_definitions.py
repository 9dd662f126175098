"""Independent counts by affine maps in a box: R4, R5 and R6 from the cells of the module `oracle`.

Nothing here comes from the library, and the algorithms differ from its own: facets are found as shared
segments, not by patterns, and R5 intersects all pairs of convex pieces of {f = g}, not neighbours only.
Cells are rings of rational vertices, d = 1 or 2. In more dimensions tiny ReLU networks are done by
Fourier-Motzkin elimination.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm

from oracle import Cell, cells
from oracle_brute import brute_patterns, solvable

Point = tuple[Fraction, ...]
Row = tuple[Fraction, ...]


def count_by_maps(layers: Sequence[tuple], low: Sequence, high: Sequence) -> dict[str, int]:
    """Return R4, R5 and R6 in the box [low, high]."""
    found = cells(layers, low, high)
    maps = [tuple(cell.outputs) for cell in found]
    return {
        "R4": _open(found, maps),
        "R5": sum(_closed(found, maps, g) for g in set(maps)),
        "R6": len(set(maps)),
    }


def count_relu_by_maps(layers: Sequence[tuple], d: int) -> dict[str, int]:
    """Return R4, R5 and R6 of a ReLU network on all of R^d, any d, by eliminating variables.

    Two regions share a facet if, with one form of the first put to zero, all forms of both that are no
    multiples of it can be positive together. Two pieces of {f = g} meet if the closed systems of both have
    a common solution.
    """
    regions = [_relu_region(layers, pattern, d) for pattern in brute_patterns(layers, d)]
    pairs = [
        (i, j)
        for i, j in combinations(range(len(regions)), 2)
        if regions[i][1] == regions[j][1] and _has_common_facet(regions[i][0], regions[j][0])
    ]
    maps = {g for _, g in regions}
    return {
        "R4": len(_groups(len(regions), pairs)),
        "R5": sum(_closed_by_elimination(regions, g) for g in maps),
        "R6": len(maps),
    }


def _closed_by_elimination(regions: list[tuple[set[Row], tuple[Row, ...]]], g: tuple[Row, ...]) -> int:
    """Return the number of components of {f = g} with interior points."""
    if sum(h == g for _, h in regions) == 1:
        return 1
    pieces = []
    for inside, h in regions:
        rows = [_difference(a, b) for a, b in zip(h, g, strict=True)]
        system = [(_whole(form), False) for form in (*inside, *rows, *map(_minus, rows))]
        if solvable(system):
            pieces.append((system, h == g))
    pairs = [(i, j) for i, j in combinations(range(len(pieces)), 2) if solvable(pieces[i][0] + pieces[j][0])]
    return sum(any(pieces[i][1] for i in group) for group in _groups(len(pieces), pairs))


def _difference(a: Row, b: Row) -> Row:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def _relu_region(layers: Sequence[tuple], pattern: Sequence[int], d: int) -> tuple[set[Row], tuple[Row, ...]]:
    """Return forms that are positive inside a region, the first entry +-1, and the map on it."""
    signs = iter(pattern)
    forms = [tuple(Fraction(i == j) for j in range(d + 1)) for i in range(d)]
    inside: set[Row] = set()
    for kind, *data in layers:
        if kind == "affine":
            one = (*[Fraction(0)] * d, Fraction(1))
            forms = [_sum((*row, bias), [*forms, one]) for row, bias in zip(*data, strict=True)]
            continue
        on = [next(signs) for _ in forms]
        inside |= {_scaled(f if s else _minus(f)) for f, s in zip(forms, on, strict=True) if any(f[:-1])}
        forms = [f if s else (Fraction(0),) * (d + 1) for f, s in zip(forms, on, strict=True)]
    return inside, tuple(forms)


def _has_common_facet(p: set[Row], q: set[Row]) -> bool:
    for wall in p:
        others = (p | q) - {wall, _minus(wall)}
        system = [(_whole(wall), False), (_whole(_minus(wall)), False), *((_whole(f), True) for f in others)]
        if _minus(wall) in q and solvable(system):
            return True
    return False


def _sum(factors: Sequence, forms: Sequence[Row]) -> Row:
    scaled = [[Fraction(a) * x for x in form] for a, form in zip(factors, forms, strict=True)]
    return tuple(map(sum, zip(*scaled, strict=True)))


def _minus(form: Row) -> Row:
    return tuple(-x for x in form)


def _scaled(form: Row) -> Row:
    """Return the positive multiple whose first entry that is not 0 is 1 or -1."""
    scale = abs(next(x for x in form if x))
    return tuple(x / scale for x in form)


def _whole(form: Row) -> tuple[int, ...]:
    common = lcm(*(x.denominator for x in form))
    return tuple(int(x * common) for x in form)


def is_convex_union(group: Sequence[Cell], everything: Sequence[Cell]) -> bool:
    """Return whether the union of some cells (d = 2) is convex: its hull meets no other cell inside."""
    hull = _hull([vertex for cell in group for vertex in cell.vertices])
    others = [cell for cell in everything if not any(cell is member for member in group)]
    return not any(_area(_clip_by_ring(hull, _half_planes(cell.vertices))) for cell in others)


def open_regions(layers: Sequence[tuple], low: Sequence, high: Sequence) -> list[list[Cell]]:
    """Return the cells of each open connected region."""
    found = cells(layers, low, high)
    groups = _groups(len(found), _open_pairs(found, [tuple(cell.outputs) for cell in found]))
    return [[found[i] for i in group] for group in groups]


def _open(found: list[Cell], maps: list) -> int:
    return len(_groups(len(found), _open_pairs(found, maps)))


def _open_pairs(found: list[Cell], maps: list) -> list[tuple[int, int]]:
    pairs = combinations(range(len(found)), 2)
    return [(i, j) for i, j in pairs if maps[i] == maps[j] and _share_facet(found[i], found[j])]


def _closed(found: list[Cell], maps: list, g: tuple) -> int:
    """Return the number of components of {f = g} with interior points."""
    pieces, has_interior = [], []
    for cell, h in zip(found, maps, strict=True):
        piece = [tuple(vertex) for vertex in cell.vertices]
        for row, other in zip(h, g, strict=True):
            piece = _on_both_sides(piece, tuple(a - b for a, b in zip(row, other, strict=True)))
        if piece:
            pieces.append((piece, cell, h))
            has_interior.append(h == g)
    pairs = [(i, j) for i, j in combinations(range(len(pieces)), 2) if _meet(pieces[i][0], pieces[j], g)]
    return sum(any(has_interior[i] for i in group) for group in _groups(len(pieces), pairs))


def _meet(points: list[Point], other: tuple[list[Point], Cell, tuple], g: tuple) -> bool:
    """Return whether a convex piece meets the piece {h = g} of another cell."""
    _, cell, h = other
    common = _clip_by_ring(points, _half_planes(cell.vertices))
    for row, value in zip(h, g, strict=True):
        common = _on_both_sides(common, tuple(a - b for a, b in zip(row, value, strict=True)))
    return bool(common)


def _groups(n: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    group = list(range(n))
    for i, j in pairs:
        a, b = group[i], group[j]
        group = [b if x == a else x for x in group]
    return [[i for i in range(n) if group[i] == label] for label in set(group)]


def _share_facet(p: Cell, q: Cell) -> bool:
    if len(p.vertices[0]) == 1:
        return bool({tuple(v) for v in p.vertices} & {tuple(v) for v in q.vertices})
    common = _clip_by_ring([tuple(v) for v in p.vertices], _half_planes(q.vertices))
    return len(set(common)) > 1


def _half_planes(ring: Sequence[Point]) -> list[Row]:
    """Return rows ``(a..., c)`` with ``a . x + c >= 0`` exactly inside a ring."""
    if len(ring[0]) == 1:
        (low,), (high,) = sorted(ring)
        return [(Fraction(1), -low), (Fraction(-1), high)]
    middle = [sum(c) / len(ring) for c in zip(*ring, strict=True)]
    rows = []
    for p, q in zip(ring, [*ring[1:], ring[0]], strict=True):
        a = (p[1] - q[1], q[0] - p[0])
        row = (*a, -a[0] * p[0] - a[1] * p[1])
        rows.append(row if _value(row, middle) >= 0 else tuple(-x for x in row))
    return rows


def _value(row: Row, point: Sequence[Fraction]) -> Fraction:
    return sum((a * x for a, x in zip(row[:-1], point, strict=True)), row[-1])


def _clip(ring: list[Point], row: Row) -> list[Point]:
    """Return the part of a closed convex set, given by its vertices in cyclic order, with row >= 0."""
    out: list[Point] = []
    for p, q in zip(ring, ring[1:] + ring[:1], strict=True):
        s, t = _value(row, p), _value(row, q)
        if s >= 0:
            out.append(p)
        if s * t < 0:
            out.append(tuple((t * a - s * b) / (t - s) for a, b in zip(p, q, strict=True)))
    return list(dict.fromkeys(out))


def _clip_by_ring(ring: list[Point], rows: Sequence[Row]) -> list[Point]:
    for row in rows:
        ring = _clip(ring, row)
    return ring


def _on_both_sides(ring: list[Point], row: Row) -> list[Point]:
    return _clip(_clip(ring, row), tuple(-x for x in row))


def _area(ring: list[Point]) -> Fraction:
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    return abs(sum((p[0] * q[1] - p[1] * q[0] for p, q in pairs), Fraction(0)))


def _hull(points: Sequence[Point]) -> list[Point]:
    """Return the convex hull in cyclic order (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    turn: Callable[[Point, Point, Point], Fraction] = lambda o, a, b: (  # noqa: E731
        (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])
    )
    halves = []
    for sweep in (ordered, ordered[::-1]):
        chain: list[Point] = []
        for point in sweep:
            while len(chain) > 1 and turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        halves.append(chain[:-1])
    return halves[0] + halves[1]
