"""One question of the search: on which sides of a wall a cell lies.

The witness shows one side of a wall. For the other side the wall is minimised over the cell; the end
is a point beyond the wall, or multipliers that show that there is none. Both are proved by
`proofs`, or follow from exact integers. Answers are UNDECIDED, ABOVE, BELOW, BOTH or FLAT.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.regions.kernels.search import layout
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
    """Copy what slot `source` holds beside its dictionary to slot `target`."""
    for i in range(state.head[source, layout.N_CUTS]):
        state.points[target, i] = state.points[source, i]
        state.factors[target, i] = state.factors[source, i]
        for j in range(4):
            state.cuts[target, i, j] = state.cuts[source, i, j]
    layer = state.head[source, layout.LAYER]
    for i in range(plan.layers[layer, layout.OUT0] + plan.layers[layer, layout.N_OUT]):
        state.pieces[target, i] = state.pieces[source, i]
    wall0 = plan.layers[layer, layout.WALL0]
    for i in range(wall0, wall0 + plan.layers[layer, layout.N_WALLS]):
        state.sides[target, i] = state.sides[source, i]
    for j in range(state.scalars[layout.SIZE]):
        state.witness[target, j] = state.witness[source, j]
    for i in range(plan.layers[layer, layout.N_IN]):
        state.values[target, 0, i] = state.values[source, 0, i]
        state.values[target, 1, i] = state.values[source, 1, i]
    for i in layout.COPIED:
        state.head[target, i] = state.head[source, i]


@compiled_inner
def _wall_form(plan, state, layer, first, second, offset, out):
    """Write a wall as a form in u to `out`, shape (N,); return its largest entry."""
    n = state.scalars[layout.SIZE]
    size = 0.0
    for j in range(n):
        out[j] = state.forms[layer, first, j]
        if second >= 0:
            out[j] -= state.forms[layer, second, j]
    if plan.scaled:
        out[n - 1] -= offset
    for j in range(n):
        size = max(size, abs(out[j]))
    return size


@compiled_inner
def _set_witness(plan, state, slot, point, z, radii):
    """Make a point with its pre-activations, proved to lie in the cell, the witness of a slot."""
    for j in range(state.scalars[layout.SIZE]):
        state.witness[slot, j] = point[j]
    for i in range(plan.layers[state.head[slot, layout.LAYER], layout.N_IN]):
        state.values[slot, 0, i] = z[i]
        state.values[slot, 1, i] = radii[i]
    state.head[slot, layout.SURE] = 1


@compiled_inner
def _witness_side(plan, state, slot, first, second, offset):
    """Side of a wall on which the witness is proved to lie: 1, -1, or 0 if unknown; and the distance."""
    if not state.head[slot, layout.SURE]:
        return 0, 0.0
    z, radii = state.values[slot, 0], state.values[slot, 1]
    value, error = z[first], radii[first]
    if second >= 0:
        value -= z[second]
        error += radii[second] + 2.0 * plan.roundoff * (abs(z[first]) + abs(z[second]))
    elif plan.scaled:
        shift = offset * state.witness[slot, state.scalars[layout.SIZE] - 1]
        value -= shift
        error += 2.0 * plan.roundoff * (abs(z[first]) + abs(shift)) + (plan.floor if offset != 0.0 else 0.0)
    error *= 1.0 + 1e-9
    if value > error:
        return 1, value
    if value < -error:
        return -1, -value
    return 0, 0.0


@compiled_inner
def _note_cut(plan, state, slot, layer, first, second, offset, sign, size):
    """Write a wall as the next cut of a slot, on the side of `sign`; it is counted by `append_cut`."""
    at = state.head[slot, layout.N_CUTS]
    state.cuts[slot, at, layout.CUT_LAYER] = layer
    state.cuts[slot, at, layout.CUT_A] = first
    state.cuts[slot, at, layout.CUT_B] = second
    state.cuts[slot, at, layout.CUT_SIDE] = layout.ABOVE if sign > 0 else layout.BELOW
    state.points[slot, at] = offset
    state.factors[slot, at] = 1.0 if plan.exact else 1.0 / size


@compiled_inner
def _find_point(plan, state, slot, layer, form, sign, distance):
    """Look for a point inside a slot's cell, whose last cut has just been made; set it as witness.

    The old witness, at `distance` on the other side of the cut, is the start of the second attempt. Returns
    whether a point was found.
    """
    n = state.scalars[layout.SIZE]
    point, z, radii = state.work[13], state.work[10], state.work[11]
    if corner(state, slot, point) == 1 and inside(plan, state, slot, layer, point, z, radii):
        _set_witness(plan, state, slot, point, z, radii)
        return True
    if distance <= 0.0:
        return False
    end = state.work[14]
    vertex(state, slot, end)
    depth = 0.0
    for j in range(n):
        depth += sign * form[j] * end[j]
    if depth > 0.0:
        crossing = distance / (distance + depth)
        for attempt in range(3):
            share = crossing + (1.0 - crossing) * (0.5 if attempt == 0 else (0.1 if attempt == 1 else 0.9))
            for j in range(n):
                point[j] = state.witness[slot, j] + share * (end[j] - state.witness[slot, j])
            if inside(plan, state, slot, layer, point, z, radii):
                _set_witness(plan, state, slot, point, z, radii)
                return True
    return False


@compiled_inner
def _drop_cut(state, slot):
    """Take back the last cut of a slot."""
    state.head[slot, layout.N_CUTS] -= 1
    state.head[slot, layout.N_ROWS] -= 1


@compiled_inner
def _twin(plan, state, slot, layer, first, second, offset, form, size, sign):
    """Make slot + 1, which has the dictionary before the search, the part on the witness's side."""
    other = slot + 1
    rows = state.head[other, layout.N_ROWS]
    form_to_row(state, other, form, -sign, rows)
    if state.table[other, rows, 0] > 0.0:
        lower(state, other, 0.0, plan.exact)
    _note_cut(plan, state, other, layer, first, second, offset, sign, size)
    append_cut(state, other, form, sign)
    state.scalars[layout.WITNESS_SIDE] = 1 if sign > 0 else -1


@compiled_inner
def _split_as_told(plan, state, slot, layer, first, second, offset, form, size):
    """Split a cell by a wall that is known to cross it; slot + 1 gets the upper part."""
    copy_table(state, slot, slot + 1)
    copy_rest(plan, state, slot, slot + 1)
    _twin(plan, state, slot, layer, first, second, offset, form, size, 1.0)
    rows = state.head[slot, layout.N_ROWS]
    form_to_row(state, slot, form, 1.0, rows)
    if state.table[slot, rows, 0] > 0.0:
        lower(state, slot, 0.0, plan.exact)
    _note_cut(plan, state, slot, layer, first, second, offset, -1.0, size)
    append_cut(state, slot, form, -1.0)
    for side in range(2):
        part, point = slot + side, state.given[side]
        z, radii = state.work[10], state.work[11]
        state.head[part, layout.SURE] = 0
        if inside(plan, state, part, layer, point, z, radii):
            _set_witness(plan, state, part, point, z, radii)
        else:
            _find_point(plan, state, part, layer, form, 1.0, 0.0)


@compiled_inner
def _decide_exactly(plan, state, slot, layer, first, second, offset, form, size, splitting):
    """Decide in integers on which sides of a wall a cell lies; return as `decide`."""
    n = state.scalars[layout.SIZE]
    side, distance = _witness_side(plan, state, slot, first, second, offset)
    if splitting:
        copy_table(state, slot, slot + 1)
    rows = state.head[slot, layout.N_ROWS]
    form_to_row(state, slot, form, 1.0, rows)
    flat = True
    for j in range(n):
        flat = flat and state.table[slot, rows, j] == 0.0
    if flat:
        return layout.FLAT
    above, below = state.table[slot, rows, 0] > 0.0, state.table[slot, rows, 0] < 0.0
    status = 0
    if not below:
        status = lower(state, slot, 0.0, True)
        below = status == 1
    if not above and status >= 0:
        other = slot + 1 if splitting else slot
        rows = state.head[other, layout.N_ROWS]
        form_to_row(state, other, form, -1.0, rows)
        status = lower(state, other, 0.0, True)
        above = status == 1
    if status < 0:
        return layout.UNDECIDED
    if not above or not below:
        return layout.ABOVE if above else layout.BELOW
    if not splitting:
        return layout.BOTH
    copy_rest(plan, state, slot, slot + 1)
    _note_cut(plan, state, slot, layer, first, second, offset, -1.0, size)
    append_cut(state, slot, form, -1.0)
    _note_cut(plan, state, slot + 1, layer, first, second, offset, 1.0, size)
    append_cut(state, slot + 1, form, 1.0)
    state.scalars[layout.WITNESS_SIDE] = 1
    if side != -1:
        state.head[slot, layout.SURE] = 0
        _find_point(plan, state, slot, layer, form, -1.0, distance if side == 1 else 0.0)
    if side != 1:
        state.head[slot + 1, layout.SURE] = 0
        _find_point(plan, state, slot + 1, layer, form, 1.0, distance if side == -1 else 0.0)
    return layout.BOTH


@compiled_inner
def _slackened(plan, state, slot, before, form, size, sign, out):
    """Write to `out` ``sign * form`` minus small multiples of what holds for the units of layer `before`.

    Where the wall and the units of some layer vanish together in a direction to infinity, the
    multipliers of the wall itself are at the border of what can be proved; those of the smaller form
    are inside, and what was subtracted is left for the bounds of the units' pieces.
    """
    n = state.scalars[layout.SIZE]
    for j in range(n):
        out[j] = sign * form[j]
    if plan.scaled:
        out[n - 1] -= _SLACK * size
    head = plan.layers[before]
    if head[layout.IS_GROUP]:
        return
    for i in range(head[layout.N_OUT]):
        unit = head[layout.OUT0] + i
        piece = state.pieces[slot, unit]
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
def _misses_by_objective(plan, state, slot, layer, first, second, offset, sign):
    """Try to prove that a wall misses a cell by the multipliers of an optimal objective; return whether."""
    n, n_facets = state.scalars[layout.SIZE], state.scalars[layout.N_FACETS]
    rows, multipliers = state.head[slot, layout.N_ROWS], state.work[15]
    for i in range(n_facets + state.head[slot, layout.N_CUTS]):
        multipliers[i] = 0.0
    largest = 0.0
    for j in range(n):
        largest = max(largest, abs(state.table[slot, rows, j]))
    for j in range(1, n):
        # Rounding leaves multipliers where there are none; they would spoil exact cancellations.
        if state.free[slot, j] >= n and state.table[slot, rows, j] > _NOISE * largest:
            m, cut = state.table[slot, rows, j], state.free[slot, j] - n - n_facets
            multipliers[cut + n_facets] = m if cut < 0 else m * state.factors[slot, cut]
    if state.scalars[layout.BOXED]:
        spread_slack(state, slot, multipliers)
    return misses(plan, state, slot, layer, first, second, offset, sign, multipliers)


@compiled_inner
def _look_beyond(plan, state, slot, layer, first, second, offset, form, size, sign, distance):
    """Search the part of a cell on the other side of a wall than the witness.

    Returns BOTH with the cut made in the slot and a witness there, FLAT with a proof that there is no
    such part, or UNDECIDED.
    """
    for attempt in range(2):
        rows = state.head[slot, layout.N_ROWS]
        form_to_row(state, slot, form, sign, rows)
        goal = -_BEYOND * size
        for _effort in range(2):
            status = lower(state, slot, goal, False)
            if status == 0:
                if _misses_by_objective(plan, state, slot, layer, first, second, offset, sign):
                    return layout.FLAT
                if state.table[slot, rows, 0] > -_BEYOND * size:
                    for step in range(layer):
                        smaller = state.work[14]
                        _slackened(plan, state, slot, layer - 1 - step, form, size, sign, smaller)
                        form_to_row(state, slot, smaller, 1.0, rows)
                        if lower(state, slot, -1e300, False) == 0 and _misses_by_objective(
                            plan, state, slot, layer, first, second, offset, sign
                        ):
                            return layout.FLAT
                    form_to_row(state, slot, form, sign, rows)
            if state.table[slot, rows, 0] < 0.0:
                _note_cut(plan, state, slot, layer, first, second, offset, -sign, size)
                append_cut(state, slot, form, -sign)
                if _find_point(plan, state, slot, layer, form, -sign, distance):
                    return layout.BOTH
                _drop_cut(state, slot)
                form_to_row(state, slot, form, sign, rows)
            if status != 1:
                break
            goal = -1e300
        if attempt == 1 or rebuild(plan, state, slot) == 0:
            break
    return layout.UNDECIDED


@compiled_inner
def decide(plan, state, slot, layer, first, second, offset, splitting):
    """Say on which sides of a wall a cell lies; make both parts if there are two and they are wanted.

    With `splitting`, the part of the witness's side goes to slot + 1, the other one to the slot.
    """
    state.scalars[layout.WORK] += 1
    form = state.work[12]
    size = _wall_form(plan, state, layer, first, second, offset, form)
    answer = state.scalars[layout.ANSWER]
    if answer != layout.UNDECIDED:
        state.scalars[layout.ANSWER] = layout.UNDECIDED
        if answer == layout.BOTH and splitting:
            _split_as_told(plan, state, slot, layer, first, second, offset, form, size)
        return answer
    if plan.exact:
        return _decide_exactly(plan, state, slot, layer, first, second, offset, form, size, splitting)
    if size == 0.0:
        multipliers = state.work[15]
        for i in range(state.scalars[layout.N_FACETS] + state.head[slot, layout.N_CUTS]):
            multipliers[i] = 0.0
        if misses(plan, state, slot, layer, first, second, offset, 1.0, multipliers) and misses(
            plan, state, slot, layer, first, second, offset, -1.0, multipliers
        ):
            return layout.FLAT
    side, distance = _witness_side(plan, state, slot, first, second, offset)
    if side == 0:
        point, z, radii = state.work[13], state.work[10], state.work[11]
        if corner(state, slot, point) == 1 and inside(plan, state, slot, layer, point, z, radii):
            _set_witness(plan, state, slot, point, z, radii)
            side, distance = _witness_side(plan, state, slot, first, second, offset)
        if side == 0:
            return layout.UNDECIDED
    sign = float(side)
    if misses_at_once(plan, state, slot, layer, first, second, offset, sign):
        return layout.ABOVE if side > 0 else layout.BELOW
    if state.head[slot, layout.PIVOTS] > _OLD and rebuild(plan, state, slot) == 0:
        return layout.UNDECIDED
    if splitting:
        copy_table(state, slot, slot + 1)
        copy_rest(plan, state, slot, slot + 1)
    found = _look_beyond(plan, state, slot, layer, first, second, offset, form, size, sign, distance)
    if found == layout.FLAT:
        return layout.ABOVE if side > 0 else layout.BELOW
    if found == layout.BOTH:
        if splitting:
            _twin(plan, state, slot, layer, first, second, offset, form, size, sign)
        else:
            _drop_cut(state, slot)
    return found
