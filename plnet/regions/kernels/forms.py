"""Forms with radii: sums over settled units, and differences of the members of a group.

The forms of a layer are a matrix product, done one column (one unit) at a time as units settle. The radius
is an a-priori bound of rounding, or a running one (Wilkinson 1963; Higham 2002, section 3.3). Ours
differs in one point: an operator's column is a list of runs that share weights. Arguments as in `layout`.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout

__all__ = ["add_multiple", "add_plain", "add_unit", "difference", "zero_wall"]


@compiled_inline
def add_plain(column, factor, out):
    """Add ``factor * column`` to `out`, both of shape (rows,)."""
    # One input and one output, so that the compiler can rule out overlaps and use vectors.
    for i in range(len(out)):
        out[i] += column[i] * factor


@compiled_inline
def _add_tracked(column, factor, unit_roundoff, out, radius):
    """Add ``factor * column`` to `out`, and the rounding of each sum to `radius`; all of shape (rows,)."""
    for i in range(len(out)):
        value = out[i] + column[i] * factor
        out[i] = value
        radius[i] += unit_roundoff * abs(value)


@compiled_inline
def add_multiple(plan, column, factor, out, radius):
    """Add a multiple of a column, and what each addition rounds to the radius if the plan wants it."""
    if plan.tracking == 0.0:
        add_plain(column, factor, out)
    else:
        _add_tracked(column, factor, plan.tracking, out, radius)


@compiled_inline
def _add_size(column, factor, out):
    """Add ``factor * |column|`` to `out`, both of shape (rows,)."""
    for i in range(len(out)):
        out[i] += abs(column[i]) * factor


@compiled_inner
def _add_runs(plan, state, column, acc, ahead, a, b, constant, blur):
    """Add a sparse column: runs of neighbouring rows, whose weights are stored once for many columns.

    The column, an entry of `Plan.run_starts`, is weighted by (a, b, constant), and its size by `blur` for the
    radius. The sums begin at `acc`, `ahead` rows in each of four columns.
    """
    for k in range(plan.run_starts[column], plan.run_starts[column + 1]):
        first, n, place = plan.runs[k]
        at = acc + first
        if n == 1:
            weight = plan.pool[place]
            state.acc[at] += weight * a
            state.acc[at + ahead] += weight * b
            state.acc[at + 2 * ahead] += weight * constant
            size = abs(state.acc[at]) + abs(state.acc[at + ahead]) + abs(state.acc[at + 2 * ahead])
            state.acc[at + 3 * ahead] += abs(weight) * blur + plan.tracking * size
            continue
        weights = plan.pool[place : place + n]
        radius = state.acc[at + 3 * ahead : at + 3 * ahead + n]
        add_multiple(plan, weights, a, state.acc[at : at + n], radius)
        add_multiple(plan, weights, b, state.acc[at + ahead : at + ahead + n], radius)
        add_multiple(plan, weights, constant, state.acc[at + 2 * ahead : at + 2 * ahead + n], radius)
        _add_size(weights, blur, radius)


@compiled_inline
def add_unit(plan, state, layer, unit, piece, forms, acc):
    """Add what a settled unit with a known piece contributes to the forms of the next layer, at `acc`."""
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    slope, shift, error = plan.pieces[head[layout.PIECE0] + piece]
    if slope == 0.0 and shift == 0.0 and error == 0.0:
        return
    rows, ahead = plan.layers[layer, layout.N_ROWS], plan.layers[layer + 1, layout.N_ROWS]
    row = forms + head[layout.FIRST] + (piece if head[layout.KIND] == layout.GROUP else 0)
    a, b = slope * state.acc[row], slope * state.acc[row + rows]
    constant = slope * state.acc[row + 2 * rows] + shift
    size = abs(a) + abs(b) + abs(constant) + abs(shift)
    blur = abs(slope) * state.acc[row + 3 * rows] + plan.gamma[layer + 1] * size + error
    # Also where the radius underflowed on the way.
    if blur > 0.0 or state.acc[row + 3 * rows] > 0.0:
        blur = blur * (1.0 + 1e-9) + plan.floor
    column = head[layout.COLUMN] + piece * head[layout.STEP]
    if plan.layers[layer + 1, layout.RUN0] >= 0:
        _add_runs(plan, state, plan.layers[layer + 1, layout.RUN0] + column, acc, ahead, a, b, constant, blur)
        return
    weight0 = plan.layers[layer + 1, layout.WEIGHT0] + column * ahead
    weights, sizes = plan.weights[0][weight0 : weight0 + ahead], plan.weights[1][weight0 : weight0 + ahead]
    radius = state.acc[acc + 3 * ahead : acc + 4 * ahead]
    add_multiple(plan, weights, a, state.acc[acc : acc + ahead], radius)
    add_multiple(plan, weights, b, state.acc[acc + ahead : acc + 2 * ahead], radius)
    add_multiple(plan, weights, constant, state.acc[acc + 2 * ahead : acc + 3 * ahead], radius)
    add_plain(sizes, blur, radius)


@compiled_inline
def difference(plan, state, forms, rows, high, low):
    """Return member `high` minus member `low`, two rows, as (a, b, constant, radius, scale).

    `rows` is the number of rows of the layer, and the scale is ``|a| + |b| + |constant|``.
    """
    acc, upper, lower = state.acc, forms + high, forms + low
    a, b = acc[upper] - acc[lower], acc[upper + rows] - acc[lower + rows]
    constant = acc[upper + 2 * rows] - acc[lower + 2 * rows]
    scale = abs(a) + abs(b) + abs(constant)
    radius = acc[upper + 3 * rows] + acc[lower + 3 * rows] + 2.0 * plan.unit_roundoff * scale
    return a, b, constant, radius, scale


@compiled_inline
def zero_wall(plan, state, row):
    """Wall on which a row vanishes because it passes on a multiple of one unit of an earlier layer.

    The row counts over all layers. Returns the code of the wall without its side, NOTHING if the row is zero
    everywhere, or NO_WALL.
    """
    origin = plan.rows[row, layout.ORIGIN]
    if origin < 0:
        return layout.NO_WALL
    head = plan.units[origin]
    slope, shift, error = plan.pieces[head[layout.PIECE0] + state.current[origin]]
    if shift != 0.0 or error != 0.0:
        return layout.NO_WALL
    if slope == 0.0:
        return layout.NOTHING
    layer = head[layout.LEVEL]
    return (((layer << 24) | (origin - plan.layers[layer, layout.UNIT0])) << 24) | 1
