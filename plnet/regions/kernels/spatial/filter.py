"""Which units of a layer keep one piece on a cell, in three and more dimensions."""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout
from plnet.regions.kernels.bookkeeping import (
    BOTH,
    NEGATIVE,
    NO_TWIN,
    OPEN_GROUP,
    POSITIVE,
    UNDECIDED,
    begin_layer,
    compare_members,
    finish_group,
    mark_members,
    settle_row,
    twin_sides,
)
from plnet.regions.kernels.spatial import layout as spatial
from plnet.regions.kernels.spatial.forms import scan_rows, take_difference, take_row
from plnet.regions.kernels.spatial.polytopes import cut_sides, length_of
from plnet.regions.kernels.spatial.refine import LARGEST_ENTRY

__all__ = ["open_layer", "refilter", "settle_group"]


@compiled_inner
def _row_sides(plan, limits, state, layer, forms, row, start, n):
    take_row(plan, limits, state, layer, forms, row)
    length = state.work[layout.SCALE, plan.layers[layer, layout.ROW0] + row]
    return cut_sides(limits, state, length, state.poly, start, n)


@compiled_inner
def settle_group(plan, limits, state, layer, unit, forms, start, n, pieces, n_done):
    """Mark the undominated members of a group; settle it if one is left. -1 if undecided, -2 if open."""
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    first, size = head[layout.FIRST], head[layout.SIZE]
    left, unsure = mark_members(state, size), False
    for i in range(size):
        for j in range(i + 1, size):
            if left[i] and left[j]:
                take_difference(plan, limits, state, layer, forms, first + j, first + i)
                sides = cut_sides(limits, state, length_of(limits, state.cut), state.poly, start, n)
                unsure |= compare_members(left, i, j, sides)
    return finish_group(state, unit, size, unsure, pieces, n_done)


@compiled_inline
def open_layer(plan, limits, state, layer, forms, pieces, pending, start, n, at_root):
    """Filter all units of a layer on a cell; return (open items, settled units), (-1, 0) if undecided."""
    widest = scan_rows(plan, limits, state, layer, forms, start, n)
    rows, first = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    units, unit0 = plan.layers[layer, layout.N_UNITS], plan.layers[layer, layout.UNIT0]
    n_done, n_open = begin_layer(plan, state, layer, pieces), 0
    for row in range(rows):
        at = first + row
        if plan.rows[at, layout.IS_WALL] == 0:
            continue
        length, radius = state.work[layout.SCALE, at], state.work[layout.RADII, at]
        error = (radius + limits.rounding * length) * LARGEST_ENTRY + (length + radius) * widest
        low, high = state.work[layout.LOW, at], state.work[layout.HIGH, at]
        if at_root and state.marks[layout.KNOWN, row] != 0:
            sides = POSITIVE if state.marks[layout.KNOWN, row] > 0 else NEGATIVE
        elif limits.exact:
            sides = _row_sides(plan, limits, state, layer, forms, row, start, n)
        elif low > error:
            sides = POSITIVE
        elif high < -error:
            sides = NEGATIVE
        elif high > error and low < -error:
            sides = BOTH
        else:
            sides = _row_sides(plan, limits, state, layer, forms, row, start, n)
        if sides == UNDECIDED:
            return UNDECIDED, 0
        if sides == BOTH:
            state.pending[pending + n_open] = row
            n_open += 1
        else:
            n_done = settle_row(plan, state, layer, row, 1 if sides == POSITIVE else 0, pieces, n_done)
    for unit in range(units):
        if plan.units[unit0 + unit, layout.KIND] == layout.GROUP:
            done = settle_group(plan, limits, state, layer, unit, forms, start, n, pieces, n_done)
            if done == UNDECIDED:
                return UNDECIDED, 0
            if done == OPEN_GROUP:
                state.pending[pending + n_open] = rows + unit
                n_open += 1
            else:
                n_done = done
    return n_open, n_done


@compiled_inline
def refilter(plan, limits, state, frame, cut_item, above, pieces, target, start, n, n_done):
    """Filter the open items of a frame on a child; as `open_layer`."""
    layer, forms = frame[spatial.LAYER], frame[spatial.FORMS]
    rows, n_open = plan.layers[layer, layout.N_ROWS], 0
    for i in range(frame[spatial.PENDING], frame[spatial.PENDING] + frame[spatial.N_PENDING]):
        item = state.pending[i]
        if item == cut_item:
            continue
        if item >= rows:
            done = settle_group(plan, limits, state, layer, item - rows, forms, start, n, pieces, n_done)
            if done == UNDECIDED:
                return UNDECIDED, 0
            if done != OPEN_GROUP:
                n_done = done
                continue
        else:
            sides = twin_sides(plan, layer, item, cut_item, above)
            if sides == NO_TWIN:
                sides = _row_sides(plan, limits, state, layer, forms, item, start, n)
            if sides == UNDECIDED:
                return UNDECIDED, 0
            if sides != BOTH:
                n_done = settle_row(plan, state, layer, item, 1 if sides == POSITIVE else 0, pieces, n_done)
                continue
        state.pending[target + n_open] = item
        n_open += 1
    return n_open, n_done
