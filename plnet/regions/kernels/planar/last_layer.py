"""Regions of the deepest layer inside one polygon, counted without visiting them.

The open walls of the layer are chords of the polygon. They cut it into ``1 + m + x`` cells if
they are m different chords with x crossings and no three of them meet in one point of the interior
(Zaslavsky 1975, for an arrangement in a convex body). Ours differs in that every step is certified:

- Chord j crosses chord i in the interior iff the form of j has opposite signs at the two ends of
  i. Chords that meet on the boundary add nothing.
- With the values f(p) and f(q) of the form of j at the ends p and q of chord i, the crossing is at
  ``t = f(p) / (f(p) - f(q))`` along chord i. If the intervals that hold the true t are disjoint on
  every chord, no three chords are concurrent.

What is not certified is left to the enumeration. Chord m is column m of `State.chords`.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout
from plnet.regions.kernels.forms import difference, zero_wall
from plnet.regions.kernels.planar.polygons import prepare_cut

__all__ = ["are_disjoint", "count_chords", "place_of_crossing"]

# Rows of State.chords: the form; its error is BASE * size of the point + FACTOR * radius of the point.
A, B, C, BASE, FACTOR, CLASS = range(6)
# The two ends: three coordinates, radius, and the number of the vertex or -1. Then values at two ends.
END, N_END = 6, 5
CORNER = 4
AT_P, AT_Q, LOW, HIGH = range(16, 20)

_UNIT = 2.0**-53
_MARGIN = 8.0
_SMALL, _LARGE = 1e-100, 1e100


@compiled_inline
def _load_form(plan, state, layer, forms, item):
    """Write the form of an open item to `cut[0]`.

    Returns its size and the walls on which its two parts vanish, as `prepare_cut` takes them.
    """
    rows, row0 = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    cut = state.cut[0]
    if item < rows:
        for m in range(4):
            cut[m] = state.acc[forms + m * rows + item]
        return state.work[layout.SCALE, row0 + item], zero_wall(plan, state, row0 + item), layout.NOTHING
    first = plan.units[plan.layers[layer, layout.UNIT0] + item - rows, layout.FIRST]
    cut[0], cut[1], cut[2], cut[3], scale = difference(plan, state, forms, rows, first + 1, first)
    return scale, zero_wall(plan, state, row0 + first), zero_wall(plan, state, row0 + first + 1)


@compiled_inline
def _class_of(plan, layer, item):
    """Return a number that walls have in common if they are multiples of each other."""
    rows = plan.layers[layer, layout.N_ROWS]
    return plan.rows[plan.layers[layer, layout.ROW0] + item, layout.CLASS] if item < rows else -1 - item


@compiled_inline
def _is_repeated(state, m, kind):
    """Return whether one of the first m chords is of class `kind`."""
    for k in range(m):
        if state.chords[CLASS, k] == kind:
            return True
    return False


@compiled_inline
def _load_ends(state, start, n, m):
    """Write the ends of the chord that `prepare_cut` looked at to column m of the chords.

    Returns False unless there are two, one of them finite.
    """
    chords, signs = state.chords, state.marks[layout.SIGNS]
    found, k = 0, 1
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        if signs[i] == 0:
            if found == 2:
                return False
            for x in range(4):
                chords[END + N_END * found + x, m] = state.poly[start + i, x]
            chords[END + N_END * found + CORNER, m] = i
            found += 1
        if signs[i] * signs[j] < 0:
            if found == 2:
                return False
            for x in range(4):
                chords[END + N_END * found + x, m] = state.cut[k, x]
            chords[END + N_END * found + CORNER, m] = -1.0
            found += 1
            k += 1
    # The segment between two directions may pass through no point at all.
    return found == 2 and (chords[END + layout.W, m] > 0.0 or chords[END + N_END + layout.W, m] > 0.0)


@compiled_inline
def _load_chords(plan, state, layer, forms, pending, n_open, start, n):
    """Write all different chords with their ends; return their number, -1 if one is not certified."""
    chords, m = state.chords, 0
    rows = plan.layers[layer, layout.N_ROWS]
    for k in range(pending, pending + n_open):
        item = state.pending[k]
        if item >= rows and plan.units[plan.layers[layer, layout.UNIT0] + item - rows, layout.SIZE] != 2:
            return -1
        kind = _class_of(plan, layer, item)
        if kind != item and _is_repeated(state, m, kind):
            continue
        scale, one, two = _load_form(plan, state, layer, forms, item)
        if not prepare_cut(plan, state, state.poly, state.edges, start, n, scale, one, two):
            return -1
        if not _load_ends(state, start, n, m):
            return -1
        for x in range(3):
            chords[x, m] = state.cut[0, x]
        radius = state.cut[0, 3]
        chords[BASE, m], chords[FACTOR, m] = radius + 4.0 * plan.unit_roundoff * scale, scale + radius
        chords[CLASS, m] = kind
        m += 1
    return m


@compiled_inline
def _values(a, b, constant, x, y, w, out):
    """Write the values of forms, three arrays of shape (k,), at the point (x, y, w) to `out`, shape (k,)."""
    for k in range(len(out)):
        out[k] = a[k] * x + b[k] * y + constant[k] * w


@compiled_inline
def _sign(value, error):
    """Return the certified sign of a value with an error, or UNSURE."""
    if value > error:
        return 1
    if value < -error:
        return -1
    return 0 if value == 0.0 and error == 0.0 else 2


@compiled_inline
def _sort(low, high, n):
    """Sort n intervals, two arrays, by their lower ends (Shell 1959, with the gaps of Tokuda 1992)."""
    gap = 1
    while gap * 9 // 4 + 1 < n:
        gap = gap * 9 // 4 + 1
    while gap > 0:
        for i in range(gap, n):
            first, last, j = low[i], high[i], i
            while j >= gap and low[j - gap] > first:
                low[j], high[j] = low[j - gap], high[j - gap]
                j -= gap
            low[j], high[j] = first, last
        gap = 0 if gap == 1 else max(1, gap * 4 // 9)


@compiled_inline
def are_disjoint(low, high, n):
    """Return whether no two of n intervals, the arrays `low` and `high`, meet; sorts them."""
    _sort(low, high, n)
    for k in range(1, n):
        if not high[k - 1] < low[k]:
            return False
    return True


@compiled_inline
def place_of_crossing(at_p, error_p, at_q, error_q):
    """Return bounds of p / (p - q), for values of opposite signs with errors; (1, 0) if not certified."""
    at_p, at_q = abs(at_p), abs(at_q)
    whole = at_p + at_q
    if not (at_p > _MARGIN * error_p and at_q > _MARGIN * error_q and whole > _SMALL and whole < _LARGE):
        return 1.0, 0.0
    inverse = 1.0 / whole
    place = at_p * inverse
    # |a / (a + b) - t| <= (ea b + eb a) / ((a + b)(a + b - ea - eb)), the last factor >= 7/8 (a + b).
    error = 1.25 * (error_p * inverse * (at_q * inverse) + error_q * inverse * place) + 16.0 * _UNIT
    return place - error, place + error


@compiled_inner
def _crossings(plan, state, i, m):
    """Count the chords i + 1 to m - 1 that cross chord i, all in different points; -1 if not certified."""
    chords = state.chords
    p, q = chords[END : END + N_END, i], chords[END + N_END : END + 2 * N_END, i]
    for side in range(2):
        end = q if side else p
        _values(
            chords[A, i + 1 : m],
            chords[B, i + 1 : m],
            chords[C, i + 1 : m],
            end[layout.X],
            end[layout.Y],
            end[layout.W],
            chords[AT_Q if side else AT_P, i + 1 : m],
        )
    # Without constants the error of a form vanishes at the origin.
    size_p = max(abs(p[layout.X]), abs(p[layout.Y])) if plan.homogeneous else 1.0
    size_q = max(abs(q[layout.X]), abs(q[layout.Y])) if plan.homogeneous else 1.0
    low, high, n = chords[LOW], chords[HIGH], 0
    for j in range(i + 1, m):
        at_p, error_p = chords[AT_P, j], chords[BASE, j] * size_p + chords[FACTOR, j] * p[layout.RADIUS]
        at_q, error_q = chords[AT_Q, j], chords[BASE, j] * size_q + chords[FACTOR, j] * q[layout.RADIUS]
        sign_p, sign_q = _sign(at_p, error_p), _sign(at_q, error_q)
        if p[CORNER] >= 0.0 and _ends_at(chords, j, p[CORNER]):
            sign_p = 0
        if q[CORNER] >= 0.0 and _ends_at(chords, j, q[CORNER]):
            sign_q = 0
        if sign_p == 2 or sign_q == 2 or (sign_p == 0 and sign_q == 0):
            return -1
        if sign_p * sign_q >= 0:
            continue
        low[n], high[n] = place_of_crossing(at_p, error_p, at_q, error_q)
        if not low[n] < high[n]:
            return -1
        n += 1
    return n if are_disjoint(low, high, n) else -1


@compiled_inline
def _ends_at(chords, j, corner):
    """Return whether chord j ends in the vertex number `corner`."""
    return chords[END + CORNER, j] == corner or chords[END + N_END + CORNER, j] == corner


@compiled_inner
def count_chords(plan, state, layer, forms, pending, n_open, start, n):
    """Count the cells into which the open walls of the deepest layer cut a polygon.

    Returns 0 if that is not certified, or if some wall is not a line.
    """
    m = _load_chords(plan, state, layer, forms, pending, n_open, start, n)
    total = 1 + m
    for i in range(m):
        found = _crossings(plan, state, i, m)
        if found == -1:
            return 0
        total += found
    return total
