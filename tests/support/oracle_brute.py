"""A second exact count of activation regions: patterns tested one by one by Fourier-Motzkin elimination.

Networks have the raw format of the module `oracle`. Nothing is split here and no vertex is ever computed: a
pattern is a system of linear inequalities, and variables are eliminated until only constants are left. It is
slow and meant for tiny networks with at most three inputs. A prefix of a pattern without solution is not
extended; apart from that every pattern is tried.

A pattern's set is ``{g_i > 0} and {h_j >= 0}`` with affine g_i, h_j. It has full dimension exactly if the
system with ``h_j > 0`` for every h_j that is not identically zero has a solution: an open set on which
h_j >= 0 contains a point with h_j > 0 unless h_j vanishes identically.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm

Number = int | float | Fraction
Layer = tuple
Pattern = tuple[int, ...]
Row = tuple[Fraction, ...]
Inequality = tuple[tuple[int, ...], bool]


def brute_patterns(
    layers: Sequence[Layer],
    d: int,
    low: Sequence[Number] | None = None,
    high: Sequence[Number] | None = None,
    *,
    full_dimensional: bool = True,
) -> set[Pattern]:
    """Return the patterns that occur in a closed box, or in R^d if no box is given.

    Parameters
    ----------
    layers : sequence of tuple
        The network.
    d : int
        Number of inputs.
    low, high : sequence of numbers, optional
        The box.
    full_dimensional : bool
        Only patterns whose inputs have full dimension (R2); otherwise all that occur (R1).
    """
    domain = []
    for i in range(d if low is not None else 0):
        for sign, bound in ((1, low[i]), (-1, high[i])):
            row = [Fraction(0)] * d + [-sign * Fraction(bound)]
            row[i] = Fraction(sign)
            domain.append((tuple(row), full_dimensional))
    identity = [tuple(Fraction(i == j) for j in range(d + 1)) for i in range(d)]
    return set(_extend(list(layers), identity, [_integers(*c) for c in domain], (), full_dimensional))


def brute_count(
    layers: Sequence[Layer],
    d: int,
    low: Sequence[Number] | None = None,
    high: Sequence[Number] | None = None,
    *,
    full_dimensional: bool = True,
) -> int:
    """Count the patterns of `brute_patterns`."""
    return len(brute_patterns(layers, d, low, high, full_dimensional=full_dimensional))


def _extend(
    layers: list[Layer], forms: list[Row], system: list[Inequality], pattern: Pattern, full: bool
) -> Iterator[Pattern]:
    """Yield all solvable patterns of the remaining layers, given the forms on the current inputs."""
    if not layers:
        yield pattern
        return
    kind, *data = layers[0]
    if kind == "affine":
        width = len(forms[0])
        one = tuple(Fraction(i == width - 1) for i in range(width))
        new = [
            tuple(
                sum(Fraction(w) * form[i] for w, form in zip(row, forms, strict=True)) + Fraction(b) * one[i]
                for i in range(width)
            )
            for row, b in zip(*data, strict=True)
        ]
        yield from _extend(layers[1:], new, system, pattern, full)
        return
    if kind == "scalar":
        choices = [_scalar_choices(form, *unit) for form, unit in zip(forms, data[0], strict=True)]
    else:
        choices = [_max_choices([forms[i] for i in group]) for group in data[0]]
    for picks, new, reduced in _choose(choices, system, full):
        yield from _extend(layers[1:], new, reduced, pattern + picks, full)


def _choose(
    choices: list[list[tuple[Row, list[tuple[Row, bool]]]]], system: list[Inequality], full: bool
) -> Iterator[tuple[Pattern, list[Row], list[Inequality]]]:
    """Yield the solvable combinations of one choice per unit: pieces, output forms, inequalities."""
    if not choices:
        yield (), [], system
        return
    for k, (output, conditions) in enumerate(choices[0]):
        more = [_integers(row, strict or (full and any(row))) for row, strict in conditions]
        if solvable(system + more):
            for picks, outputs, reduced in _choose(choices[1:], system + more, full):
                yield (k, *picks), [output, *outputs], reduced


def _scalar_choices(form: Row, breakpoints: Sequence, slopes: Sequence, anchor: Number) -> list:
    """Return (output, conditions) of each piece: breakpoint k - 1 < z <= breakpoint k."""
    shifted = [(*form[:-1], form[-1] - Fraction(t)) for t in breakpoints]
    if not shifted:
        slope = Fraction(slopes[0])
        return [((*(slope * a for a in form[:-1]), slope * form[-1] + Fraction(anchor)), [])]
    value, result = Fraction(anchor), []
    for k, slope in enumerate(slopes):
        if k > 1:
            value += Fraction(slopes[k - 1]) * (Fraction(breakpoints[k - 1]) - Fraction(breakpoints[k - 2]))
        base = shifted[max(k - 1, 0)]
        output = (*(Fraction(slope) * a for a in base[:-1]), Fraction(slope) * base[-1] + value)
        above = [(shifted[k - 1], True)] if k else []
        below = [(tuple(-a for a in shifted[k]), False)] if k < len(shifted) else []
        result.append((output, above + below))
    return result


def _max_choices(candidates: list[Row]) -> list:
    """Return (output, conditions) of each candidate: ahead of later ones, not behind earlier ones."""
    return [
        (
            mine,
            [
                (tuple(a - b for a, b in zip(mine, other, strict=True)), q > p)
                for q, other in enumerate(candidates)
                if q != p
            ],
        )
        for p, mine in enumerate(candidates)
    ]


def solvable(system: Sequence[Inequality]) -> bool:
    """Decide a system of inequalities ``a . x + c > 0`` (strict) or ``>= 0`` by eliminating all variables.

    Parameters
    ----------
    system : sequence of (tuple of int, bool)
        Pairs ``((a_1, ..., a_d, c), strict)``.
    """
    rows = _merge(system)
    while rows and len(next(iter(rows))) > 1:
        lower = [(row, strict) for row, strict in rows.items() if row[0] > 0]
        upper = [(row, strict) for row, strict in rows.items() if row[0] < 0]
        rest = [(row[1:], strict) for row, strict in rows.items() if row[0] == 0]
        rest += [
            (tuple(p[0] * b - q[0] * a for a, b in zip(p[1:], q[1:], strict=True)), s or t)
            for p, s in lower
            for q, t in upper
        ]
        rows = _merge(rest)
    return all(row[0] > 0 or (row[0] == 0 and not strict) for row, strict in rows.items())


def _merge(system: Sequence[Inequality]) -> dict[tuple[int, ...], bool]:
    """Divide rows by their content and keep one copy of each, strict if one of the copies is."""
    rows: dict[tuple[int, ...], bool] = {}
    for row, strict in system:
        g = gcd(*row) or 1
        key = tuple(x // g for x in row)
        rows[key] = rows.get(key, False) or strict
    return rows


def _integers(row: Row, strict: bool) -> Inequality:
    """Clear the denominators of one inequality."""
    scale = lcm(*(x.denominator for x in row))
    return tuple(int(x * scale) for x in row), strict
