"""Which units of a layer keep one piece on a cell, in three and more dimensions."""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout as c
from plnet.regions.kernels.bookkeeping import settle_row
from plnet.regions.kernels.spatial import layout as s
from plnet.regions.kernels.spatial.forms import scan_rows, take_difference, take_row
from plnet.regions.kernels.spatial.polytopes import BOTH, NEGATIVE, POSITIVE, UNDECIDED, cut_sides, length_of
from plnet.regions.kernels.spatial.refine import LARGEST_ENTRY

__all__ = ["open_layer", "refilter", "settle_group"]


@compiled_inner
def _row_sides(plan, limits, state, layer, forms, row, start, n):
    take_row(plan, limits, state, layer, forms, row)
    return cut_sides(
        limits, state, state.work[c.SCALE, plan.layers[layer, c.ROW0] + row], state.poly, start, n
    )


@compiled_inner
def settle_group(plan, limits, state, layer, unit, forms, start, n, pieces, n_done):
    """Mark the undominated members of a group; settle it if one is left. -1 if undecided, -2 if open."""
    head = plan.units[plan.layers[layer, c.UNIT0] + unit]
    first, k = head[c.FIRST], head[c.SIZE]
    left = state.marks[c.LEFT]
    for i in range(k):
        left[i] = 1
    unsure = False
    for i in range(k):
        for j in range(i + 1, k):
            if left[i] and left[j]:
                take_difference(plan, limits, state, layer, forms, first + j, first + i)
                sides = cut_sides(limits, state, length_of(limits, state.cut), state.poly, start, n)
                if sides == UNDECIDED:
                    unsure = True
                elif sides == NEGATIVE:
                    left[j] = 0
                elif sides != BOTH:
                    # The later member wins ties.
                    left[i] = 0
    count, winner = 0, 0
    for i in range(k):
        if left[i]:
            count += 1
            winner = i
    if count > 1:
        return -1 if unsure else -2
    state.pieces[pieces + unit] = c.SETTLED + winner
    state.marks[c.DONE_UNITS, n_done] = unit
    return n_done + 1


@compiled_inline
def open_layer(plan, limits, state, layer, forms, pieces, pending, start, n, at_root):
    """Filter all units of a layer on a cell; return (open items, settled units), (-1, 0) if undecided."""
    widest = scan_rows(plan, limits, state, layer, forms, start, n)
    rows, first = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.ROW0]
    units, unit0 = plan.layers[layer, c.N_UNITS], plan.layers[layer, c.UNIT0]
    n_done, n_open = 0, 0
    for unit in range(units):
        state.pieces[pieces + unit] = 0
        if plan.units[unit0 + unit, c.KIND] == c.SINGLE:
            state.marks[c.DONE_UNITS, n_done] = unit
            n_done += 1
    for row in range(rows):
        at = first + row
        if plan.rows[at, c.IS_WALL] == 0:
            continue
        length, radius = state.work[c.SCALE, at], state.work[c.RADII, at]
        error = (radius + limits.rounding * length) * LARGEST_ENTRY + (length + radius) * widest
        low, high = state.work[c.LOW, at], state.work[c.HIGH, at]
        if at_root and state.marks[c.KNOWN, row] != 0:
            sides = POSITIVE if state.marks[c.KNOWN, row] > 0 else NEGATIVE
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
            return -1, 0
        if sides == BOTH:
            state.pending[pending + n_open] = row
            n_open += 1
        else:
            n_done = settle_row(plan, state, layer, row, 1 if sides == POSITIVE else 0, pieces, n_done)
    for unit in range(units):
        if plan.units[unit0 + unit, c.KIND] == c.GROUP:
            done = settle_group(plan, limits, state, layer, unit, forms, start, n, pieces, n_done)
            if done == -1:
                return -1, 0
            if done == -2:
                state.pending[pending + n_open] = rows + unit
                n_open += 1
            else:
                n_done = done
    return n_open, n_done


@compiled_inline
def refilter(plan, limits, state, frame, cut_item, above, pieces, target, start, n, n_done):
    """Filter the open items of a frame on a child; as `open_layer`."""
    layer, forms = frame[s.LAYER], frame[s.FORMS]
    rows, first = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.ROW0]
    n_open = 0
    for i in range(frame[s.PENDING], frame[s.PENDING] + frame[s.N_PENDING]):
        item = state.pending[i]
        if item == cut_item:
            continue
        if item >= rows:
            done = settle_group(plan, limits, state, layer, item - rows, forms, start, n, pieces, n_done)
            if done == -1:
                return -1, 0
            if done != -2:
                n_done = done
                continue
        else:
            if cut_item < rows and plan.rows[first + item, c.CLASS] == plan.rows[first + cut_item, c.CLASS]:
                # A multiple of the wall that was just cut: same wall, known side.
                same = plan.rows[first + item, c.SIGN] == plan.rows[first + cut_item, c.SIGN]
                sides = POSITIVE if (above == 1) == same else NEGATIVE
            else:
                sides = _row_sides(plan, limits, state, layer, forms, item, start, n)
            if sides == UNDECIDED:
                return -1, 0
            if sides != BOTH:
                n_done = settle_row(plan, state, layer, item, 1 if sides == POSITIVE else 0, pieces, n_done)
                continue
        state.pending[target + n_open] = item
        n_open += 1
    return n_open, n_done
