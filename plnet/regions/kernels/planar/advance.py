"""Depth-first splitting of convex polygons, with certified signs and without callbacks.

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
from plnet.regions.kernels import layout as c
from plnet.regions.kernels.bookkeeping import is_mine, settle_row
from plnet.regions.kernels.forms import add_unit, difference, zero_wall
from plnet.regions.kernels.planar.last_layer import count_chords
from plnet.regions.kernels.planar.polygons import (
    BOTH,
    NEGATIVE,
    POSITIVE,
    UNDECIDED,
    copy_polygon,
    facet_code,
    form_sides,
    prepare_cut,
    write_half,
)

__all__ = ["advance"]


@compiled_inline
def _zero_wall_of(plan, state, layer, row):
    at = plan.layers[layer, c.ROW0] + row
    return c.NO_WALL if plan.rows[at, c.ORIGIN] < 0 else zero_wall(plan, state, at)


@compiled_inline
def _row_sides(plan, state, layer, forms, row, poly, start, n):
    rows = plan.layers[layer, c.N_ROWS]
    acc, at = state.acc, forms + row
    scale = state.work[c.SCALE, plan.layers[layer, c.ROW0] + row]
    a, b, cc, r = acc[at], acc[at + rows], acc[at + 2 * rows], acc[at + 3 * rows]
    return form_sides(
        plan,
        a,
        b,
        cc,
        r,
        scale,
        poly,
        state.edges,
        start,
        n,
        _zero_wall_of(plan, state, layer, row),
        c.NOTHING,
    )


@compiled_inner
def _settle_group(plan, state, layer, unit, forms, start, n, pieces, n_done):
    """Mark the undominated members of a group; settle it if one is left. -1 if undecided, -2 if open."""
    head = plan.units[plan.layers[layer, c.UNIT0] + unit]
    rows, first, k = plan.layers[layer, c.N_ROWS], head[c.FIRST], head[c.SIZE]
    row0 = plan.layers[layer, c.ROW0] + first
    left = state.marks[c.LEFT]
    for i in range(k):
        left[i] = 1
    unsure = False
    for i in range(k):
        for j in range(i + 1, k):
            if left[i] and left[j]:
                a, b, cc, r, scale = difference(plan, state, forms, rows, first + j, first + i)
                one, two = zero_wall(plan, state, row0 + i), zero_wall(plan, state, row0 + j)
                sides = form_sides(plan, a, b, cc, r, scale, state.poly, state.edges, start, n, one, two)
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
def _scan_rows(plan, state, layer, forms, start, n):
    """Size, radius, least and greatest value of every row at the vertices of a polygon."""
    rows, first = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.ROW0]
    a, b = state.acc[forms : forms + rows], state.acc[forms + rows : forms + 2 * rows]
    cc, r = state.acc[forms + 2 * rows : forms + 3 * rows], state.acc[forms + 3 * rows : forms + 4 * rows]
    scale, radius = state.work[c.SCALE][first : first + rows], state.work[c.RADII][first : first + rows]
    low, high = state.work[c.LOW][first : first + rows], state.work[c.HIGH][first : first + rows]
    x, y, w = state.poly[start, c.X], state.poly[start, c.Y], state.poly[start, c.W]
    for i in range(rows):
        scale[i] = abs(a[i]) + abs(b[i]) + abs(cc[i])
    for i in range(rows):
        radius[i] = r[i] + 4.0 * plan.unit_roundoff * scale[i]
    for i in range(rows):
        low[i] = a[i] * x + b[i] * y + cc[i] * w
    for i in range(rows):
        high[i] = low[i]
    widest = state.poly[start, c.RADIUS]
    for v in range(start + 1, start + n):
        x, y, w = state.poly[v, c.X], state.poly[v, c.Y], state.poly[v, c.W]
        widest = max(widest, state.poly[v, c.RADIUS])
        for i in range(rows):
            value = a[i] * x + b[i] * y + cc[i] * w
            low[i] = value if value < low[i] else low[i]
            high[i] = value if value > high[i] else high[i]
    return widest


@compiled_inline
def _open_layer(plan, state, layer, forms, pieces, pending, start, n, at_root):
    """Filter all units of a layer on a polygon; return (open items, settled units), (-1, 0) if undecided."""
    widest = 0.0
    if plan.layers[layer, c.N_WALLS] > 0:
        widest = _scan_rows(plan, state, layer, forms, start, n)
    rows, first = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.ROW0]
    units, unit0 = plan.layers[layer, c.N_UNITS], plan.layers[layer, c.UNIT0]
    n_done, n_open = 0, 0
    for unit in range(units):
        state.pieces[pieces + unit] = 0
        if plan.units[unit0 + unit, c.KIND] == c.SINGLE:
            state.marks[c.DONE_UNITS, n_done] = unit
            n_done += 1
    for row in range(rows if plan.layers[layer, c.N_WALLS] > 0 else 0):
        at = first + row
        if plan.rows[at, c.IS_WALL] == 0:
            continue
        error = state.work[c.RADII, at] + (state.work[c.SCALE, at] + state.work[c.RADII, at]) * widest
        low, high = state.work[c.LOW, at], state.work[c.HIGH, at]
        if at_root and state.marks[c.KNOWN, row] != 0:
            sides = POSITIVE if state.marks[c.KNOWN, row] > 0 else NEGATIVE
        elif low > error:
            sides = POSITIVE
        elif high < -error:
            sides = NEGATIVE
        elif high > error and low < -error:
            sides = BOTH
        else:
            sides = _row_sides(plan, state, layer, forms, row, state.poly, start, n)
            if sides == UNDECIDED:
                return -1, 0
        if sides == BOTH:
            state.pending[pending + n_open] = row
            n_open += 1
        else:
            n_done = settle_row(plan, state, layer, row, 1 if sides == POSITIVE else 0, pieces, n_done)
    for unit in range(units):
        if plan.units[unit0 + unit, c.KIND] == c.GROUP:
            done = _settle_group(plan, state, layer, unit, forms, start, n, pieces, n_done)
            if done == -1:
                return -1, 0
            if done == -2:
                state.pending[pending + n_open] = rows + unit
                n_open += 1
            else:
                n_done = done
    return n_open, n_done


@compiled_inline
def _refilter(plan, state, frame, cut_item, above, pieces, target, start, n, n_done):
    """Filter the open items of a frame on a child polygon; as `_open_layer`."""
    layer, forms = frame[c.LAYER], frame[c.FORMS]
    rows, first = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.ROW0]
    n_open = 0
    for i in range(frame[c.PENDING], frame[c.PENDING] + frame[c.N_PENDING]):
        item = state.pending[i]
        if item == cut_item:
            continue
        if item >= rows:
            done = _settle_group(plan, state, layer, item - rows, forms, start, n, pieces, n_done)
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
                sides = _row_sides(plan, state, layer, forms, item, state.poly, start, n)
            if sides == UNDECIDED:
                return -1, 0
            if sides != BOTH:
                n_done = settle_row(plan, state, layer, item, 1 if sides == POSITIVE else 0, pieces, n_done)
                continue
        state.pending[target + n_open] = item
        n_open += 1
    return n_open, n_done


@compiled_inline
def _cut_by_row(plan, state, frame, top):
    """Cut a frame by its first open wall; return the number of children, -1 if undecided."""
    layer, start, n = frame[c.LAYER], frame[c.POLY], frame[c.N_POLY]
    rows, row = plan.layers[layer, c.N_ROWS], state.pending[frame[c.PENDING]]
    at = plan.layers[layer, c.ROW0] + row
    for m in range(4):
        state.cut[0, m] = state.acc[frame[c.FORMS] + m * rows + row]
    scale, wall = state.work[c.SCALE, at], _zero_wall_of(plan, state, layer, row)
    if not prepare_cut(plan, state, state.poly, state.edges, start, n, scale, wall, c.NOTHING):
        return -1
    unit, piece = plan.rows[at, c.UNIT], plan.rows[at, c.PIECE]
    for above in range(2):
        code = facet_code(layer, unit, piece, piece + 1, above)
        size = write_half(
            state, state.poly, state.edges, start, n, 2 * above - 1, code, state.poly, state.edges, top
        )
        state.children[above, c.CHILD_POLY], state.children[above, c.CHILD_N] = top, size
        state.children[above, c.CHILD_PIECE] = above
        top += size
    return 2


@compiled_inner
def _clip_member(plan, state, layer, unit, forms, p, start, n, target):
    """Write the part of a polygon where member p is the maximum; return its size, -1 if undecided."""
    head = plan.units[plan.layers[layer, c.UNIT0] + unit]
    rows, first, k = plan.layers[layer, c.N_ROWS], head[c.FIRST], head[c.SIZE]
    row0 = plan.layers[layer, c.ROW0] + first
    poly, edges = state.scratch, state.scratch_edges
    place = 0
    copy_polygon(state.poly, state.edges, start, n, poly[0], edges[0], 0)
    for q in range(k):
        if q == p or not state.marks[c.LEFT, q]:
            continue
        a, b, cc, r, scale = difference(plan, state, forms, rows, first + p, first + q)
        one, two = zero_wall(plan, state, row0 + p), zero_wall(plan, state, row0 + q)
        sides = form_sides(plan, a, b, cc, r, scale, poly[place], edges[place], 0, n, one, two)
        if sides == UNDECIDED:
            return -1
        if sides == NEGATIVE or (sides == 0 and p < q):
            return 0
        if sides != BOTH:
            continue
        state.cut[0, 0], state.cut[0, 1], state.cut[0, 2], state.cut[0, 3] = a, b, cc, r
        if not prepare_cut(plan, state, poly[place], edges[place], 0, n, scale, one, two):
            return -1
        low, high = plan.rows[row0 + min(p, q), c.PIECE], plan.rows[row0 + max(p, q), c.PIECE]
        code = facet_code(layer, unit, low, high, 1 if p > q else 0)
        n = write_half(state, poly[place], edges[place], 0, n, 1, code, poly[1 - place], edges[1 - place], 0)
        place = 1 - place
    copy_polygon(poly[place], edges[place], 0, n, state.poly, state.edges, target)
    return n


@compiled_inner
def _cut_by_group(plan, state, frame, top):
    """Cut a frame by its first open group; return the number of children, -1 if undecided."""
    layer, forms, start, n = frame[c.LAYER], frame[c.FORMS], frame[c.POLY], frame[c.N_POLY]
    unit = state.pending[frame[c.PENDING]] - plan.layers[layer, c.N_ROWS]
    # On the same polygon the group was open before, so this marks its members and settles nothing.
    _settle_group(plan, state, layer, unit, forms, start, n, frame[c.PIECES], 0)
    count = 0
    for p in range(plan.units[plan.layers[layer, c.UNIT0] + unit, c.SIZE]):
        if state.marks[c.LEFT, p]:
            size = _clip_member(plan, state, layer, unit, forms, p, start, n, top)
            if size == -1:
                return -1
            if size > 0:
                state.children[count, c.CHILD_POLY], state.children[count, c.CHILD_N] = top, size
                state.children[count, c.CHILD_PIECE] = p
                top += size
                count += 1
    return count


@compiled_inner
def _abort(state, out, layer, start, n):
    """Hand a polygon to the driver. The caller made sure that there is room."""
    if layer == 0 and not is_mine(state):
        return
    scalars = state.registers[c.SCALARS]
    k, at = scalars[c.N_ABORT], scalars[c.N_ABORT_EDGES]
    out.abort_heads[k, 0], out.abort_heads[k, 1] = layer, n
    for u in range(state.current.size):
        out.abort_pieces[k, u] = state.current[u]
    for i in range(n):
        out.abort_edges[at + i] = state.edges[start + i]
    scalars[c.N_ABORT] += 1
    scalars[c.N_ABORT_EDGES] += n


@compiled_inner
def _emit(plan, state, out, frame):
    """Write a region to the output. The caller made sure that there is room."""
    scalars = state.registers[c.SCALARS]
    k, at = scalars[c.N_OUT], scalars[c.N_OUT_POLY]
    layer, start, n = frame[c.LAYER], frame[c.POLY], frame[c.N_POLY]
    unit0 = plan.layers[layer, c.UNIT0]
    for u in range(unit0):
        out.pieces[k, u] = state.current[u]
    for u in range(plan.layers[layer, c.N_UNITS]):
        out.pieces[k, unit0 + u] = state.pieces[frame[c.PIECES] + u] % c.SETTLED
    copy_polygon(state.poly, state.edges, start, n, out.poly, out.edges, at)
    out.sizes[k] = n
    scalars[c.N_OUT] += 1
    scalars[c.N_OUT_POLY] += n


@compiled_inline
def _finish(plan, state, out, layer, forms, acc, pieces, pending, poly, n, n_open, n_done, counting):
    """Add the settled units of a new polygon; push it, count it, or hand it to the driver."""
    if n_open == -1:
        _abort(state, out, layer, poly, n)
        return
    scalars, tops = state.registers[c.SCALARS], state.registers[c.TOPS]
    if layer == len(plan.layers) - 1:
        if counting and n_open == 0:
            scalars[c.COUNT] += 1
            return
        if counting and n_open == 1 and state.pending[pending] < plan.layers[layer, c.N_ROWS]:
            # One certified wall across a convex polygon: two regions.
            scalars[c.COUNT] += 2
            return
        if counting and scalars[c.COUNT] + n_open < scalars[c.MOST]:
            found = count_chords(plan, state, layer, forms, pending, n_open, poly, n)
            if found > 0 and scalars[c.COUNT] + found <= scalars[c.MOST]:
                scalars[c.COUNT] += found
                return
    else:
        for i in range(n_done):
            unit = state.marks[c.DONE_UNITS, i]
            add_unit(plan, state, layer, unit, state.pieces[pieces + unit] % c.SETTLED, forms, acc)
    tops[1] = pending + n_open
    frame = state.frames[scalars[c.SP]]
    frame[c.LAYER], frame[c.POLY], frame[c.N_POLY] = layer, poly, n
    frame[c.PENDING], frame[c.N_PENDING] = pending, n_open
    frame[c.FORMS], frame[c.ACC], frame[c.PIECES], frame[c.IS_ROOT] = forms, acc, pieces, 0
    for m in range(4):
        frame[c.ENDS + m] = tops[m]
    scalars[c.SP] += 1


@compiled_inline
def _enter(plan, state, out, frame, counting):
    """Open the next layer on a polygon on which all units of this one are settled."""
    layer, tops = frame[c.LAYER] + 1, state.registers[c.TOPS]
    acc, pieces, pending = tops[2], tops[3], tops[1]
    if layer + 1 < len(plan.layers):
        rows, first = plan.layers[layer + 1, c.N_ROWS], plan.layers[layer + 1, c.ROW0]
        for i in range(rows):
            state.acc[acc + i] = 0.0
            state.acc[acc + rows + i] = 0.0
            state.acc[acc + 2 * rows + i] = plan.bias[first + i, 0]
            state.acc[acc + 3 * rows + i] = plan.bias[first + i, 1]
        tops[2] = acc + 4 * rows
    tops[3] = pieces + plan.layers[layer, c.N_UNITS]
    forms, poly, n = frame[c.ACC], frame[c.POLY], frame[c.N_POLY]
    n_open, n_done = _open_layer(plan, state, layer, forms, pieces, pending, poly, n, frame[c.IS_ROOT] == 1)
    _finish(plan, state, out, layer, forms, acc, pieces, pending, poly, n, n_open, n_done, counting)


@compiled_inline
def _follow(plan, state, out, frame, child, counting):
    """Filter the open items of a frame on one child polygon."""
    layer, tops = frame[c.LAYER], state.registers[c.TOPS]
    rows, units = plan.layers[layer, c.N_ROWS], plan.layers[layer, c.N_UNITS]
    acc, pieces, pending = tops[2], tops[3], tops[1]
    for u in range(units):
        state.pieces[pieces + u] = state.pieces[frame[c.PIECES] + u]
    tops[3] = pieces + units
    if layer + 1 < len(plan.layers):
        size = 4 * plan.layers[layer + 1, c.N_ROWS]
        for i in range(size):
            state.acc[acc + i] = state.acc[frame[c.ACC] + i]
        tops[2] = acc + size
    item, piece = state.pending[frame[c.PENDING]], state.children[child, c.CHILD_PIECE]
    if item < rows:
        n_done = settle_row(plan, state, layer, item, piece, pieces, 0)
    else:
        state.pieces[pieces + item - rows] = c.SETTLED + piece
        state.marks[c.DONE_UNITS, 0] = item - rows
        n_done = 1
    poly, n = state.children[child, c.CHILD_POLY], state.children[child, c.CHILD_N]
    n_open, n_done = _refilter(plan, state, frame, item, piece, pieces, pending, poly, n, n_done)
    _finish(plan, state, out, layer, frame[c.FORMS], acc, pieces, pending, poly, n, n_open, n_done, counting)


@compiled_inline
def _has_room(plan, state, frame):
    """Write down how much room one step can take, and say whether the arenas hold it."""
    layer, n, widest = frame[c.LAYER], frame[c.N_POLY], plan.widest
    ends = frame[c.ENDS : c.ENDS + 4]
    units = 0 if layer < 0 else plan.layers[layer, c.N_UNITS]
    rows = 0
    for ahead in range(layer + 1, min(layer + 3, len(plan.layers))):
        rows = max(rows, plan.layers[ahead, c.N_ROWS])
        units = max(units, plan.layers[ahead, c.N_UNITS])
    corners = n + widest + 2
    needs = state.registers[c.NEEDS]
    needs[0] = ends[0] + widest * corners
    needs[1] = ends[1] + widest * (frame[c.N_PENDING] + rows + units)
    needs[2] = ends[2] + widest * 4 * rows
    needs[3] = ends[3] + widest * 2 * units
    needs[c.STACK] = state.registers[c.SCALARS, c.SP] + widest + 2
    needs[c.CORNERS] = corners
    return (
        corners <= state.marks.shape[1]
        and corners <= state.scratch.shape[1]
        and needs[0] <= state.poly.shape[0]
        and needs[1] <= state.pending.size
        and needs[2] <= state.acc.size
        and needs[3] <= state.pieces.size
        and needs[c.STACK] <= state.frames.shape[0]
    )


@compiled
def advance(plan, state, out, limit, counting):
    """Go on until the stack is empty, `limit` regions are counted, or something is full.

    Of the cells of the first layer only every n-th is descended into, n the number of shares,
    so that as many threads share the work without talking to each other.
    """
    scalars, frame, tops = state.registers[c.SCALARS], state.registers[c.FRAME], state.registers[c.TOPS]
    deepest = len(plan.layers) - 1
    for _step in range(plan.steps):
        if scalars[c.SP] == 0:
            return c.DONE
        if scalars[c.COUNT] >= limit:
            return c.PAUSED
        for m in range(13):
            frame[m] = state.frames[scalars[c.SP] - 1, m]
        layer, n = frame[c.LAYER], frame[c.N_POLY]
        if scalars[c.N_ABORT] + plan.widest > len(out.abort_heads) or (
            scalars[c.N_ABORT_EDGES] + plan.widest * (n + plan.widest + 2) > out.abort_edges.size
        ):
            return c.ABORTED
        if not _has_room(plan, state, frame):
            return c.GROW
        for m in range(4):
            tops[m] = frame[c.ENDS + m]
        settled = frame[c.N_PENDING] == 0
        if settled and layer == deepest:
            if not counting:
                if scalars[c.N_OUT] == out.sizes.size or scalars[c.N_OUT_POLY] + n > out.edges.size:
                    return c.FULL
                _emit(plan, state, out, frame)
            scalars[c.SP] -= 1
            scalars[c.COUNT] += 1
            continue
        scalars[c.SP] -= 1
        if settled:
            if frame[c.IS_ROOT] == 0:
                if layer == 0 and not is_mine(state):
                    continue
                for u in range(plan.layers[layer, c.N_UNITS]):
                    piece = state.pieces[frame[c.PIECES] + u] % c.SETTLED
                    state.current[plan.layers[layer, c.UNIT0] + u] = piece
            _enter(plan, state, out, frame, counting)
            continue
        if state.pending[frame[c.PENDING]] < plan.layers[layer, c.N_ROWS]:
            n_children = _cut_by_row(plan, state, frame, tops[0])
        else:
            n_children = _cut_by_group(plan, state, frame, tops[0])
        if n_children == -1:
            _abort(state, out, layer, frame[c.POLY], n)
            continue
        for child in range(n_children):
            tops[0] = max(tops[0], state.children[child, c.CHILD_POLY] + state.children[child, c.CHILD_N])
        for child in range(n_children):
            _follow(plan, state, out, frame, child, counting)
    return c.PAUSED
