"""Activation patterns of tiny networks of any dimension, by Fourier-Motzkin elimination in fractions.

The program shares no code with the library. Networks have the raw format of the module `oracle`, and also
layers ``("winners", [[i, ...], ...])`` of neighbouring groups, in which the last maximiser is passed on and
the other members become 0. A pattern is extended unit by unit; a set of strict inequalities is kept if
elimination of all variables leaves no contradiction. No linear programming, no floating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm

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
    if kind == "scalar":
        units = _scalar_units(data[0], forms)
    else:
        units = _group_units(data[0], forms, passing_on=kind == "winners")
    yield from _choose(list(units), rest, [], known, pattern)


def _choose(units, rest, outputs: list[Form], known: list[Form], pattern) -> Iterator[tuple[int, ...]]:
    if not units:
        yield from _extend(rest, outputs, known, pattern)
        return
    for piece, (conditions, new) in enumerate(units[0]):
        if conditions is None:
            continue
        more = [*known, *conditions]
        if feasible(more):
            yield from _choose(units[1:], rest, [*outputs, *new], more, (*pattern, piece))


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
            pieces.append((conditions, [output]))
        yield pieces


def _group_units(groups, forms: list[Form], passing_on: bool):
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
            nothing = (Fraction(0),) * len(forms[i])
            new = [forms[j] if j == i else nothing for j in group] if passing_on else [forms[i]]
            pieces.append((conditions, new))
        yield pieces


def _shift(form, constant: Fraction) -> Form:
    return (*form[:-1], form[-1] + constant)


def feasible(rows: Sequence[Form]) -> bool:
    """Say whether strict inequalities have a common solution, by elimination of one variable at a time.

    A row is left out if it needs more than k + 1 of the given ones after k eliminations: it then follows
    from others (Chernikov 1960, Kohler 1967).
    """
    start = {_integers(row) for row in rows}
    system = {(row, 1 << i) for i, row in enumerate(start)}
    for eliminated in range(1, 1 + len(next(iter(start), (0,))) - 1):
        up = [entry for entry in system if entry[0][0] > 0]
        down = [entry for entry in system if entry[0][0] < 0]
        kept = {(row[1:], origin) for row, origin in system if row[0] == 0}
        for a, one in up:
            for b, other in down:
                if (one | other).bit_count() <= eliminated + 1:
                    row = _primitive([x * -b[0] + y * a[0] for x, y in zip(a[1:], b[1:], strict=True)])
                    kept.add((row, one | other))
        system = kept
        if any(not any(row[:-1]) and row[-1] <= 0 for row, _ in system):
            return False
    return all(row[0] > 0 for row, _ in system)


def _integers(row: Form) -> tuple[int, ...]:
    scale = lcm(*(Fraction(x).denominator for x in row))
    return _primitive([int(x * scale) for x in row])


def _primitive(row: list[int]) -> tuple[int, ...]:
    divisor = gcd(*row) or 1
    return tuple(x // divisor for x in row)
