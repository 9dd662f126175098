"""Depth-first splitting of convex cells in three and more dimensions, with certified signs.

The search is that of `plnet.regions.kernels.planar.advance`: a frame is a cell on which some units of a
layer are still open, a unit with one certified sign is settled at once, and a sign that cannot be
certified hands the cell to the driver. Cells are cones of rays, cut by double description. The
error analysis of the forms is the one given there, with d + 1 columns.
"""

from __future__ import annotations

from plnet.compiled import compiled, compiled_inline
from plnet.regions.kernels import bookkeeping, layout
from plnet.regions.kernels.spatial import layout as spatial
from plnet.regions.kernels.spatial.cuts import NO_SCRATCH, cut_by_group, cut_by_row
from plnet.regions.kernels.spatial.filter import open_layer, refilter
from plnet.regions.kernels.spatial.forms import add_unit
from plnet.regions.kernels.spatial.last_layer import count_planes
from plnet.regions.kernels.spatial.output import N_OUT_FACETS, abort, emit

__all__ = ["N_OUT_FACETS", "advance_spatial"]


@compiled_inline
def _finish(
    plan, limits, state, out, layer, forms, acc, pieces, pending, poly, n, table, n_open, n_done, counting
):
    """Add the settled units of a new cell to the next forms; push it, count it, or hand it to the driver.

    `n_open` is UNDECIDED for the driver; `counting` says whether regions are counted only.
    """
    if n_open == layout.UNDECIDED:
        abort(limits, state, out, layer, poly, n, table)
        return
    scalars, tops = state.registers[layout.SCALARS], state.registers[layout.TOPS]
    if layer == len(plan.layers) - 1:
        if counting and n_open == 0:
            scalars[layout.COUNT] += 1
            return
        if counting and n_open == 1 and state.pending[pending] < plan.layers[layer, layout.N_ROWS]:
            # One certified wall across a convex cell: two regions.
            scalars[layout.COUNT] += 2
            return
        if counting and n_open > 2 and scalars[layout.COUNT] + n_open < scalars[layout.MOST]:
            found = count_planes(plan, limits, state, layer, forms, table, pending, n_open, poly, n)
            if found > 0 and scalars[layout.COUNT] + found <= scalars[layout.MOST]:
                scalars[layout.COUNT] += found
                return
    else:
        for i in range(n_done):
            unit = state.marks[layout.DONE_UNITS, i]
            piece = state.pieces[pieces + unit] % layout.SETTLED
            add_unit(plan, limits, state, layer, unit, piece, forms, acc)
    tops[spatial.OPEN] = pending + n_open
    frame = state.frames[scalars[layout.SP]]
    frame[spatial.LAYER], frame[spatial.POLY], frame[spatial.N_POLY] = layer, poly, n
    frame[spatial.PENDING], frame[spatial.N_PENDING], frame[spatial.TABLE] = pending, n_open, table
    frame[spatial.FORMS], frame[spatial.ACC], frame[spatial.PIECES] = forms, acc, pieces
    frame[spatial.IS_ROOT] = 0
    for m in range(spatial.N_ARENAS):
        frame[spatial.ENDS + m] = tops[m]
    scalars[layout.SP] += 1


@compiled_inline
def _enter(plan, limits, state, out, frame, counting):
    """Open the next layer on the cell of a frame on which all units of this one are settled."""
    layer, tops = frame[spatial.LAYER] + 1, state.registers[layout.TOPS]
    acc, pieces, pending = tops[spatial.ADDED], tops[spatial.UNITS], tops[spatial.OPEN]
    if layer + 1 < len(plan.layers):
        bookkeeping.begin_sums(plan, state, layer + 1, acc, limits.d)
        tops[spatial.ADDED] = acc + (limits.d + 2) * plan.layers[layer + 1, layout.N_ROWS]
    tops[spatial.UNITS] = pieces + plan.layers[layer, layout.N_UNITS]
    forms, poly, n = frame[spatial.ACC], frame[spatial.POLY], frame[spatial.N_POLY]
    table = frame[spatial.TABLE]
    at_root = frame[spatial.IS_ROOT] == 1
    n_open, n_done = open_layer(plan, limits, state, layer, forms, pieces, pending, poly, n, at_root)
    _finish(
        plan, limits, state, out, layer, forms, acc, pieces, pending, poly, n, table, n_open, n_done, counting
    )


@compiled_inline
def _follow(plan, limits, state, out, frame, child, counting):
    """Filter the open items of a frame on the part in row `child` of `children`."""
    layer, tops = frame[spatial.LAYER], state.registers[layout.TOPS]
    units = plan.layers[layer, layout.N_UNITS]
    acc, pieces, pending = tops[spatial.ADDED], tops[spatial.UNITS], tops[spatial.OPEN]
    for u in range(units):
        state.pieces[pieces + u] = state.pieces[frame[spatial.PIECES] + u]
    tops[spatial.UNITS] = pieces + units
    if layer + 1 < len(plan.layers):
        size = (limits.d + 2) * plan.layers[layer + 1, layout.N_ROWS]
        for i in range(size):
            state.acc[acc + i] = state.acc[frame[spatial.ACC] + i]
        tops[spatial.ADDED] = acc + size
    item, piece = state.pending[frame[spatial.PENDING]], state.children[child, layout.CHILD_PIECE]
    n_done = bookkeeping.settle_cut(plan, state, layer, item, piece, pieces)
    poly, n = state.children[child, layout.CHILD_POLY], state.children[child, layout.CHILD_N]
    forms, table = frame[spatial.FORMS], state.children[child, spatial.CHILD_TABLE]
    n_open, n_done = refilter(plan, limits, state, frame, item, piece, pieces, pending, poly, n, n_done)
    _finish(
        plan, limits, state, out, layer, forms, acc, pieces, pending, poly, n, table, n_open, n_done, counting
    )


@compiled_inline
def _has_room(plan, limits, state, frame):
    """Write to NEEDS how much room one step can take, except for rays; return whether the arenas hold it."""
    layer, n, widest = frame[spatial.LAYER], frame[spatial.N_POLY], plan.widest
    ends = frame[spatial.ENDS : spatial.ENDS + spatial.N_ARENAS]
    units = 0 if layer < 0 else plan.layers[layer, layout.N_UNITS]
    rows = 0
    for ahead in range(layer + 1, min(layer + 3, len(plan.layers))):
        rows = max(rows, plan.layers[ahead, layout.N_ROWS])
        units = max(units, plan.layers[ahead, layout.N_UNITS])
    needs = state.registers[layout.NEEDS]
    needs[spatial.RAYS] = ends[spatial.RAYS]
    needs[spatial.OPEN] = ends[spatial.OPEN] + widest * (frame[spatial.N_PENDING] + rows + units)
    needs[spatial.ADDED] = ends[spatial.ADDED] + widest * (limits.d + 2) * rows
    needs[spatial.UNITS] = ends[spatial.UNITS] + widest * 2 * units
    needs[spatial.TABLES] = ends[spatial.TABLES] + widest * 64 * limits.words
    needs[spatial.RECORDS] = ends[spatial.RECORDS] + widest * widest
    needs[spatial.STACK] = state.registers[layout.SCALARS, layout.SP] + widest + 2
    needs[spatial.CELL] = n
    return (
        n <= state.marks.shape[1]
        and n <= state.values.shape[1]
        and n <= state.scratch.shape[1]
        and needs[spatial.OPEN] <= state.pending.size
        and needs[spatial.ADDED] <= state.acc.size
        and needs[spatial.UNITS] <= state.pieces.size
        and needs[spatial.TABLES] <= state.tables.size
        and needs[spatial.RECORDS] <= state.codes.size
        and needs[spatial.STACK] <= state.frames.shape[0]
    )


@compiled_inline
def _note_shortage(state, found):
    """Write to NEEDS which rays a cut had no room for: of the parts (-2), or on the way (NO_SCRATCH)."""
    needs = state.registers[layout.NEEDS]
    if found == NO_SCRATCH:
        needs[spatial.CELL] = state.scratch.shape[1] + 1
    else:
        needs[spatial.RAYS] = state.poly.shape[0] + 1


@compiled
def advance_spatial(plan, limits, state, out, limit, counting):
    """Go on until the stack is empty, `limit` regions are counted, or something is full; as `advance`."""
    scalars, frame = state.registers[layout.SCALARS], state.registers[layout.FRAME]
    tops = state.registers[layout.TOPS]
    deepest = len(plan.layers) - 1
    for _step in range(plan.steps):
        if scalars[layout.SP] == 0:
            return layout.DONE
        if scalars[layout.COUNT] >= limit:
            return layout.PAUSED
        for m in range(spatial.N_FRAME):
            frame[m] = state.frames[scalars[layout.SP] - 1, m]
        layer, n = frame[spatial.LAYER], frame[spatial.N_POLY]
        if scalars[layout.N_ABORT] + plan.widest > len(out.abort_heads):
            return layout.ABORTED
        if not _has_room(plan, limits, state, frame):
            return layout.GROW
        for m in range(spatial.N_ARENAS):
            tops[m] = frame[spatial.ENDS + m]
        settled = frame[spatial.N_PENDING] == 0
        if settled and layer == deepest:
            if not counting:
                full = scalars[layout.N_OUT] == out.sizes.size
                full = full or scalars[layout.N_OUT_POLY] + n > len(out.poly)
                if full or scalars[N_OUT_FACETS] + 64 * limits.words > out.facets.size:
                    return layout.FULL
                emit(plan, limits, state, out, frame)
            scalars[layout.SP] -= 1
            scalars[layout.COUNT] += 1
            continue
        if settled:
            scalars[layout.SP] -= 1
            if frame[spatial.IS_ROOT] == 0:
                if layer == 0 and not bookkeeping.is_mine(state):
                    continue
                bookkeeping.keep_pieces(plan, state, layer, frame[spatial.PIECES], state.current)
            _enter(plan, limits, state, out, frame, counting)
            continue
        if state.pending[frame[spatial.PENDING]] < plan.layers[layer, layout.N_ROWS]:
            n_children = cut_by_row(plan, limits, state, frame)
        else:
            n_children = cut_by_group(plan, limits, state, frame)
        if n_children < -1:
            _note_shortage(state, n_children)
            return layout.GROW
        scalars[layout.SP] -= 1
        if n_children == -1:
            abort(limits, state, out, layer, frame[spatial.POLY], n, frame[spatial.TABLE])
            continue
        for child in range(n_children):
            _follow(plan, limits, state, out, frame, child, counting)
    return layout.PAUSED
