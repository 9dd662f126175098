"""Depth-first splitting of convex cells in three and more dimensions, with certified signs.

The search is that of `plnet.regions.kernels.planar.advance`: a frame is a cell on which some units of a
layer are still open, a unit with one certified sign is settled at once, and a sign that cannot be
certified hands the cell to the driver. Cells are cones of rays, cut by double description. The
error analysis of the forms is the one given there, with d + 1 columns.
"""

from __future__ import annotations

from plnet.compiled import compiled, compiled_inline
from plnet.regions.kernels import layout as c
from plnet.regions.kernels.bookkeeping import is_mine, settle_row
from plnet.regions.kernels.spatial import layout as s
from plnet.regions.kernels.spatial.cuts import (
    CHILD_N,
    CHILD_PIECE,
    CHILD_POLY,
    CHILD_TABLE,
    NO_SCRATCH,
    cut_by_group,
    cut_by_row,
)
from plnet.regions.kernels.spatial.filter import open_layer, refilter
from plnet.regions.kernels.spatial.forms import add_unit
from plnet.regions.kernels.spatial.last_layer import count_planes
from plnet.regions.kernels.spatial.output import N_OUT_FACETS, abort, emit

__all__ = ["N_OUT_FACETS", "advance_spatial"]


@compiled_inline
def _finish(
    plan, limits, state, out, layer, forms, acc, pieces, pending, poly, n, table, n_open, n_done, counting
):
    """Add the settled units of a new cell; push it, count it, or hand it to the driver."""
    if n_open == -1:
        abort(limits, state, out, layer, poly, n, table)
        return
    scalars, tops = state.registers[c.SCALARS], state.registers[c.TOPS]
    if layer == len(plan.layers) - 1:
        if counting and n_open == 0:
            scalars[c.COUNT] += 1
            return
        if counting and n_open == 1 and state.pending[pending] < plan.layers[layer, c.N_ROWS]:
            # One certified wall across a convex cell: two regions.
            scalars[c.COUNT] += 2
            return
        if counting and n_open > 2 and scalars[c.COUNT] + n_open < scalars[c.MOST]:
            found = count_planes(plan, limits, state, layer, forms, table, pending, n_open, poly, n)
            if found > 0 and scalars[c.COUNT] + found <= scalars[c.MOST]:
                scalars[c.COUNT] += found
                return
    else:
        for i in range(n_done):
            unit = state.marks[c.DONE_UNITS, i]
            add_unit(plan, limits, state, layer, unit, state.pieces[pieces + unit] % c.SETTLED, forms, acc)
    tops[s.OPEN] = pending + n_open
    frame = state.frames[scalars[c.SP]]
    frame[s.LAYER], frame[s.POLY], frame[s.N_POLY] = layer, poly, n
    frame[s.PENDING], frame[s.N_PENDING], frame[s.TABLE] = pending, n_open, table
    frame[s.FORMS], frame[s.ACC], frame[s.PIECES], frame[s.IS_ROOT] = forms, acc, pieces, 0
    for m in range(s.N_ARENAS):
        frame[s.ENDS + m] = tops[m]
    scalars[c.SP] += 1


@compiled_inline
def _enter(plan, limits, state, out, frame, counting):
    """Open the next layer on a cell on which all units of this one are settled."""
    layer, tops = frame[s.LAYER] + 1, state.registers[c.TOPS]
    acc, pieces, pending = tops[s.ADDED], tops[s.UNITS], tops[s.OPEN]
    if layer + 1 < len(plan.layers):
        rows, first = plan.layers[layer + 1, c.N_ROWS], plan.layers[layer + 1, c.ROW0]
        for i in range(limits.d * rows):
            state.acc[acc + i] = 0.0
        for i in range(rows):
            state.acc[acc + limits.d * rows + i] = plan.bias[first + i, 0]
            state.acc[acc + (limits.d + 1) * rows + i] = plan.bias[first + i, 1]
        tops[s.ADDED] = acc + (limits.d + 2) * rows
    tops[s.UNITS] = pieces + plan.layers[layer, c.N_UNITS]
    forms, poly, n, table = frame[s.ACC], frame[s.POLY], frame[s.N_POLY], frame[s.TABLE]
    at_root = frame[s.IS_ROOT] == 1
    n_open, n_done = open_layer(plan, limits, state, layer, forms, pieces, pending, poly, n, at_root)
    _finish(
        plan, limits, state, out, layer, forms, acc, pieces, pending, poly, n, table, n_open, n_done, counting
    )


@compiled_inline
def _follow(plan, limits, state, out, frame, child, counting):
    """Filter the open items of a frame on one of its parts."""
    layer, tops = frame[s.LAYER], state.registers[c.TOPS]
    rows, units = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.N_UNITS]
    acc, pieces, pending = tops[s.ADDED], tops[s.UNITS], tops[s.OPEN]
    for u in range(units):
        state.pieces[pieces + u] = state.pieces[frame[s.PIECES] + u]
    tops[s.UNITS] = pieces + units
    if layer + 1 < len(plan.layers):
        size = (limits.d + 2) * plan.layers[layer + 1, c.N_ROWS]
        for i in range(size):
            state.acc[acc + i] = state.acc[frame[s.ACC] + i]
        tops[s.ADDED] = acc + size
    item, piece = state.pending[frame[s.PENDING]], state.children[child, CHILD_PIECE]
    if item < rows:
        n_done = settle_row(plan, state, layer, item, piece, pieces, 0)
    else:
        state.pieces[pieces + item - rows] = c.SETTLED + piece
        state.marks[c.DONE_UNITS, 0] = item - rows
        n_done = 1
    poly, n, table = (
        state.children[child, CHILD_POLY],
        state.children[child, CHILD_N],
        state.children[child, CHILD_TABLE],
    )
    n_open, n_done = refilter(plan, limits, state, frame, item, piece, pieces, pending, poly, n, n_done)
    _finish(
        plan,
        limits,
        state,
        out,
        layer,
        frame[s.FORMS],
        acc,
        pieces,
        pending,
        poly,
        n,
        table,
        n_open,
        n_done,
        counting,
    )


@compiled_inline
def _has_room(plan, limits, state, frame):
    """Write down how much room one step can take, except for rays, and say whether the arenas hold it."""
    layer, n, widest = frame[s.LAYER], frame[s.N_POLY], plan.widest
    ends = frame[s.ENDS : s.ENDS + s.N_ARENAS]
    units = 0 if layer < 0 else plan.layers[layer, c.N_UNITS]
    rows = 0
    for ahead in range(layer + 1, min(layer + 3, len(plan.layers))):
        rows = max(rows, plan.layers[ahead, c.N_ROWS])
        units = max(units, plan.layers[ahead, c.N_UNITS])
    needs = state.registers[c.NEEDS]
    needs[s.RAYS] = ends[s.RAYS]
    needs[s.OPEN] = ends[s.OPEN] + widest * (frame[s.N_PENDING] + rows + units)
    needs[s.ADDED] = ends[s.ADDED] + widest * (limits.d + 2) * rows
    needs[s.UNITS] = ends[s.UNITS] + widest * 2 * units
    needs[s.TABLES] = ends[s.TABLES] + widest * 64 * limits.words
    needs[s.RECORDS] = ends[s.RECORDS] + widest * widest
    needs[s.STACK] = state.registers[c.SCALARS, c.SP] + widest + 2
    needs[s.CELL] = n
    return (
        n <= state.marks.shape[1]
        and n <= state.values.shape[1]
        and n <= state.scratch.shape[1]
        and needs[s.OPEN] <= state.pending.size
        and needs[s.ADDED] <= state.acc.size
        and needs[s.UNITS] <= state.pieces.size
        and needs[s.TABLES] <= state.tables.size
        and needs[s.RECORDS] <= state.codes.size
        and needs[s.STACK] <= state.frames.shape[0]
    )


@compiled_inline
def _note_shortage(state, found):
    """Write down which rays a cut had no room for: those of the parts, or those of a cell on the way."""
    needs = state.registers[c.NEEDS]
    if found == NO_SCRATCH:
        needs[s.CELL] = state.scratch.shape[1] + 1
    else:
        needs[s.RAYS] = state.poly.shape[0] + 1


@compiled
def advance_spatial(plan, limits, state, out, limit, counting):
    """Go on until the stack is empty, `limit` regions are counted, or something is full; as `advance`."""
    scalars, frame, tops = state.registers[c.SCALARS], state.registers[c.FRAME], state.registers[c.TOPS]
    deepest = len(plan.layers) - 1
    for _step in range(plan.steps):
        if scalars[c.SP] == 0:
            return c.DONE
        if scalars[c.COUNT] >= limit:
            return c.PAUSED
        for m in range(s.N_FRAME):
            frame[m] = state.frames[scalars[c.SP] - 1, m]
        layer, n = frame[s.LAYER], frame[s.N_POLY]
        if scalars[c.N_ABORT] + plan.widest > len(out.abort_heads):
            return c.ABORTED
        if not _has_room(plan, limits, state, frame):
            return c.GROW
        for m in range(s.N_ARENAS):
            tops[m] = frame[s.ENDS + m]
        settled = frame[s.N_PENDING] == 0
        if settled and layer == deepest:
            if not counting:
                room = scalars[N_OUT_FACETS] + 64 * limits.words <= out.facets.size
                if (
                    scalars[c.N_OUT] == out.sizes.size
                    or scalars[c.N_OUT_POLY] + n > len(out.poly)
                    or not room
                ):
                    return c.FULL
                emit(plan, limits, state, out, frame)
            scalars[c.SP] -= 1
            scalars[c.COUNT] += 1
            continue
        if settled:
            scalars[c.SP] -= 1
            if frame[s.IS_ROOT] == 0:
                if layer == 0 and not is_mine(state):
                    continue
                for u in range(plan.layers[layer, c.N_UNITS]):
                    piece = state.pieces[frame[s.PIECES] + u] % c.SETTLED
                    state.current[plan.layers[layer, c.UNIT0] + u] = piece
            _enter(plan, limits, state, out, frame, counting)
            continue
        if state.pending[frame[s.PENDING]] < plan.layers[layer, c.N_ROWS]:
            n_children = cut_by_row(plan, limits, state, frame)
        else:
            n_children = cut_by_group(plan, limits, state, frame)
        if n_children < -1:
            _note_shortage(state, n_children)
            return c.GROW
        scalars[c.SP] -= 1
        if n_children == -1:
            abort(limits, state, out, layer, frame[s.POLY], n, frame[s.TABLE])
            continue
        for child in range(n_children):
            _follow(plan, limits, state, out, frame, child, counting)
    return c.PAUSED
