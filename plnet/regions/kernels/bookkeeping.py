"""What both splitting kernels do: settling walls, units and groups, and sharing work between threads.

Nothing here knows what a cell is. The kernels find the side of a cell on which a form lies, each in its
own way, and note it here. Arguments are explained in `layout`.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline
from plnet.regions.kernels import layout

__all__ = [
    "begin_layer",
    "begin_sums",
    "compare_members",
    "finish_group",
    "is_mine",
    "keep_pieces",
    "mark_members",
    "note_group",
    "note_row",
    "settle_cut",
    "settle_row",
    "twin_sides",
]


@compiled_inline
def settle_row(plan, state, layer, row, above, pieces, n_done):
    """Record that a wall has one sign, above (1) or below (0); list its unit once all its walls are settled.

    Returns the number of settled units, `n_done` or one more.
    """
    unit = plan.rows[plan.layers[layer, layout.ROW0] + row, layout.UNIT]
    state.pieces[pieces + unit] += layout.SETTLED + above
    size = plan.units[plan.layers[layer, layout.UNIT0] + unit, layout.SIZE]
    if state.pieces[pieces + unit] // layout.SETTLED == size:
        state.marks[layout.DONE_UNITS, n_done] = unit
        return n_done + 1
    return n_done


@compiled_inline
def note_row(plan, state, layer, row, sides, pending, n_open, pieces, n_done):
    """List a row that has both signs as open, else settle it; return (n_open, n_done)."""
    if sides == layout.BOTH:
        state.pending[pending + n_open] = row
        return n_open + 1, n_done
    above = 1 if sides == layout.POSITIVE else 0
    return n_open, settle_row(plan, state, layer, row, above, pieces, n_done)


@compiled_inline
def note_group(state, item, done, pending, n_open, n_done):
    """List a group as open unless it is settled, with `done` from `finish_group`; return (n_open, n_done)."""
    if done == layout.OPEN_GROUP:
        state.pending[pending + n_open] = item
        return n_open + 1, n_done
    return n_open, done


@compiled_inline
def begin_layer(plan, state, layer, pieces):
    """Clear the pieces of a layer, list its units without breakpoints as settled, and return their number."""
    unit0, n_done = plan.layers[layer, layout.UNIT0], 0
    for unit in range(plan.layers[layer, layout.N_UNITS]):
        state.pieces[pieces + unit] = 0
        if plan.units[unit0 + unit, layout.KIND] == layout.SINGLE:
            state.marks[layout.DONE_UNITS, n_done] = unit
            n_done += 1
    return n_done


@compiled_inline
def settle_cut(plan, state, layer, item, piece, pieces):
    """Record the piece of an open item on a part that it cut off; return the number of settled units."""
    rows = plan.layers[layer, layout.N_ROWS]
    if item < rows:
        return settle_row(plan, state, layer, item, piece, pieces, 0)
    state.pieces[pieces + item - rows] = layout.SETTLED + piece
    state.marks[layout.DONE_UNITS, 0] = item - rows
    return 1


@compiled_inline
def keep_pieces(plan, state, layer, pieces, target):
    """Write the pieces of a settled layer to `target`, shape (all units,)."""
    unit0 = plan.layers[layer, layout.UNIT0]
    for unit in range(plan.layers[layer, layout.N_UNITS]):
        target[unit0 + unit] = state.pieces[pieces + unit] % layout.SETTLED


@compiled_inline
def begin_sums(plan, state, layer, acc, d):
    """Begin the sums of a layer's forms in d + 1 columns at `acc`: zeros, biases and their radii."""
    rows, first = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    for i in range(d * rows):
        state.acc[acc + i] = 0.0
    for i in range(rows):
        state.acc[acc + d * rows + i] = plan.bias[first + i, 0]
        state.acc[acc + (d + 1) * rows + i] = plan.bias[first + i, 1]


@compiled_inline
def twin_sides(plan, layer, row, cut_item, above):
    """Sides of a row that is a multiple of the wall just cut: same wall, known side; else NO_TWIN."""
    rows, row0 = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    if cut_item >= rows or plan.rows[row0 + row, layout.CLASS] != plan.rows[row0 + cut_item, layout.CLASS]:
        return layout.NO_TWIN
    same = plan.rows[row0 + row, layout.SIGN] == plan.rows[row0 + cut_item, layout.SIGN]
    return layout.POSITIVE if (above == 1) == same else layout.NEGATIVE


@compiled_inline
def mark_members(left, size):
    """Mark the first `size` members of a group as left; `left` is row LEFT of `marks`."""
    for i in range(size):
        left[i] = 1


@compiled_inline
def compare_members(left, i, j, sides):
    """Drop member i or j > i by the sides of form j minus form i; return whether they are undecided."""
    if sides == layout.UNDECIDED:
        return True
    if sides == layout.NEGATIVE:
        left[j] = 0
    elif sides != layout.BOTH:
        # The later member wins ties.
        left[i] = 0
    return False


@compiled_inline
def finish_group(state, unit, size, unsure, pieces, n_done):
    """Settle a group if one member is left.

    Returns the number of settled units, OPEN_GROUP if several members are left, UNDECIDED if one of
    their comparisons was `unsure` besides.
    """
    count, winner, left = 0, 0, state.marks[layout.LEFT]
    for i in range(size):
        if left[i]:
            count += 1
            winner = i
    if count > 1:
        return layout.UNDECIDED if unsure else layout.OPEN_GROUP
    state.pieces[pieces + unit] = layout.SETTLED + winner
    state.marks[layout.DONE_UNITS, n_done] = unit
    return n_done + 1


@compiled_inline
def is_mine(state):
    """Take a ticket for a cell of the first layer; say whether this thread works on it."""
    scalars = state.registers[layout.SCALARS]
    scalars[layout.TICKET] += 1
    return (scalars[layout.TICKET] - 1) % scalars[layout.SHARES] == scalars[layout.SHARE]
