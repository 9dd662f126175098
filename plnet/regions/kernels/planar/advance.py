"""Depth-first splitting of convex polygons, with certified signs and without callbacks.

Known algorithm: the walls of one layer after another subdivide the cells found so far (Humayun et al. 2023;
Berzins 2023). Ours differs: it goes depth first and keeps no complex, so memory does not grow with the
count; it filters the units that are left on each polygon; and no sign is taken unless it is proved.

`advance` works on an explicit stack. A frame is a polygon on which some units of a layer
are still open. A unit is filtered on each new polygon: if its form has one certified sign
at all vertices it is settled, and its contribution is added to the forms of the next
layer (one rank-one term); otherwise the polygon is cut. A sign that floating point cannot
certify aborts the frame: it is handed to the driver, which decides it in rationals.

Error analysis. A form of layer l is ``sum_j w_j h_j + b`` over the settled units of the
layer before. Its radius is ``sum_j |w_j| (r_j + gamma |h_j|) + gamma |b|``, gamma the
usual ``n u / (1 - n u)`` with slack for the few roundings on the way (Higham 2002,
section 3.1). Where regions are kept, gamma is a few units roundoff for the roundings of each
product, and ``u sum_k |s_k|`` is added, s_k the partial sums, which are what the additions round
(a running error bound, section 3.3). Nothing is subtracted from a form once it is added, so radii
do not chain sideways.
"""

from __future__ import annotations

from plnet.compiled import compiled, compiled_inline, compiled_inner
from plnet.regions.kernels import bookkeeping, layout
from plnet.regions.kernels.forms import add_unit, difference, zero_wall
from plnet.regions.kernels.planar.last_layer import count_chords
from plnet.regions.kernels.planar.polygons import (
    copy_polygon,
    facet_code,
    form_sides,
    prepare_cut,
    write_half,
)

__all__ = ["advance"]


@compiled_inline
def _zero_wall_of(plan, state, layer, row):
    """Return the wall on which a row of a layer vanishes, as `zero_wall` does."""
    at = plan.layers[layer, layout.ROW0] + row
    return layout.NO_WALL if plan.rows[at, layout.ORIGIN] < 0 else zero_wall(plan, state, at)


@compiled_inline
def _row_sides(plan, state, layer, forms, row, start, n):
    """Return the sides on which a row lies over a polygon in `State.poly`, as `form_sides` does."""
    rows = plan.layers[layer, layout.N_ROWS]
    acc, at = state.acc, forms + row
    scale = state.work[layout.SCALE, plan.layers[layer, layout.ROW0] + row]
    a, b, constant, radius = acc[at], acc[at + rows], acc[at + 2 * rows], acc[at + 3 * rows]
    wall = _zero_wall_of(plan, state, layer, row)
    return form_sides(
        plan, a, b, constant, radius, scale, state.poly, state.edges, start, n, wall, layout.NOTHING
    )


@compiled_inner
def _settle_group(plan, state, layer, unit, forms, start, n, pieces, n_done):
    """Mark the undominated members of a group over a polygon, in row LEFT of `State.marks`.

    Returns as `finish_group`: the number of settled units, OPEN_GROUP or UNDECIDED.
    """
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    rows, first, size = plan.layers[layer, layout.N_ROWS], head[layout.FIRST], head[layout.SIZE]
    row0 = plan.layers[layer, layout.ROW0] + first
    left, unsure = state.marks[layout.LEFT], False
    bookkeeping.mark_members(left, size)
    for i in range(size):
        for j in range(i + 1, size):
            if left[i] and left[j]:
                a, b, constant, radius, scale = difference(plan, state, forms, rows, first + j, first + i)
                one, two = zero_wall(plan, state, row0 + i), zero_wall(plan, state, row0 + j)
                sides = form_sides(
                    plan, a, b, constant, radius, scale, state.poly, state.edges, start, n, one, two
                )
                unsure |= bookkeeping.compare_members(left, i, j, sides)
    return bookkeeping.finish_group(state, unit, size, unsure, pieces, n_done)


@compiled_inline
def _scan_rows(plan, state, layer, forms, start, n):
    """Write size, radius, least and greatest value of every row at the vertices of a polygon to `State.work`.

    Returns the largest radius of a vertex.
    """
    rows, first = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    a, b = state.acc[forms : forms + rows], state.acc[forms + rows : forms + 2 * rows]
    constant = state.acc[forms + 2 * rows : forms + 3 * rows]
    form_radius = state.acc[forms + 3 * rows : forms + 4 * rows]
    scale = state.work[layout.SCALE][first : first + rows]
    radius = state.work[layout.RADII][first : first + rows]
    low, high = state.work[layout.LOW][first : first + rows], state.work[layout.HIGH][first : first + rows]
    x, y, w = state.poly[start, layout.X], state.poly[start, layout.Y], state.poly[start, layout.W]
    for i in range(rows):
        scale[i] = abs(a[i]) + abs(b[i]) + abs(constant[i])
    for i in range(rows):
        radius[i] = form_radius[i] + 4.0 * plan.unit_roundoff * scale[i]
    for i in range(rows):
        low[i] = a[i] * x + b[i] * y + constant[i] * w
    for i in range(rows):
        high[i] = low[i]
    widest = state.poly[start, layout.RADIUS]
    for vertex in range(start + 1, start + n):
        x, y, w = state.poly[vertex, layout.X], state.poly[vertex, layout.Y], state.poly[vertex, layout.W]
        widest = max(widest, state.poly[vertex, layout.RADIUS])
        for i in range(rows):
            value = a[i] * x + b[i] * y + constant[i] * w
            low[i] = value if value < low[i] else low[i]
            high[i] = value if value > high[i] else high[i]
    return widest


@compiled_inline
def _open_layer(plan, state, layer, forms, pieces, pending, start, n, at_root):
    """Filter all units of a layer on a polygon: list what is open, and record what is settled.

    `at_root` says whether the proved signs in row KNOWN of `State.marks` hold. Returns (open items, settled
    units), or (UNDECIDED, 0).
    """
    widest = 0.0
    if plan.layers[layer, layout.N_WALLS] > 0:
        widest = _scan_rows(plan, state, layer, forms, start, n)
    rows, first = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0]
    units, unit0 = plan.layers[layer, layout.N_UNITS], plan.layers[layer, layout.UNIT0]
    n_done, n_open = bookkeeping.begin_layer(plan, state, layer, pieces), 0
    for row in range(rows if plan.layers[layer, layout.N_WALLS] > 0 else 0):
        at = first + row
        if plan.rows[at, layout.IS_WALL] == 0:
            continue
        scale, radius = state.work[layout.SCALE, at], state.work[layout.RADII, at]
        error = radius + (scale + radius) * widest
        low, high = state.work[layout.LOW, at], state.work[layout.HIGH, at]
        if at_root and state.marks[layout.KNOWN, row] != 0:
            sides = layout.POSITIVE if state.marks[layout.KNOWN, row] > 0 else layout.NEGATIVE
        elif low > error:
            sides = layout.POSITIVE
        elif high < -error:
            sides = layout.NEGATIVE
        elif high > error and low < -error:
            sides = layout.BOTH
        else:
            sides = _row_sides(plan, state, layer, forms, row, start, n)
            if sides == layout.UNDECIDED:
                return layout.UNDECIDED, 0
        n_open, n_done = bookkeeping.note_row(plan, state, layer, row, sides, pending, n_open, pieces, n_done)
    for unit in range(units):
        if plan.units[unit0 + unit, layout.KIND] == layout.GROUP:
            done = _settle_group(plan, state, layer, unit, forms, start, n, pieces, n_done)
            if done == layout.UNDECIDED:
                return layout.UNDECIDED, 0
            n_open, n_done = bookkeeping.note_group(state, rows + unit, done, pending, n_open, n_done)
    return n_open, n_done


@compiled_inline
def _refilter(plan, state, frame, cut_item, above, pieces, target, start, n, n_done):
    """Filter the open items of a frame, but for the one that was cut, on a child polygon.

    `above` is the side of the cut wall or the member; what stays open is written from `target` on. `n_done`
    units are settled before. Returns as `_open_layer`.
    """
    layer, forms = frame[layout.LAYER], frame[layout.FORMS]
    rows, n_open = plan.layers[layer, layout.N_ROWS], 0
    for i in range(frame[layout.PENDING], frame[layout.PENDING] + frame[layout.N_PENDING]):
        item = state.pending[i]
        if item == cut_item:
            continue
        if item >= rows:
            done = _settle_group(plan, state, layer, item - rows, forms, start, n, pieces, n_done)
            if done == layout.UNDECIDED:
                return layout.UNDECIDED, 0
            n_open, n_done = bookkeeping.note_group(state, item, done, target, n_open, n_done)
            continue
        sides = bookkeeping.twin_sides(plan, layer, item, cut_item, above)
        if sides == layout.NO_TWIN:
            sides = _row_sides(plan, state, layer, forms, item, start, n)
        if sides == layout.UNDECIDED:
            return layout.UNDECIDED, 0
        n_open, n_done = bookkeeping.note_row(plan, state, layer, item, sides, target, n_open, pieces, n_done)
    return n_open, n_done


@compiled_inline
def _cut_by_row(plan, state, frame, top):
    """Cut a frame by its first open wall, and write its two parts to `State.poly` from row `top` on.

    Describes them in `State.children`. Returns their number, -1 if the cut is not certified.
    """
    layer, start, n = frame[layout.LAYER], frame[layout.POLY], frame[layout.N_POLY]
    rows, row = plan.layers[layer, layout.N_ROWS], state.pending[frame[layout.PENDING]]
    at = plan.layers[layer, layout.ROW0] + row
    for m in range(4):
        state.cut[0, m] = state.acc[frame[layout.FORMS] + m * rows + row]
    scale, wall = state.work[layout.SCALE, at], _zero_wall_of(plan, state, layer, row)
    if not prepare_cut(plan, state, state.poly, state.edges, start, n, scale, wall, layout.NOTHING):
        return -1
    unit, piece = plan.rows[at, layout.UNIT], plan.rows[at, layout.PIECE]
    for above in range(2):
        code = facet_code(layer, unit, piece, piece + 1, above)
        side, poly, edges = 2 * above - 1, state.poly, state.edges
        size = write_half(state, poly, edges, start, n, side, code, poly, edges, top)
        state.children[above, layout.CHILD_POLY], state.children[above, layout.CHILD_N] = top, size
        state.children[above, layout.CHILD_PIECE] = above
        top += size
    return 2


@compiled_inner
def _clip_member(plan, state, layer, unit, forms, member, start, n, target):
    """Write the part of a polygon where one member of a group is the maximum, from row `target` on.

    Returns its number of vertices, 0 if it is empty, -1 if that is not certified.
    """
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    rows, first, size = plan.layers[layer, layout.N_ROWS], head[layout.FIRST], head[layout.SIZE]
    row0 = plan.layers[layer, layout.ROW0] + first
    poly, edges = state.scratch, state.scratch_edges
    place = 0
    copy_polygon(state.poly, state.edges, start, n, poly[0], edges[0], 0)
    for rival in range(size):
        if rival == member or not state.marks[layout.LEFT, rival]:
            continue
        a, b, constant, radius, scale = difference(plan, state, forms, rows, first + member, first + rival)
        one, two = zero_wall(plan, state, row0 + member), zero_wall(plan, state, row0 + rival)
        sides = form_sides(plan, a, b, constant, radius, scale, poly[place], edges[place], 0, n, one, two)
        if sides == layout.UNDECIDED:
            return -1
        if sides == layout.NEGATIVE or (sides == 0 and member < rival):
            return 0
        if sides != layout.BOTH:
            continue
        state.cut[0, 0], state.cut[0, 1], state.cut[0, 2], state.cut[0, 3] = a, b, constant, radius
        if not prepare_cut(plan, state, poly[place], edges[place], 0, n, scale, one, two):
            return -1
        low = plan.rows[row0 + min(member, rival), layout.PIECE]
        high = plan.rows[row0 + max(member, rival), layout.PIECE]
        code = facet_code(layer, unit, low, high, 1 if member > rival else 0)
        n = write_half(state, poly[place], edges[place], 0, n, 1, code, poly[1 - place], edges[1 - place], 0)
        place = 1 - place
    copy_polygon(poly[place], edges[place], 0, n, state.poly, state.edges, target)
    return n


@compiled_inner
def _cut_by_group(plan, state, frame, top):
    """Cut a frame by its first open group, one part for each maximum; as `_cut_by_row`."""
    layer, forms, start = frame[layout.LAYER], frame[layout.FORMS], frame[layout.POLY]
    n = frame[layout.N_POLY]
    unit = state.pending[frame[layout.PENDING]] - plan.layers[layer, layout.N_ROWS]
    # On the same polygon the group was open before, so this marks its members and settles nothing.
    _settle_group(plan, state, layer, unit, forms, start, n, frame[layout.PIECES], 0)
    count = 0
    for member in range(plan.units[plan.layers[layer, layout.UNIT0] + unit, layout.SIZE]):
        if state.marks[layout.LEFT, member]:
            size = _clip_member(plan, state, layer, unit, forms, member, start, n, top)
            if size == -1:
                return -1
            if size > 0:
                state.children[count, layout.CHILD_POLY], state.children[count, layout.CHILD_N] = top, size
                state.children[count, layout.CHILD_PIECE] = member
                top += size
                count += 1
    return count


@compiled_inner
def _abort(state, out, layer, start, n):
    """Write a polygon for the driver to `out`. The caller made sure that there is room."""
    if layer == 0 and not bookkeeping.is_mine(state):
        return
    scalars = state.registers[layout.SCALARS]
    k, at = scalars[layout.N_ABORT], scalars[layout.N_ABORT_EDGES]
    out.abort_heads[k, 0], out.abort_heads[k, 1] = layer, n
    for u in range(state.current.size):
        out.abort_pieces[k, u] = state.current[u]
    for i in range(n):
        out.abort_edges[at + i] = state.edges[start + i]
    scalars[layout.N_ABORT] += 1
    scalars[layout.N_ABORT_EDGES] += n


@compiled_inner
def _emit(plan, state, out, frame):
    """Write the region of a settled frame to `out`. The caller made sure that there is room."""
    scalars = state.registers[layout.SCALARS]
    k, at = scalars[layout.N_OUT], scalars[layout.N_OUT_POLY]
    layer, start, n = frame[layout.LAYER], frame[layout.POLY], frame[layout.N_POLY]
    for u in range(plan.layers[layer, layout.UNIT0]):
        out.pieces[k, u] = state.current[u]
    bookkeeping.keep_pieces(plan, state, layer, frame[layout.PIECES], out.pieces[k])
    copy_polygon(state.poly, state.edges, start, n, out.poly, out.edges, at)
    out.sizes[k] = n
    scalars[layout.N_OUT] += 1
    scalars[layout.N_OUT_POLY] += n


@compiled_inline
def _finish(plan, state, out, layer, forms, acc, pieces, pending, poly, n, n_open, n_done, counting):
    """Add the settled units of a new polygon to the next forms; push it, count it, or hand it to the driver.

    `n_open` is UNDECIDED for the driver; `counting` says whether regions are counted only.
    """
    if n_open == layout.UNDECIDED:
        _abort(state, out, layer, poly, n)
        return
    scalars, tops = state.registers[layout.SCALARS], state.registers[layout.TOPS]
    if layer == len(plan.layers) - 1:
        if counting and n_open == 0:
            scalars[layout.COUNT] += 1
            return
        if counting and n_open == 1 and state.pending[pending] < plan.layers[layer, layout.N_ROWS]:
            # One certified wall across a convex polygon: two regions.
            scalars[layout.COUNT] += 2
            return
        if counting and scalars[layout.COUNT] + n_open < scalars[layout.MOST]:
            found = count_chords(plan, state, layer, forms, pending, n_open, poly, n)
            if found > 0 and scalars[layout.COUNT] + found <= scalars[layout.MOST]:
                scalars[layout.COUNT] += found
                return
    else:
        for i in range(n_done):
            unit = state.marks[layout.DONE_UNITS, i]
            add_unit(plan, state, layer, unit, state.pieces[pieces + unit] % layout.SETTLED, forms, acc)
    tops[1] = pending + n_open
    frame = state.frames[scalars[layout.SP]]
    frame[layout.LAYER], frame[layout.POLY], frame[layout.N_POLY] = layer, poly, n
    frame[layout.PENDING], frame[layout.N_PENDING] = pending, n_open
    frame[layout.FORMS], frame[layout.ACC], frame[layout.PIECES] = forms, acc, pieces
    frame[layout.IS_ROOT] = 0
    for m in range(4):
        frame[layout.ENDS + m] = tops[m]
    scalars[layout.SP] += 1


@compiled_inline
def _enter(plan, state, out, frame, counting):
    """Open the next layer on the polygon of a frame on which all units of this one are settled."""
    layer, tops = frame[layout.LAYER] + 1, state.registers[layout.TOPS]
    acc, pieces, pending = tops[2], tops[3], tops[1]
    if layer + 1 < len(plan.layers):
        bookkeeping.begin_sums(plan, state, layer + 1, acc, 2)
        tops[2] = acc + 4 * plan.layers[layer + 1, layout.N_ROWS]
    tops[3] = pieces + plan.layers[layer, layout.N_UNITS]
    forms, poly, n = frame[layout.ACC], frame[layout.POLY], frame[layout.N_POLY]
    at_root = frame[layout.IS_ROOT] == 1
    n_open, n_done = _open_layer(plan, state, layer, forms, pieces, pending, poly, n, at_root)
    _finish(plan, state, out, layer, forms, acc, pieces, pending, poly, n, n_open, n_done, counting)


@compiled_inline
def _follow(plan, state, out, frame, child, counting):
    """Filter the open items of a frame on the child polygon in row `child` of `State.children`."""
    layer, tops = frame[layout.LAYER], state.registers[layout.TOPS]
    units = plan.layers[layer, layout.N_UNITS]
    acc, pieces, pending = tops[2], tops[3], tops[1]
    for u in range(units):
        state.pieces[pieces + u] = state.pieces[frame[layout.PIECES] + u]
    tops[3] = pieces + units
    if layer + 1 < len(plan.layers):
        size = 4 * plan.layers[layer + 1, layout.N_ROWS]
        for i in range(size):
            state.acc[acc + i] = state.acc[frame[layout.ACC] + i]
        tops[2] = acc + size
    item, piece = state.pending[frame[layout.PENDING]], state.children[child, layout.CHILD_PIECE]
    n_done = bookkeeping.settle_cut(plan, state, layer, item, piece, pieces)
    poly, n = state.children[child, layout.CHILD_POLY], state.children[child, layout.CHILD_N]
    n_open, n_done = _refilter(plan, state, frame, item, piece, pieces, pending, poly, n, n_done)
    forms = frame[layout.FORMS]
    _finish(plan, state, out, layer, forms, acc, pieces, pending, poly, n, n_open, n_done, counting)


@compiled_inline
def _has_room(plan, state, frame):
    """Write to the register NEEDS how much room one step can take; return whether the arenas hold it."""
    layer, n, widest = frame[layout.LAYER], frame[layout.N_POLY], plan.widest
    ends = frame[layout.ENDS : layout.ENDS + 4]
    units = 0 if layer < 0 else plan.layers[layer, layout.N_UNITS]
    rows = 0
    for ahead in range(layer + 1, min(layer + 3, len(plan.layers))):
        rows = max(rows, plan.layers[ahead, layout.N_ROWS])
        units = max(units, plan.layers[ahead, layout.N_UNITS])
    corners = n + widest + 2
    needs = state.registers[layout.NEEDS]
    needs[0] = ends[0] + widest * corners
    needs[1] = ends[1] + widest * (frame[layout.N_PENDING] + rows + units)
    needs[2] = ends[2] + widest * 4 * rows
    needs[3] = ends[3] + widest * 2 * units
    needs[layout.STACK] = state.registers[layout.SCALARS, layout.SP] + widest + 2
    needs[layout.CORNERS] = corners
    return (
        corners <= state.marks.shape[1]
        and corners <= state.scratch.shape[1]
        and needs[0] <= state.poly.shape[0]
        and needs[1] <= state.pending.size
        and needs[2] <= state.acc.size
        and needs[3] <= state.pieces.size
        and needs[layout.STACK] <= state.frames.shape[0]
    )


@compiled
def advance(plan, state, out, limit, counting):
    """Go on until the stack is empty, `limit` regions are counted, or something is full.

    Of the cells of the first layer only every n-th is descended into, n the number of shares,
    so that as many threads share the work without talking to each other. With `counting`, regions are
    counted only; else they go to `out`. Returns DONE, PAUSED, FULL, GROW or ABORTED; the next call goes on
    where this one stopped.
    """
    scalars, frame = state.registers[layout.SCALARS], state.registers[layout.FRAME]
    tops = state.registers[layout.TOPS]
    deepest = len(plan.layers) - 1
    for _step in range(plan.steps):
        if scalars[layout.SP] == 0:
            return layout.DONE
        if scalars[layout.COUNT] >= limit:
            return layout.PAUSED
        for m in range(13):
            frame[m] = state.frames[scalars[layout.SP] - 1, m]
        layer, n = frame[layout.LAYER], frame[layout.N_POLY]
        if scalars[layout.N_ABORT] + plan.widest > len(out.abort_heads) or (
            scalars[layout.N_ABORT_EDGES] + plan.widest * (n + plan.widest + 2) > out.abort_edges.size
        ):
            return layout.ABORTED
        if not _has_room(plan, state, frame):
            return layout.GROW
        for m in range(4):
            tops[m] = frame[layout.ENDS + m]
        settled = frame[layout.N_PENDING] == 0
        if settled and layer == deepest:
            if not counting:
                if scalars[layout.N_OUT] == out.sizes.size or scalars[layout.N_OUT_POLY] + n > out.edges.size:
                    return layout.FULL
                _emit(plan, state, out, frame)
            scalars[layout.SP] -= 1
            scalars[layout.COUNT] += 1
            continue
        scalars[layout.SP] -= 1
        if settled:
            if frame[layout.IS_ROOT] == 0:
                if layer == 0 and not bookkeeping.is_mine(state):
                    continue
                bookkeeping.keep_pieces(plan, state, layer, frame[layout.PIECES], state.current)
            _enter(plan, state, out, frame, counting)
            continue
        if state.pending[frame[layout.PENDING]] < plan.layers[layer, layout.N_ROWS]:
            n_children = _cut_by_row(plan, state, frame, tops[0])
        else:
            n_children = _cut_by_group(plan, state, frame, tops[0])
        if n_children == -1:
            _abort(state, out, layer, frame[layout.POLY], n)
            continue
        for child in range(n_children):
            end = state.children[child, layout.CHILD_POLY] + state.children[child, layout.CHILD_N]
            tops[0] = max(tops[0], end)
        for child in range(n_children):
            _follow(plan, state, out, frame, child, counting)
    return layout.PAUSED
