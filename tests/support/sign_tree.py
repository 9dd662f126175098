"""Activation patterns of tiny networks of any dimension, by Fourier-Motzkin elimination in fractions.

The program shares no code with the library. Networks have the raw format of the module `oracle`, with
scalar units only and max layers. A pattern is extended unit by unit; a set of strict inequalities is kept
if elimination of all variables leaves no contradiction. No linear programming, no floating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

Form = tuple[Fraction, ...]
"""Coefficients, then the constant: the inequality ``form > 0``."""


def count_patterns(layers: Sequence[tuple], d: int, facets: Sequence[Sequence] = ()) -> int:
    """Count the patterns whose inputs have full dimension, where all facets ``[a | c]`` are positive."""
    return sum(1 for _ in patterns(layers, d, facets))


def patterns(layers: Sequence[tuple], d: int, facets: Sequence[Sequence] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the patterns whose inputs have full dimension."""
    forms = [tuple(Fraction(i == j) for j in range(d + 1)) for i in range(d)]
    yield from _extend(layers, forms, [tuple(map(Fraction, row)) for row in facets], ())


def _extend(layers, forms: list[Form], known: list[Form], pattern) -> Iterator[tuple[int, ...]]:
    if not layers:
        yield pattern
        return
    (kind, *data), rest = layers[0], layers[1:]
    if kind == "affine":
        weight, bias = data
        out = []
        for row, b in zip(weight, bias, strict=True):
            total = [
                sum(Fraction(w) * f[k] for w, f in zip(row, forms, strict=True)) for k in range(len(forms[0]))
            ]
            total[-1] += Fraction(b)
            out.append(tuple(total))
        yield from _extend(rest, out, known, pattern)
        return
    units = _scalar_units(data[0], forms) if kind == "scalar" else _max_units(data[0], forms)
    yield from _choose(list(units), rest, [], known, pattern)


def _choose(units, rest, outputs: list[Form], known: list[Form], pattern) -> Iterator[tuple[int, ...]]:
    if not units:
        yield from _extend(rest, outputs, known, pattern)
        return
    for piece, (conditions, output) in enumerate(units[0]):
        if conditions is None:
            continue
        more = [*known, *conditions]
        if feasible(more):
            yield from _choose(units[1:], rest, [*outputs, output], more, (*pattern, piece))


def _scalar_units(specifications, forms: list[Form]):
    for (points, slopes, anchor), form in zip(specifications, forms, strict=True):
        pieces = []
        value = Fraction(anchor)
        for p, slope in enumerate(slopes):
            low = Fraction(points[p - 1]) if p else None
            high = Fraction(points[p]) if p < len(points) else None
            at = low if low is not None else (high if high is not None else Fraction(0))
            if p > 1:
                value += Fraction(slopes[p - 1]) * (Fraction(points[p - 1]) - Fraction(points[p - 2]))
            output = _shift([Fraction(slope) * x for x in form], value - Fraction(slope) * at)
            conditions = []
            if low is not None:
                conditions.append(_shift(form, -low))
            if high is not None:
                conditions.append(_shift([-x for x in form], high))
            if not any(form[:-1]):
                # A constant unit has the piece whose breakpoints are strictly below it.
                inside = (low is None or form[-1] > low) and (high is None or form[-1] <= high)
                conditions = [] if inside else None
            pieces.append((conditions, output))
        yield pieces


def _max_units(groups, forms: list[Form]):
    for group in groups:
        pieces = []
        for p, i in enumerate(group):
            conditions: list | None = []
            for q, j in enumerate(group):
                difference = tuple(a - b for a, b in zip(forms[i], forms[j], strict=True))
                if any(difference[:-1]):
                    conditions.append(difference)
                elif difference[-1] < 0 or (difference[-1] == 0 and q > p):
                    conditions = None
                    break
            pieces.append((conditions, forms[i]))
        yield pieces


def _shift(form, constant: Fraction) -> Form:
    return (*form[:-1], form[-1] + constant)


def feasible(rows: Sequence[Form]) -> bool:
    """Say whether strict inequalities have a common solution, by elimination of one variable at a time."""
    system = {_normal(row) for row in rows}
    while system:
        if any(not any(row[:-1]) and row[-1] <= 0 for row in system):
            return False
        width = len(next(iter(system)))
        if width == 1:
            return all(row[0] > 0 for row in system)
        up = [row for row in system if row[0] > 0]
        down = [row for row in system if row[0] < 0]
        kept = {_normal(row[1:]) for row in system if row[0] == 0}
        for a in up:
            for b in down:
                kept.add(_normal([x / a[0] - y / b[0] for x, y in zip(a[1:], b[1:], strict=True)]))
        system = kept
    return True


def _normal(row) -> Form:
    scale = next((abs(x) for x in row if x), Fraction(1))
    return tuple(x / scale for x in row)
