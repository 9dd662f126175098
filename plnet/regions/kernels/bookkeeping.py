"""What both splitting kernels do: settling walls, units and groups, and sharing work between threads.

Nothing here knows what a cell is. The kernels find the side of a cell on which a form lies, each in its
own way, and note it here. Arguments are explained in `layout`.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline
from plnet.regions.kernels import layout

__all__ = [
    "BOTH",
    "NEGATIVE",
    "NO_TWIN",
    "OPEN_GROUP",
    "POSITIVE",
    "UNDECIDED",
    "UNSURE",
    "begin_layer",
    "compare_members",
    "finish_group",
    "is_mine",
    "mark_members",
    "settle_cut",
    "settle_row",
    "twin_sides",
]

UNSURE = 2
"""In place of the sign 1, 0 or -1 of a form at a point: not certified."""

POSITIVE, NEGATIVE, BOTH, UNDECIDED = 1, 2, 3, -1
"""Where a form lies on a cell: bits of the signs it has there, 0 for none; UNDECIDED if not certified."""

NO_TWIN = -2
"""In place of the sides of a wall: it is no multiple of the wall that was just cut."""

OPEN_GROUP = -2
"""In place of the number of settled units: more than one member of a group is left."""


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
def twin_sides(plan, layer, row, cut_item, above):
    """Sides of a row that is a multiple of the wall just cut: same wall, known side; else NO_TWIN."""
    rows, row0 = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    if cut_item >= rows or plan.rows[row0 + row, layout.CLASS] != plan.rows[row0 + cut_item, layout.CLASS]:
        return NO_TWIN
    same = plan.rows[row0 + row, layout.SIGN] == plan.rows[row0 + cut_item, layout.SIGN]
    return POSITIVE if (above == 1) == same else NEGATIVE


@compiled_inline
def mark_members(state, size):
    """Mark all members of a group of this size as left, and return the marks, shape (members,)."""
    left = state.marks[layout.LEFT]
    for i in range(size):
        left[i] = 1
    return left


@compiled_inline
def compare_members(left, i, j, sides):
    """Drop member i or j > i by the sides of form j minus form i; return whether they are undecided."""
    if sides == UNDECIDED:
        return True
    if sides == NEGATIVE:
        left[j] = 0
    elif sides != BOTH:
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
        return UNDECIDED if unsure else OPEN_GROUP
    state.pieces[pieces + unit] = layout.SETTLED + winner
    state.marks[layout.DONE_UNITS, n_done] = unit
    return n_done + 1


@compiled_inline
def is_mine(state):
    """Take a ticket for a cell of the first layer; say whether this thread works on it."""
    scalars = state.registers[layout.SCALARS]
    scalars[layout.TICKET] += 1
    return (scalars[layout.TICKET] - 1) % scalars[layout.SHARES] == scalars[layout.SHARE]
