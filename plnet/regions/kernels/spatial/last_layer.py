"""Regions of the deepest layer inside one cell of dimension 3, counted without visiting them.

Planes ``H_1, ..., H_m`` cut a convex cell P into ``1 + sum_i f_i`` parts, f_i the number of parts
into which the earlier planes cut the polygon ``P & H_i`` (deletion and restriction, Zaslavsky 1975).
The polygons are counted as in `plnet.regions.kernels.planar.last_layer`; what is not certified is left to
the enumeration. The polygon in work is in `scratch`, chord m in row m of `SpatialState.chords`.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout
from plnet.regions.kernels.bits import has_bit, intersect
from plnet.regions.kernels.planar.last_layer import are_disjoint, place_of_crossing
from plnet.regions.kernels.spatial import layout as spatial
from plnet.regions.kernels.spatial.cuts import free_bit
from plnet.regions.kernels.spatial.forms import take_row
from plnet.regions.kernels.spatial.polytopes import cross, prepare_cut, sign_at, write_half

__all__ = ["count_planes"]

# Columns of SpatialState.chords: form, radius and length; the two ends, each with its radius and corner.
LENGTH, END, N_END, CORNER = 5, 6, 6, 5
# Rows of SpatialState.places: the planes, and bounds of the crossings on one chord.
ITEM, LOW, HIGH = range(3)
# Row of SpatialState.marks that holds the corners of a polygon in order.
RING = layout.SIGNS


@compiled_inline
def _most_rays(state):
    """Return how many rays the buffers for one cut hold."""
    return min(state.values.shape[1], state.signs.shape[1], state.below.shape[0], state.marks.shape[1])


@compiled_inline
def _load_items(plan, state, layer, pending, n_open):
    """Write the different planes among the open items to `places`; return how many, -1 if one is a group."""
    rows, row0, m = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0], 0
    for k in range(pending, pending + n_open):
        item = state.pending[k]
        if item >= rows:
            return -1
        kind, repeated = plan.rows[row0 + item, layout.CLASS], False
        if kind != item:
            for i in range(m):
                repeated |= plan.rows[row0 + int(state.places[ITEM, i]), layout.CLASS] == kind
        if not repeated:
            state.places[ITEM, m] = item
            m += 1
    return m


@compiled_inline
def _load_section(limits, state, length, table, start, n):
    """Write the polygon in which the plane in `cut` meets a cell to `scratch`, and its order to `marks`.

    Returns the number of corners, 0 if it is not certified.
    """
    bit = free_bit(limits, state.tight, start, n)
    if bit < 0 or not prepare_cut(limits, state, length, state.poly, state.tight, start, n):
        return 0
    poly, tight = state.scratch[0], state.scratch_tight[0]
    kept, made = write_half(limits, state, state.poly, state.tight, start, n, bit, 1, table, poly, tight, 0)
    if made < 0:
        return 0
    size = 0
    for i in range(kept + made):
        if has_bit(tight[i], bit):
            for m in range(limits.d + 2):
                poly[size, m] = poly[i, m]
            for w in range(limits.words):
                tight[size, w] = tight[i, w]
            size += 1
    return size if size <= _most_rays(state) and _load_ring(state, tight, size) else 0


@compiled_inline
def _load_ring(state, tight, n):
    """Put the n corners of a polygon in order: neighbours share a wall besides the plane.

    Returns whether they form one ring.
    """
    ring, before, here = state.marks[RING], -1, 0
    for k in range(n):
        ring[k] = here
        after, found = -1, 0
        for i in range(n):
            if i != here and intersect(tight[here], tight[i], state.common) > 1:
                found += 1
                after = i if i != before else after
        if found != 2 or (k + 1 < n and (after == 0 or after < 0)):
            return False
        before, here = here, after
    return n > 2 and here == 0


@compiled_inline
def _load_chord(limits, state, length, n, m):
    """Write the chord that the plane in `cut` makes in the polygon with n corners as chord m.

    Returns 1, 0 if there is none, -1 if it is not certified.
    """
    poly = state.scratch[0]
    if not prepare_cut(limits, state, length, poly, state.scratch_tight[0], 0, n):
        return -1
    chord, ring, signs = state.chords[m], state.marks[RING], state.signs[spatial.SIGN]
    below = above = False
    for i in range(n):
        below |= signs[i] < 0
        above |= signs[i] > 0
    if not (below and above):
        return 0 if below or above else -1
    found = 0
    for k in range(n):
        i, j = ring[k], ring[k + 1 if k + 1 < n else 0]
        if signs[i] != 0 and signs[i] * signs[j] >= 0:
            continue
        if found == 2:
            return -1
        end = chord[END + N_END * found : END + N_END * (found + 1)]
        if signs[i] == 0:
            for x in range(limits.d + 2):
                end[x] = poly[i, x]
        else:
            p, q = (i, j) if signs[i] > 0 else (j, i)
            if not cross(limits, state, p, q, poly[p], poly[q], end):
                return -1
        end[CORNER] = i if signs[i] == 0 else -1.0
        found += 1
    for x in range(limits.d + 2):
        chord[x] = state.cut[x]
    chord[LENGTH] = length
    return 1 if found == 2 else -1


@compiled_inline
def _sign_at_end(limits, state, j, end):
    """Return (value, error, sign or UNSURE) of the form of chord j at an end, shape (6,), of another one."""
    chord = state.chords[j]
    value, error, sign = sign_at(limits, chord, chord[LENGTH], end)
    if end[CORNER] >= 0.0 and (
        chord[END + CORNER] == end[CORNER] or chord[END + N_END + CORNER] == end[CORNER]
    ):
        sign = 0
    return value, error, sign


@compiled_inner
def _crossings(limits, state, i, m):
    """Count the chords i + 1 to m - 1 that cross chord i, all in different points; -1 if not certified."""
    p, q = state.chords[i, END : END + N_END], state.chords[i, END + N_END : END + 2 * N_END]
    low, high, n = state.places[LOW], state.places[HIGH], 0
    for j in range(i + 1, m):
        at_p, error_p, sign_p = _sign_at_end(limits, state, j, p)
        at_q, error_q, sign_q = _sign_at_end(limits, state, j, q)
        if sign_p == layout.UNSURE or sign_q == layout.UNSURE or (sign_p == 0 and sign_q == 0):
            return -1
        if sign_p * sign_q >= 0:
            continue
        low[n], high[n] = place_of_crossing(at_p, error_p, at_q, error_q)
        if not low[n] < high[n]:
            return -1
        n += 1
    return n if are_disjoint(low, high, n) else -1


@compiled_inline
def _take(plan, limits, state, layer, forms, k):
    """Copy plane k to `cut` and return its length."""
    item = int(state.places[ITEM, k])
    take_row(plan, limits, state, layer, forms, item)
    return state.work[layout.SCALE, plan.layers[layer, layout.ROW0] + item]


@compiled_inner
def count_planes(plan, limits, state, layer, forms, table, pending, n_open, start, n):
    """Count the parts into which the open walls of the deepest layer cut a cell of dimension 3.

    Returns 0 if that is not certified, or if some wall is not a plane.
    """
    if limits.d != 3 or limits.homogeneous or n > _most_rays(state):
        return 0
    total, m = 1, _load_items(plan, state, layer, pending, n_open)
    if m < 0:
        return 0
    for k in range(m):
        corners = _load_section(limits, state, _take(plan, limits, state, layer, forms, k), table, start, n)
        if corners == 0:
            return 0
        chords = 0
        for j in range(k):
            made = _load_chord(limits, state, _take(plan, limits, state, layer, forms, j), corners, chords)
            if made == -1:
                return 0
            chords += made
        total += 1 + chords
        for i in range(chords):
            found = _crossings(limits, state, i, chords)
            if found == -1:
                return 0
            total += found
    return total
