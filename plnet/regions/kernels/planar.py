"""Depth-first splitting of convex polygons, with certified signs and without callbacks.

`advance` works on an explicit stack. A frame is a polygon on which some units of a layer
are still open. A unit is filtered on each new polygon: if its form has one certified sign
at all vertices it is settled, and its contribution is added to the forms of the next
layer (one rank-one term); otherwise the polygon is cut. A sign that floating point cannot
certify aborts the frame: it is handed to the driver, which decides it in rationals.

Error analysis. A form of layer l is ``sum_j w_j h_j + b`` over the settled units of the
layer before. Its radius is ``sum_j |w_j| (r_j + gamma |h_j|) + gamma |b|``, gamma the
usual ``n u / (1 - n u)`` with slack for the few roundings on the way (Higham 2002,
section 3.1). A vertex is the cross product of the forms of its two edges, never the point
between two clipped vertices; its radius follows from theirs. Nothing is subtracted from a
form once it is added, so radii do not chain sideways.

All functions live in one file, because numba's cache follows changes of one file only.
"""

from __future__ import annotations

from plnet.regions.kernels import layout as c
from plnet.regions.kernels.compile import compiled, compiled_inline, compiled_inner

__all__ = ["advance"]

UNSURE = 2
POSITIVE, NEGATIVE, BOTH, UNDECIDED = 1, 2, 3, -1


@compiled_inline
def _sign_at(plan, a, b, cc, r, scale, poly, v):
    """Certified sign of a form at a vertex, or UNSURE."""
    x, y, w = poly[v, c.X], poly[v, c.Y], poly[v, c.W]
    value = a * x + b * y + cc * w
    # Without constants the error of a form vanishes at the origin.
    size = max(abs(x), abs(y)) if plan.homogeneous else 1.0
    error = (r + 4.0 * plan.unit_roundoff * scale) * size + (scale + r) * poly[v, c.RADIUS]
    if value > error:
        return 1
    if value < -error:
        return -1
    if error == 0.0 and value == 0.0:
        return 0
    return UNSURE


@compiled_inline
def _form_sides(plan, a, b, cc, r, scale, poly, start, n):
    """Whether a form is somewhere POSITIVE, NEGATIVE, BOTH, neither (0), or UNDECIDED."""
    sides = 0
    unsure = False
    for v in range(start, start + n):
        s = _sign_at(plan, a, b, cc, r, scale, poly, v)
        if s == 1:
            sides |= POSITIVE
        elif s == -1:
            sides |= NEGATIVE
        elif s == UNSURE:
            unsure = True
    return UNDECIDED if unsure and sides != BOTH else sides


@compiled_inline
def _row_sides(plan, state, layer, forms, row, poly, start, n):
    rows = plan.layers[layer, c.N_ROWS]
    acc, at = state.acc, forms + row
    scale = state.work[c.SCALE, plan.layers[layer, c.ROW0] + row]
    return _form_sides(plan, acc[at], acc[at + rows], acc[at + 2 * rows], acc[at + 3 * rows], scale, poly, start, n)


@compiled_inline
def _add_multiple(column, factor, out):
    # One input and one output, so that the compiler can rule out overlaps and use vectors.
    for i in range(len(out)):
        out[i] += column[i] * factor


@compiled_inline
def _add_unit(plan, state, layer, unit, piece, forms, acc):
    """Add what a settled unit contributes to the forms of the next layer."""
    head = plan.units[plan.layers[layer, c.UNIT0] + unit]
    slope, shift, error = plan.pieces[head[c.PIECE0] + piece]
    if slope == 0.0 and shift == 0.0 and error == 0.0:
        return
    rows, ahead = plan.layers[layer, c.N_ROWS], plan.layers[layer + 1, c.N_ROWS]
    row = forms + head[c.FIRST] + (piece if head[c.KIND] == c.GROUP else 0)
    a, b = slope * state.acc[row], slope * state.acc[row + rows]
    constant = slope * state.acc[row + 2 * rows] + shift
    size = abs(a) + abs(b) + abs(constant) + abs(shift)
    q = abs(slope) * state.acc[row + 3 * rows] + plan.gamma[layer + 1] * size + error
    if q > 0.0:
        q = q * (1.0 + 1e-9) + plan.floor
    w0 = plan.layers[layer + 1, c.WEIGHT0] + unit * ahead
    weights, sizes = plan.weights[0][w0 : w0 + ahead], plan.weights[1][w0 : w0 + ahead]
    _add_multiple(weights, a, state.acc[acc : acc + ahead])
    _add_multiple(weights, b, state.acc[acc + ahead : acc + 2 * ahead])
    _add_multiple(weights, constant, state.acc[acc + 2 * ahead : acc + 3 * ahead])
    _add_multiple(sizes, q, state.acc[acc + 3 * ahead : acc + 4 * ahead])


@compiled_inline
def _settle_row(plan, state, layer, row, above, pieces, n_done):
    """Record that a wall has one sign; list its unit once all its walls are settled."""
    unit = plan.rows[plan.layers[layer, c.ROW0] + row, c.UNIT]
    state.pieces[pieces + unit] += c.SETTLED + above
    if state.pieces[pieces + unit] // c.SETTLED == plan.units[plan.layers[layer, c.UNIT0] + unit, c.SIZE]:
        state.marks[c.DONE_UNITS, n_done] = unit
        return n_done + 1
    return n_done


@compiled_inline
def _difference(plan, state, forms, rows, high, low):
    """Form of member `high` minus member `low`, its radius and its size."""
    acc, p, q = state.acc, forms + high, forms + low
    a, b = acc[p] - acc[q], acc[p + rows] - acc[q + rows]
    cc = acc[p + 2 * rows] - acc[q + 2 * rows]
    scale = abs(a) + abs(b) + abs(cc)
    return a, b, cc, acc[p + 3 * rows] + acc[q + 3 * rows] + 2.0 * plan.unit_roundoff * scale, scale


@compiled_inner
def _settle_group(plan, state, layer, unit, forms, poly, start, n, pieces, n_done):
    """Mark the undominated members of a group; settle it if one is left. -1 if undecided, -2 if open."""
    head = plan.units[plan.layers[layer, c.UNIT0] + unit]
    rows, first, k = plan.layers[layer, c.N_ROWS], head[c.FIRST], head[c.SIZE]
    left = state.marks[c.LEFT]
    for i in range(k):
        left[i] = 1
    unsure = False
    for i in range(k):
        for j in range(i + 1, k):
            if left[i] and left[j]:
                a, b, cc, r, scale = _difference(plan, state, forms, rows, first + j, first + i)
                sides = _form_sides(plan, a, b, cc, r, scale, poly, start, n)
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
        # Written so that NaN is kept.
        if not state.poly[v, c.RADIUS] <= widest:
            widest = state.poly[v, c.RADIUS]
        for i in range(rows):
            value = a[i] * x + b[i] * y + cc[i] * w
            low[i] = value if value < low[i] else low[i]
            high[i] = value if value > high[i] else high[i]
    return widest


@compiled_inline
def _open_layer(plan, state, layer, forms, pieces, pending, start, n, at_root):
    """Filter all units of a layer on a polygon; return (open items, settled units), (-1, 0) if undecided."""
    widest = _scan_rows(plan, state, layer, forms, start, n)
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
            n_done = _settle_row(plan, state, layer, row, 1 if sides == POSITIVE else 0, pieces, n_done)
    for unit in range(units):
        if plan.units[unit0 + unit, c.KIND] == c.GROUP:
            done = _settle_group(plan, state, layer, unit, forms, state.poly, start, n, pieces, n_done)
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
            done = _settle_group(plan, state, layer, item - rows, forms, state.poly, start, n, pieces, n_done)
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
                n_done = _settle_row(plan, state, layer, item, 1 if sides == POSITIVE else 0, pieces, n_done)
                continue
        state.pending[target + n_open] = item
        n_open += 1
    return n_open, n_done


@compiled_inline
def _cross_infinity(plan, poly, p, q, a, b, r, out):
    """Direction between two directions p and q in which a form is constant; False if not certified."""
    size = max(abs(a), abs(b))
    if not size > 4.0 * r:
        return False
    if plan.unit_roundoff == 0.0:
        # Exact arithmetic: no division.
        size = 1.0
    x, y = -b / size, a / size
    radius = 4.0 * r / size + 4.0 * plan.unit_roundoff
    px, py, qx, qy = poly[p, c.X], poly[p, c.Y], poly[q, c.X], poly[q, c.Y]
    bound = 4.0 * (poly[p, c.RADIUS] + poly[q, c.RADIUS] + radius) + 8.0 * plan.unit_roundoff
    turn, whole = px * y - py * x, px * qy - py * qx
    if not (abs(turn) > bound and abs(whole) > bound):
        return False
    flip = (turn > 0.0) != (whole > 0.0)
    out[c.X], out[c.Y], out[c.W], out[c.RADIUS] = -x if flip else x, -y if flip else y, 0.0, radius
    return True


@compiled_inline
def _cross(plan, poly, edge, a, b, cc, r, scale, out):
    """Vertex where an edge of a polygon meets a form; False if it is not certified."""
    ga, gb, gc, gr = poly[edge, c.EDGE_A], poly[edge, c.EDGE_B], poly[edge, c.EDGE_C], poly[edge, c.EDGE_R]
    x = gb * cc - gc * b
    y = gc * a - ga * cc
    w = ga * b - gb * a
    size = abs(ga) + abs(gb) + abs(gc)
    error = size * r + scale * gr + 2.0 * r * gr + 4.0 * plan.unit_roundoff * size * scale
    if w < 0.0:
        x, y, w = -x, -y, -w
    if not w > error:
        return False
    if plan.unit_roundoff == 0.0:
        out[c.X], out[c.Y], out[c.W], out[c.RADIUS] = x, y, w, 0.0
    elif plan.homogeneous and gc == 0.0 and cc == 0.0:
        # Two walls through the origin meet exactly there.
        out[c.X], out[c.Y], out[c.W], out[c.RADIUS] = 0.0, 0.0, 1.0, 0.0
    else:
        inverse = 1.0 / max(abs(x), abs(y), w)
        out[c.X], out[c.Y], out[c.W] = x * inverse, y * inverse, w * inverse
        out[c.RADIUS] = 1.001 * error * inverse + 8.0 * plan.unit_roundoff
    return True


@compiled_inline
def _prepare_cut(plan, state, poly, edges, start, n, scale):
    """Signs of the form in `cut` at all vertices, and the new vertices; False if not certified."""
    a, b, cc, r = state.cut[0, 0], state.cut[0, 1], state.cut[0, 2], state.cut[0, 3]
    signs = state.marks[c.SIGNS]
    for i in range(n):
        signs[i] = _sign_at(plan, a, b, cc, r, scale, poly, start + i)
        # A cut through a point at infinity may bound a part by a whole line; left to the driver.
        if signs[i] == UNSURE or (signs[i] == 0 and poly[start + i, c.W] == 0.0):
            return False
    k = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        if signs[i] * signs[j] < 0:
            k += 1
            if k > 2:
                return False
            if edges[start + i] == c.INFINITY_CODE:
                found = _cross_infinity(plan, poly, start + i, start + j, a, b, r, state.cut[k])
            else:
                found = _cross(plan, poly, start + i, a, b, cc, r, scale, state.cut[k])
            if not found:
                return False
    return True


@compiled_inline
def _half(state, poly, edges, start, n, side, code, target, target_edges, at):
    """Write the part of a polygon on one side of the cut; return its number of vertices."""
    cut, signs = state.cut, state.marks[c.SIGNS]
    row, k = at, 1
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        here, there = signs[i] * side, signs[j] * side
        if here >= 0:
            for m in range(8):
                target[row, m] = poly[start + i, m]
            target_edges[row] = edges[start + i]
            if here == 0 and there < 0:
                for m in range(4):
                    target[row, 4 + m] = cut[0, m]
                target_edges[row] = code
            row += 1
        if here * there < 0:
            for m in range(4):
                target[row, m] = cut[k, m]
                target[row, 4 + m] = cut[0, m] if here > 0 else poly[start + i, 4 + m]
            target_edges[row] = code if here > 0 else edges[start + i]
            row += 1
            k += 1
    return row - at


@compiled_inner
def _copy(poly, edges, start, n, target, target_edges, at):
    for i in range(n):
        for m in range(target.shape[1]):
            target[at + i, m] = poly[start + i, m]
        target_edges[at + i] = edges[start + i]


@compiled_inline
def _facet_code(layer, unit, low, high, above):
    return (((((layer << 24) | unit) << 12 | low) << 12) | high) << 1 | above


@compiled_inline
def _cut_by_row(plan, state, frame, top):
    """Cut a frame by its first open wall; return the number of children, -1 if undecided."""
    layer, start, n = frame[c.LAYER], frame[c.POLY], frame[c.N_POLY]
    rows, row = plan.layers[layer, c.N_ROWS], state.pending[frame[c.PENDING]]
    at = plan.layers[layer, c.ROW0] + row
    for m in range(4):
        state.cut[0, m] = state.acc[frame[c.FORMS] + m * rows + row]
    if not _prepare_cut(plan, state, state.poly, state.edges, start, n, state.work[c.SCALE, at]):
        return -1
    unit, piece = plan.rows[at, c.UNIT], plan.rows[at, c.PIECE]
    for above in range(2):
        code = _facet_code(layer, unit, piece, piece + 1, above)
        size = _half(state, state.poly, state.edges, start, n, 2 * above - 1, code, state.poly, state.edges, top)
        state.children[above, c.CHILD_POLY], state.children[above, c.CHILD_N] = top, size
        state.children[above, c.CHILD_PIECE] = above
        top += size
    return 2


@compiled_inner
def _clip_member(plan, state, layer, unit, forms, p, start, n, target):
    """Write the part of a polygon where member p is the maximum; return its size, -1 if undecided."""
    head = plan.units[plan.layers[layer, c.UNIT0] + unit]
    rows, first, k = plan.layers[layer, c.N_ROWS], head[c.FIRST], head[c.SIZE]
    poly, edges = state.scratch, state.scratch_edges
    place = 0
    _copy(state.poly, state.edges, start, n, poly[0], edges[0], 0)
    for q in range(k):
        if q == p or not state.marks[c.LEFT, q]:
            continue
        a, b, cc, r, scale = _difference(plan, state, forms, rows, first + p, first + q)
        sides = _form_sides(plan, a, b, cc, r, scale, poly[place], 0, n)
        if sides == UNDECIDED:
            return -1
        if sides == NEGATIVE or (sides == 0 and p < q):
            return 0
        if sides != BOTH:
            continue
        state.cut[0, 0], state.cut[0, 1], state.cut[0, 2], state.cut[0, 3] = a, b, cc, r
        if not _prepare_cut(plan, state, poly[place], edges[place], 0, n, scale):
            return -1
        at = plan.layers[layer, c.ROW0] + first
        low, high = plan.rows[at + min(p, q), c.PIECE], plan.rows[at + max(p, q), c.PIECE]
        code = _facet_code(layer, unit, low, high, 1 if p > q else 0)
        n = _half(state, poly[place], edges[place], 0, n, 1, code, poly[1 - place], edges[1 - place], 0)
        place = 1 - place
    _copy(poly[place], edges[place], 0, n, state.poly, state.edges, target)
    return n


@compiled_inner
def _cut_by_group(plan, state, frame, top):
    """Cut a frame by its first open group; return the number of children, -1 if undecided."""
    layer, forms, start, n = frame[c.LAYER], frame[c.FORMS], frame[c.POLY], frame[c.N_POLY]
    unit = state.pending[frame[c.PENDING]] - plan.layers[layer, c.N_ROWS]
    # On the same polygon the group was open before, so this marks its members and settles nothing.
    _settle_group(plan, state, layer, unit, forms, state.poly, start, n, frame[c.PIECES], 0)
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


@compiled_inline
def _is_mine(state):
    """Take a ticket for a cell of the first layer; say whether this thread works on it."""
    scalars = state.registers[c.SCALARS]
    scalars[c.TICKET] += 1
    return (scalars[c.TICKET] - 1) % scalars[c.SHARES] == scalars[c.SHARE]


@compiled_inner
def _abort(state, out, layer, start, n):
    """Hand a polygon to the driver. The caller made sure that there is room."""
    if layer == 0 and not _is_mine(state):
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
    _copy(state.poly, state.edges, start, n, out.poly, out.edges, at)
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
    else:
        for i in range(n_done):
            unit = state.marks[c.DONE_UNITS, i]
            _add_unit(plan, state, layer, unit, state.pieces[pieces + unit] % c.SETTLED, forms, acc)
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
        n_done = _settle_row(plan, state, layer, item, piece, pieces, 0)
    else:
        state.pieces[pieces + item - rows] = c.SETTLED + piece
        state.marks[c.DONE_UNITS, 0] = item - rows
        n_done = 1
    poly, n = state.children[child, c.CHILD_POLY], state.children[child, c.CHILD_N]
    n_open, n_done = _refilter(plan, state, frame, item, piece, pieces, pending, poly, n, n_done)
    _finish(plan, state, out, layer, frame[c.FORMS], acc, pieces, pending, poly, n, n_open, n_done, counting)


@compiled_inline
def _has_room(plan, state, frame):
    """Say whether the arenas hold whatever one step can write."""
    layer, n, widest = frame[c.LAYER], frame[c.N_POLY], plan.widest
    ends = frame[c.ENDS : c.ENDS + 4]
    units = 0 if layer < 0 else plan.layers[layer, c.N_UNITS]
    rows = 0
    for ahead in range(layer + 1, min(layer + 3, len(plan.layers))):
        rows = max(rows, plan.layers[ahead, c.N_ROWS])
        units = max(units, plan.layers[ahead, c.N_UNITS])
    corners = n + widest + 2
    return (
        corners <= state.marks.shape[1]
        and corners <= state.scratch.shape[1]
        and ends[0] + widest * corners <= state.poly.shape[0]
        and ends[1] + widest * (frame[c.N_PENDING] + rows + units) <= state.pending.size
        and ends[2] + widest * 4 * rows <= state.acc.size
        and ends[3] + widest * 2 * units <= state.pieces.size
        and state.registers[c.SCALARS, c.SP] + widest + 1 < state.frames.shape[0]
    )


@compiled
def advance(plan, state, out, limit, counting):
    """Go on until the stack is empty, `limit` regions are counted, or something is full.

    Of the cells of the first layer only every n-th is descended into, n the number of shares,
    so that as many threads share the work without talking to each other.
    """
    scalars, frame, tops = state.registers[c.SCALARS], state.registers[c.FRAME], state.registers[c.TOPS]
    deepest = len(plan.layers) - 1
    for _step in range(4_000_000):
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
                if layer == 0 and not _is_mine(state):
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
