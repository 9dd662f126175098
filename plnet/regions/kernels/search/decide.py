"""One question of the search: on which sides of a wall a cell lies.

The witness shows one side of a wall. For the other side the wall is minimised over the cell; the end
is a point beyond the wall, or multipliers that show that there is none. Both are proved by
`search_proofs`, or follow from exact integers.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.regions.kernels.search import layout as c
from plnet.regions.kernels.search.boxes import spread_slack
from plnet.regions.kernels.search.dictionary import (
    append_cut,
    copy_table,
    corner,
    form_to_row,
    lower,
    rebuild,
    vertex,
)
from plnet.regions.kernels.search.proofs import inside, misses, misses_at_once

__all__ = ["copy_rest", "decide"]

_BEYOND, _SLACK, _NOISE, _OLD = 1e-9, 1e-9, 1e-12, 40


@compiled_inner
def copy_rest(plan, state, source, target):
    """Copy what a slot holds beside its dictionary."""
    for i in range(state.head[source, c.N_CUTS]):
        state.points[target, i] = state.points[source, i]
        state.factors[target, i] = state.factors[source, i]
        for j in range(4):
            state.cuts[target, i, j] = state.cuts[source, i, j]
    layer = state.head[source, c.LAYER]
    for i in range(plan.layers[layer, c.OUT0] + plan.layers[layer, c.N_OUT]):
        state.pieces[target, i] = state.pieces[source, i]
    wall0 = plan.layers[layer, c.WALL0]
    for i in range(wall0, wall0 + plan.layers[layer, c.N_WALLS]):
        state.sides[target, i] = state.sides[source, i]
    for j in range(state.scalars[c.SIZE]):
        state.witness[target, j] = state.witness[source, j]
    for i in range(plan.layers[layer, c.N_IN]):
        state.values[target, 0, i] = state.values[source, 0, i]
        state.values[target, 1, i] = state.values[source, 1, i]
    for i in (c.N_CUTS, c.LAYER, c.PHASE, c.ITEM, c.PIECE, c.RIVAL, c.SURE):
        state.head[target, i] = state.head[source, i]


@compiled_inner
def _wall_form(plan, state, layer, a, b, t, out):
    n = state.scalars[c.SIZE]
    size = 0.0
    for j in range(n):
        out[j] = state.forms[layer, a, j]
        if b >= 0:
            out[j] -= state.forms[layer, b, j]
    if plan.scaled:
        out[n - 1] -= t
    for j in range(n):
        size = max(size, abs(out[j]))
    return size


@compiled_inner
def _set_witness(plan, state, s, point, z, r):
    for j in range(state.scalars[c.SIZE]):
        state.witness[s, j] = point[j]
    for i in range(plan.layers[state.head[s, c.LAYER], c.N_IN]):
        state.values[s, 0, i] = z[i]
        state.values[s, 1, i] = r[i]
    state.head[s, c.SURE] = 1


@compiled_inner
def _witness_side(plan, state, s, a, b, t):
    """Side of a wall on which the witness is proved to lie: 1, -1, or 0 if unknown; and the distance."""
    if not state.head[s, c.SURE]:
        return 0, 0.0
    z, r = state.values[s, 0], state.values[s, 1]
    value, error = z[a], r[a]
    if b >= 0:
        value -= z[b]
        error += r[b] + 2.0 * plan.roundoff * (abs(z[a]) + abs(z[b]))
    elif plan.scaled:
        shift = t * state.witness[s, state.scalars[c.SIZE] - 1]
        value -= shift
        error += 2.0 * plan.roundoff * (abs(z[a]) + abs(shift)) + (plan.floor if t != 0.0 else 0.0)
    error *= 1.0 + 1e-9
    if value > error:
        return 1, value
    if value < -error:
        return -1, -value
    return 0, 0.0


@compiled_inner
def _note_cut(plan, state, s, layer, a, b, t, sign, size):
    at = state.head[s, c.N_CUTS]
    state.cuts[s, at, c.CUT_LAYER] = layer
    state.cuts[s, at, c.CUT_A] = a
    state.cuts[s, at, c.CUT_B] = b
    state.cuts[s, at, c.CUT_SIDE] = c.ABOVE if sign > 0 else c.BELOW
    state.points[s, at] = t
    state.factors[s, at] = 1.0 if plan.exact else 1.0 / size


@compiled_inner
def _find_point(plan, state, s, layer, form, sign, distance):
    """Look for a point inside a slot's cell, whose last cut has just been made; set it as witness.

    The old witness, at `distance` on the other side of the cut, is the start of the second attempt.
    """
    n = state.scalars[c.SIZE]
    point, z, r = state.work[13], state.work[10], state.work[11]
    if corner(state, s, point) == 1 and inside(plan, state, s, layer, point, z, r):
        _set_witness(plan, state, s, point, z, r)
        return True
    if distance <= 0.0:
        return False
    end = state.work[14]
    vertex(state, s, end)
    depth = 0.0
    for j in range(n):
        depth += sign * form[j] * end[j]
    if depth > 0.0:
        crossing = distance / (distance + depth)
        for attempt in range(3):
            share = crossing + (1.0 - crossing) * (0.5 if attempt == 0 else (0.1 if attempt == 1 else 0.9))
            for j in range(n):
                point[j] = state.witness[s, j] + share * (end[j] - state.witness[s, j])
            if inside(plan, state, s, layer, point, z, r):
                _set_witness(plan, state, s, point, z, r)
                return True
    return False


@compiled_inner
def _drop_cut(state, s):
    state.head[s, c.N_CUTS] -= 1
    state.head[s, c.N_ROWS] -= 1


@compiled_inner
def _twin(plan, state, s, layer, a, b, t, form, size, sign):
    """Make slot s + 1, which has the dictionary before the search, the part on the witness's side."""
    other = s + 1
    rows = state.head[other, c.N_ROWS]
    form_to_row(state, other, form, -sign, rows)
    if state.table[other, rows, 0] > 0.0:
        lower(state, other, 0.0, plan.exact)
    _note_cut(plan, state, other, layer, a, b, t, sign, size)
    append_cut(state, other, form, sign)
    state.scalars[c.WITNESS_SIDE] = 1 if sign > 0 else -1


@compiled_inner
def _split_as_told(plan, state, s, layer, a, b, t, form, size):
    """Split a cell by a wall that is known to cross it; slot s + 1 gets the upper part."""
    copy_table(state, s, s + 1)
    copy_rest(plan, state, s, s + 1)
    _twin(plan, state, s, layer, a, b, t, form, size, 1.0)
    rows = state.head[s, c.N_ROWS]
    form_to_row(state, s, form, 1.0, rows)
    if state.table[s, rows, 0] > 0.0:
        lower(state, s, 0.0, plan.exact)
    _note_cut(plan, state, s, layer, a, b, t, -1.0, size)
    append_cut(state, s, form, -1.0)
    for side in range(2):
        slot, point = s + side, state.given[side]
        z, r = state.work[10], state.work[11]
        state.head[slot, c.SURE] = 0
        if inside(plan, state, slot, layer, point, z, r):
            _set_witness(plan, state, slot, point, z, r)
        else:
            _find_point(plan, state, slot, layer, form, 1.0, 0.0)


@compiled_inner
def _decide_exactly(plan, state, s, layer, a, b, t, form, size, splitting):
    """Decide in integers on which sides of a wall a cell lies."""
    n = state.scalars[c.SIZE]
    side, distance = _witness_side(plan, state, s, a, b, t)
    if splitting:
        copy_table(state, s, s + 1)
    rows = state.head[s, c.N_ROWS]
    form_to_row(state, s, form, 1.0, rows)
    flat = True
    for j in range(n):
        flat = flat and state.table[s, rows, j] == 0.0
    if flat:
        return c.FLAT
    above, below = state.table[s, rows, 0] > 0.0, state.table[s, rows, 0] < 0.0
    status = 0
    if not below:
        status = lower(state, s, 0.0, True)
        below = status == 1
    if not above and status >= 0:
        other = s + 1 if splitting else s
        rows = state.head[other, c.N_ROWS]
        form_to_row(state, other, form, -1.0, rows)
        status = lower(state, other, 0.0, True)
        above = status == 1
    if status < 0:
        return c.UNDECIDED
    if not above or not below:
        return c.ABOVE if above else c.BELOW
    if not splitting:
        return c.BOTH
    copy_rest(plan, state, s, s + 1)
    _note_cut(plan, state, s, layer, a, b, t, -1.0, size)
    append_cut(state, s, form, -1.0)
    _note_cut(plan, state, s + 1, layer, a, b, t, 1.0, size)
    append_cut(state, s + 1, form, 1.0)
    state.scalars[c.WITNESS_SIDE] = 1
    if side != -1:
        state.head[s, c.SURE] = 0
        _find_point(plan, state, s, layer, form, -1.0, distance if side == 1 else 0.0)
    if side != 1:
        state.head[s + 1, c.SURE] = 0
        _find_point(plan, state, s + 1, layer, form, 1.0, distance if side == -1 else 0.0)
    return c.BOTH


@compiled_inner
def _slackened(plan, state, s, before, form, size, sign, out):
    """Subtract small multiples of what holds for the units of layer `before`: room for rounding.

    Where the wall and the units of some layer vanish together in a direction to infinity, the
    multipliers of the wall itself are at the border of what can be proved; those of the smaller form
    are inside, and what was subtracted is left for the bounds of the units' pieces.
    """
    n = state.scalars[c.SIZE]
    for j in range(n):
        out[j] = sign * form[j]
    if plan.scaled:
        out[n - 1] -= _SLACK * size
    head = plan.layers[before]
    if head[c.IS_GROUP]:
        return
    for i in range(head[c.N_OUT]):
        unit = head[c.OUT0] + i
        piece = state.pieces[s, unit]
        low, high = plan.low[unit, piece], plan.high[unit, piece]
        if plan.slopes[unit, piece] == 0.0 or (low < -1e300 and high > 1e300):
            continue
        side, bound = (1.0, low) if low > -1e300 else (-1.0, high)
        largest = 0.0
        for j in range(n):
            largest = max(largest, abs(state.forms[before, i, j]))
        if largest > 0.0:
            factor = side * _SLACK * size / largest
            for j in range(n):
                out[j] -= factor * state.forms[before, i, j]
            if plan.scaled:
                out[n - 1] += factor * bound


@compiled_inner
def _misses_by_objective(plan, state, s, layer, a, b, t, sign):
    """Try to prove that a wall misses a cell by the multipliers of an optimal objective."""
    n, n_facets = state.scalars[c.SIZE], state.scalars[c.N_FACETS]
    rows, multipliers = state.head[s, c.N_ROWS], state.work[15]
    for i in range(n_facets + state.head[s, c.N_CUTS]):
        multipliers[i] = 0.0
    largest = 0.0
    for j in range(n):
        largest = max(largest, abs(state.table[s, rows, j]))
    for j in range(1, n):
        # Rounding leaves multipliers where there are none; they would spoil exact cancellations.
        if state.free[s, j] >= n and state.table[s, rows, j] > _NOISE * largest:
            m, cut = state.table[s, rows, j], state.free[s, j] - n - n_facets
            multipliers[cut + n_facets] = m if cut < 0 else m * state.factors[s, cut]
    if state.scalars[c.BOXED]:
        spread_slack(state, s, multipliers)
    return misses(plan, state, s, layer, a, b, t, sign, multipliers)


@compiled_inner
def _look_beyond(plan, state, s, layer, a, b, t, form, size, sign, distance):
    """Search the part of a cell on the other side of a wall than the witness.

    Returns BOTH with the cut made in slot s and a witness there, FLAT with a proof that there is no
    such part, or UNDECIDED.
    """
    for attempt in range(2):
        rows = state.head[s, c.N_ROWS]
        form_to_row(state, s, form, sign, rows)
        goal = -_BEYOND * size
        for _effort in range(2):
            status = lower(state, s, goal, False)
            if status == 0:
                if _misses_by_objective(plan, state, s, layer, a, b, t, sign):
                    return c.FLAT
                if state.table[s, rows, 0] > -_BEYOND * size:
                    for step in range(layer):
                        smaller = state.work[14]
                        _slackened(plan, state, s, layer - 1 - step, form, size, sign, smaller)
                        form_to_row(state, s, smaller, 1.0, rows)
                        if lower(state, s, -1e300, False) == 0 and _misses_by_objective(
                            plan, state, s, layer, a, b, t, sign
                        ):
                            return c.FLAT
                    form_to_row(state, s, form, sign, rows)
            if state.table[s, rows, 0] < 0.0:
                _note_cut(plan, state, s, layer, a, b, t, -sign, size)
                append_cut(state, s, form, -sign)
                if _find_point(plan, state, s, layer, form, -sign, distance):
                    return c.BOTH
                _drop_cut(state, s)
                form_to_row(state, s, form, sign, rows)
            if status != 1:
                break
            goal = -1e300
        if attempt == 1 or rebuild(plan, state, s) == 0:
            break
    return c.UNDECIDED


@compiled_inner
def decide(plan, state, s, layer, a, b, t, splitting):
    """Say on which sides of a wall a cell lies; make both parts if there are two and they are wanted.

    The part of the witness's side goes to slot s + 1, the other one to slot s.
    """
    state.scalars[c.WORK] += 1
    form = state.work[12]
    size = _wall_form(plan, state, layer, a, b, t, form)
    answer = state.scalars[c.ANSWER]
    if answer != c.UNDECIDED:
        state.scalars[c.ANSWER] = c.UNDECIDED
        if answer == c.BOTH and splitting:
            _split_as_told(plan, state, s, layer, a, b, t, form, size)
        return answer
    if plan.exact:
        return _decide_exactly(plan, state, s, layer, a, b, t, form, size, splitting)
    if size == 0.0:
        multipliers = state.work[15]
        for i in range(state.scalars[c.N_FACETS] + state.head[s, c.N_CUTS]):
            multipliers[i] = 0.0
        if misses(plan, state, s, layer, a, b, t, 1.0, multipliers) and misses(
            plan, state, s, layer, a, b, t, -1.0, multipliers
        ):
            return c.FLAT
    side, distance = _witness_side(plan, state, s, a, b, t)
    if side == 0:
        point, z, r = state.work[13], state.work[10], state.work[11]
        if corner(state, s, point) == 1 and inside(plan, state, s, layer, point, z, r):
            _set_witness(plan, state, s, point, z, r)
            side, distance = _witness_side(plan, state, s, a, b, t)
        if side == 0:
            return c.UNDECIDED
    sign = float(side)
    if misses_at_once(plan, state, s, layer, a, b, t, sign):
        return c.ABOVE if side > 0 else c.BELOW
    if state.head[s, c.PIVOTS] > _OLD and rebuild(plan, state, s) == 0:
        return c.UNDECIDED
    if splitting:
        copy_table(state, s, s + 1)
        copy_rest(plan, state, s, s + 1)
    found = _look_beyond(plan, state, s, layer, a, b, t, form, size, sign, distance)
    if found == c.FLAT:
        return c.ABOVE if side > 0 else c.BELOW
    if found == c.BOTH:
        if splitting:
            _twin(plan, state, s, layer, a, b, t, form, size, sign)
        else:
            _drop_cut(state, s)
    return found
