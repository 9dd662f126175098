"""Certified signs of forms on a cone in any dimension, and cuts through it by double description.

Known algorithm: the double description method (Motzkin, Raiffa, Thompson and Thrall 1953; Fukuda and
Prodon 1996). A new ray lies where an edge crosses the cut: a combination of the two rays of the edge. Two
rays span an edge if no third one lies on all the walls that they share; where one of the two lies on d
walls only, sharing d - 1 is enough. A wall that is no longer a facet does no harm in this test, as long
as every ray on it knows it.

Ours differs in that it is certified: the radius of a new ray follows from those of the two rays, from the
errors of the form at both, and from the angle between edge and cut. A ray whose radius has grown too far
on this way is computed anew from the walls it lies on. Arguments as in the layouts.
"""

from __future__ import annotations

from math import sqrt

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout
from plnet.regions.kernels.bits import contains, has_bit, intersect, popcount, set_bit, size_of
from plnet.regions.kernels.spatial import layout as spatial
from plnet.regions.kernels.spatial.refine import LARGEST_ENTRY, refine

__all__ = [
    "copy_cell",
    "cross",
    "cut_sides",
    "length_of",
    "prepare_cut",
    "sign_at",
    "write_half",
    "write_other_half",
]


@compiled_inline
def length_of(limits, form):
    """Return the Euclidean length of a form, rounded up."""
    total = 0.0
    for m in range(limits.d + 1):
        total += form[m] * form[m]
    return sqrt(total) * (1.0 + 1e-12)


@compiled_inline
def sign_at(limits, form, length, ray):
    """Return (value, error, sign) of a form at a ray, shape (d + 2,); the sign is certified, or UNSURE."""
    value, size = 0.0, 0.0
    if limits.exact:
        for m in range(limits.d + 1):
            product = form[m] * ray[m]
            value += product
            size += abs(product)
        if not size <= limits.bound:
            return value, size, layout.UNSURE
        return value, 0.0, (1 if value > 0.0 else -1 if value < 0.0 else 0)
    for m in range(limits.d + 1):
        value += form[m] * ray[m]
    if limits.homogeneous:
        # Without constants the error of a form vanishes at the origin.
        for m in range(limits.d):
            size = max(size, abs(ray[m]))
    else:
        size = LARGEST_ENTRY
    radius, blur = form[limits.d + 1], ray[limits.d + 1]
    error = (radius + limits.rounding * length) * size + (length + radius) * blur
    if value > error:
        return value, error, 1
    if value < -error:
        return value, error, -1
    if error == 0.0 and value == 0.0:
        return value, error, 0
    return value, error, layout.UNSURE


@compiled_inner
def cut_sides(limits, state, length, poly, start, n):
    """Return whether the form in `cut` is somewhere POSITIVE, NEGATIVE, BOTH, neither (0), or UNDECIDED."""
    sides = 0
    unsure = False
    for v in range(start, start + n):
        _, _, sign = sign_at(limits, state.cut, length, poly[v])
        if sign == 1:
            sides |= layout.POSITIVE
        elif sign == -1:
            sides |= layout.NEGATIVE
        elif sign == layout.UNSURE:
            unsure = True
        if sides == layout.BOTH:
            return layout.BOTH
    return layout.UNDECIDED if unsure else sides


@compiled_inner
def prepare_cut(limits, state, length, poly, tight, start, n):
    """Write values, errors and signs of the form in `cut` at all rays, and on how many walls each lies.

    Returns False if a sign is not certified.
    """
    for i in range(n):
        value, error, sign = sign_at(limits, state.cut, length, poly[start + i])
        if sign == layout.UNSURE:
            return False
        state.values[spatial.AT, i], state.values[spatial.ERROR, i] = value, error
        state.signs[spatial.SIGN, i] = sign
        state.signs[spatial.TIES, i] = size_of(tight[start + i])
    return True


@compiled_inline
def _gather_below(limits, state, tight, start, n):
    """List the rays below the cut in `below`, with their walls; return how many."""
    size = 0
    for i in range(n):
        if state.signs[spatial.SIGN, i] < 0:
            state.below[size] = i
            for w in range(limits.words):
                state.below_tight[size, w] = tight[start + i, w]
            size += 1
    return size


@compiled_inline
def _next_sharing(limits, state, walls, k, size):
    """Return the first of `size` listed rays from number k on that may span an edge with a ray on `walls`.

    It shares d - 1 walls with it at least. Returns `size` if there is none.
    """
    least = limits.d - 1
    if limits.words == 1:
        word = walls[0]
        while k < size and popcount(word & state.below_tight[k, 0]) < least:
            k += 1
        return k
    while k < size and intersect(walls, state.below_tight[k], state.common) < least:
        k += 1
    return k


@compiled_inline
def _is_edge(limits, state, tight, start, n, p, q):
    """Return whether rays p and q, which share enough walls, span an edge; leaves these walls in `common`."""
    intersect(tight[start + p], tight[start + q], state.common)
    if state.signs[spatial.TIES, p] == limits.d or state.signs[spatial.TIES, q] == limits.d:
        return True
    for i in range(n):
        if i != p and i != q and contains(tight[start + i], state.common):
            return False
    return True


@compiled_inline
def _is_through_origin(limits, state, table):
    """Return whether the cut and all walls in `common`, bits of the table, have no constant."""
    if not limits.homogeneous or state.cut[limits.d] != 0.0:
        return False
    for bit in range(64 * limits.words):
        if has_bit(state.common, bit) and state.records[state.tables[table + bit], limits.d] != 0.0:
            return False
    return True


@compiled_inline
def _gcd(a, b):
    """Return the greatest common divisor of two integers >= 0 (Euclid)."""
    while b != 0:
        a, b = b, a % b
    return a


@compiled_inline
def _cross_exactly(limits, above, below, p, q, out):
    """Write the integer ray between p and q, at heights `above` > 0 and `below` < 0, to `out`.

    All three have shape (d + 2,). Returns False if it may not fit.
    """
    above_height, below_height = above * limits.scale, -below * limits.scale
    most = 0.0
    for m in range(limits.d + 1):
        most = max(most, abs(above_height * q[m]) + abs(below_height * p[m]))
    # The heights are integers below 2**53 by the test at each ray; the sum must fit 62 bits.
    if not (most < 4e18 and above_height < 9e15 and below_height < 9e15):
        return False
    first, second, divisor = int(above_height), int(below_height), 0
    for m in range(limits.d + 1):
        divisor = _gcd(divisor, abs(first * int(q[m]) + second * int(p[m])))
    for m in range(limits.d + 1):
        entry = (first * int(q[m]) + second * int(p[m])) // divisor
        if abs(entry) > 4503599627370496:
            return False
        out[m] = float(entry)
    out[limits.d + 1] = 0.0
    return True


@compiled_inline
def cross(limits, state, i, j, p, q, out):
    """Write the ray where the edge from ray p, number i, above the cut to ray q, number j, below meets it.

    All three have shape (d + 2,). Returns False if it is not certified.
    """
    above, below = state.values[spatial.AT, i], state.values[spatial.AT, j]
    if limits.exact:
        return _cross_exactly(limits, above, below, p, q, out)
    d = limits.d
    whole = above - below
    u, v = above / whole, -below / whole
    step, most = 0.0, 0.0
    for m in range(d + 1):
        x = u * q[m] + v * p[m]
        difference = p[m] - q[m]
        step += difference * difference
        most = max(most, abs(x))
        out[m] = x
    blur = u * q[d + 1] + v * p[d + 1]
    error, other = state.values[spatial.ERROR, i], state.values[spatial.ERROR, j]
    left = whole - error - other
    if not (left > 0.0 and most > 1e-100):
        return False
    step = sqrt(step) + p[d + 1] + q[d + 1]
    radius = blur + (error * v + other * u) / left * step + 16.0 * limits.unit * sqrt(d + 1.0)
    if most != 1.0:
        inverse = 1.0 / most
        for m in range(d + 1):
            out[m] *= inverse
        radius = radius * inverse + 4.0 * limits.unit * sqrt(d + 1.0)
    out[d + 1] = radius * (1.0 + 1e-9)
    return radius < 0.5


@compiled_inner
def _new_rays(limits, state, poly, tight, start, n, bit, table, target, target_tight, at):
    """Write the rays on the cut; return their number, -1 if one is not certified, -2 without room."""
    row, size = at, _gather_below(limits, state, tight, start, n)
    for i in range(n):
        if state.signs[spatial.SIGN, i] <= 0:
            continue
        k = -1
        while True:
            k = _next_sharing(limits, state, tight[start + i], k + 1, size)
            if k == size:
                break
            j = state.below[k]
            if not _is_edge(limits, state, tight, start, n, i, j):
                continue
            if row >= target.shape[0]:
                return -2
            if not limits.exact and _is_through_origin(limits, state, table):
                for m in range(limits.d + 2):
                    target[row, m] = 0.0
                target[row, limits.d] = 1.0
            elif not cross(limits, state, i, j, poly[start + i], poly[start + j], target[row]):
                return -1
            elif target[row, limits.d + 1] > limits.refine_above:
                refine(limits, state, table, target[row])
            for w in range(limits.words):
                target_tight[row, w] = state.common[w]
            set_bit(target_tight[row], bit)
            row += 1
    return row - at


@compiled_inline
def copy_cell(limits, poly, tight, start, n, target, target_tight, at):
    """Copy the rays of a cell, as many columns as the target has."""
    for i in range(n):
        for m in range(target.shape[1]):
            target[at + i, m] = poly[start + i, m]
        for w in range(limits.words):
            target_tight[at + i, w] = tight[start + i, w]


@compiled_inline
def _keep(limits, state, poly, tight, start, n, bit, side, target, target_tight, at):
    """Write the rays on one side (1 or -1) of the cut and on it; return how many."""
    row = at
    for i in range(n):
        sign = state.signs[spatial.SIGN, i] * side
        if sign >= 0:
            for m in range(limits.d + 2):
                target[row, m] = poly[start + i, m]
            for w in range(limits.words):
                target_tight[row, w] = tight[start + i, w]
            if sign == 0:
                set_bit(target_tight[row], bit)
            row += 1
    return row - at


@compiled_inner
def write_half(limits, state, poly, tight, start, n, bit, side, table, target, target_tight, at):
    """Write the part of a cell on one side (1 or -1) of the cut that `prepare_cut` looked at.

    `bit` stands for the cut. Returns (kept rays, new rays), the latter negative as from `_new_rays`.
    """
    if at + n >= target.shape[0]:
        return 0, -2
    kept = _keep(limits, state, poly, tight, start, n, bit, side, target, target_tight, at)
    made = _new_rays(limits, state, poly, tight, start, n, bit, table, target, target_tight, at + kept)
    return kept, made


@compiled_inner
def write_other_half(limits, state, poly, tight, start, n, bit, side, target, target_tight, at, new, made):
    """Write the other part; its new rays are the `made` ones from row `new` of the target on.

    Returns its size, -2 without room.
    """
    if at + n + made >= target.shape[0]:
        return -2
    kept = _keep(limits, state, poly, tight, start, n, bit, side, target, target_tight, at)
    copy_cell(limits, target, target_tight, new, made, target, target_tight, at + kept)
    return kept + made
