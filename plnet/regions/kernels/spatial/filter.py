"""Which units of a layer keep one piece on a cell, in three and more dimensions.

The filter of `plnet.regions.kernels.planar.advance` on rays; see there, and the layouts for arguments.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import bookkeeping, layout
from plnet.regions.kernels.spatial import layout as spatial
from plnet.regions.kernels.spatial.forms import scan_rows, take_difference, take_row
from plnet.regions.kernels.spatial.polytopes import cut_sides, length_of
from plnet.regions.kernels.spatial.refine import LARGEST_ENTRY

__all__ = ["open_layer", "refilter", "settle_group"]


@compiled_inner
def _row_sides(plan, limits, state, layer, forms, row, start, n):
    """Copy a row to `cut`, and return on which sides it lies over a cell, as `cut_sides` does."""
    take_row(plan, limits, state, layer, forms, row)
    length = state.work[layout.SCALE, plan.layers[layer, layout.ROW0] + row]
    return cut_sides(limits, state, length, state.poly, start, n)


@compiled_inner
def settle_group(plan, limits, state, layer, unit, forms, start, n, pieces, n_done):
    """Mark the undominated members of a group over a cell, in row LEFT of `marks`.

    Returns as `finish_group`: the number of settled units, OPEN_GROUP or UNDECIDED.
    """
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    first, size = head[layout.FIRST], head[layout.SIZE]
    left, unsure = state.marks[layout.LEFT], False
    bookkeeping.mark_members(left, size)
    for i in range(size):
        for j in range(i + 1, size):
            if left[i] and left[j]:
                take_difference(plan, limits, state, layer, forms, first + j, first + i)
                sides = cut_sides(limits, state, length_of(limits, state.cut), state.poly, start, n)
                unsure |= bookkeeping.compare_members(left, i, j, sides)
    return bookkeeping.finish_group(state, unit, size, unsure, pieces, n_done)


@compiled_inline
def open_layer(plan, limits, state, layer, forms, pieces, pending, start, n, at_root):
    """Filter all units of a layer on a cell: list what is open, and record what is settled.

    `at_root` says whether the proved signs in row KNOWN of `marks` hold. Returns (open items, settled units),
    or (UNDECIDED, 0).
    """
    widest = scan_rows(plan, limits, state, layer, forms, start, n)
    rows, first = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    units, unit0 = plan.layers[layer, layout.N_UNITS], plan.layers[layer, layout.UNIT0]
    n_done, n_open = bookkeeping.begin_layer(plan, state, layer, pieces), 0
    for row in range(rows):
        at = first + row
        if plan.rows[at, layout.IS_WALL] == 0:
            continue
        length, radius = state.work[layout.SCALE, at], state.work[layout.RADII, at]
        error = (radius + limits.rounding * length) * LARGEST_ENTRY + (length + radius) * widest
        low, high = state.work[layout.LOW, at], state.work[layout.HIGH, at]
        if at_root and state.marks[layout.KNOWN, row] != 0:
            sides = layout.POSITIVE if state.marks[layout.KNOWN, row] > 0 else layout.NEGATIVE
        elif limits.exact:
            sides = _row_sides(plan, limits, state, layer, forms, row, start, n)
        elif low > error:
            sides = layout.POSITIVE
        elif high < -error:
            sides = layout.NEGATIVE
        elif high > error and low < -error:
            sides = layout.BOTH
        else:
            sides = _row_sides(plan, limits, state, layer, forms, row, start, n)
        if sides == layout.UNDECIDED:
            return layout.UNDECIDED, 0
        n_open, n_done = bookkeeping.note_row(plan, state, layer, row, sides, pending, n_open, pieces, n_done)
    for unit in range(units):
        if plan.units[unit0 + unit, layout.KIND] == layout.GROUP:
            done = settle_group(plan, limits, state, layer, unit, forms, start, n, pieces, n_done)
            if done == layout.UNDECIDED:
                return layout.UNDECIDED, 0
            n_open, n_done = bookkeeping.note_group(state, rows + unit, done, pending, n_open, n_done)
    return n_open, n_done


@compiled_inline
def refilter(plan, limits, state, frame, cut_item, above, pieces, target, start, n, n_done):
    """Filter the open items of a frame, but for the one that was cut, on a child.

    `above` is the side of the cut wall or the member; what stays open is written from `target` on. `n_done`
    units are settled before. Returns as `open_layer`.
    """
    layer, forms = frame[spatial.LAYER], frame[spatial.FORMS]
    rows, n_open = plan.layers[layer, layout.N_ROWS], 0
    for i in range(frame[spatial.PENDING], frame[spatial.PENDING] + frame[spatial.N_PENDING]):
        item = state.pending[i]
        if item == cut_item:
            continue
        if item >= rows:
            done = settle_group(plan, limits, state, layer, item - rows, forms, start, n, pieces, n_done)
            if done == layout.UNDECIDED:
                return layout.UNDECIDED, 0
            n_open, n_done = bookkeeping.note_group(state, item, done, target, n_open, n_done)
            continue
        sides = bookkeeping.twin_sides(plan, layer, item, cut_item, above)
        if sides == layout.NO_TWIN:
            sides = _row_sides(plan, limits, state, layer, forms, item, start, n)
        if sides == layout.UNDECIDED:
            return layout.UNDECIDED, 0
        n_open, n_done = bookkeeping.note_row(plan, state, layer, item, sides, target, n_open, pieces, n_done)
    return n_open, n_done
