"""Forms in any number of columns: sums over settled units, rows and differences, values at rays.

As `plnet.regions.kernels.forms` for d + 1 columns; weights are dense. Arguments as in the two layouts.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout
from plnet.regions.kernels.forms import add_multiple, add_plain
from plnet.regions.kernels.spatial.polytopes import length_of

__all__ = ["add_unit", "scan_rows", "take_difference", "take_row"]


@compiled_inner
def add_unit(plan, limits, state, layer, unit, piece, forms, acc):
    """Add what a settled unit with a known piece contributes to the forms of the next layer, at `acc`."""
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    slope, shift, error = plan.pieces[head[layout.PIECE0] + piece]
    if slope == 0.0 and shift == 0.0 and error == 0.0:
        return
    d, rows, ahead = limits.d, plan.layers[layer, layout.N_ROWS], plan.layers[layer + 1, layout.N_ROWS]
    row = forms + head[layout.FIRST] + (piece if head[layout.KIND] == layout.GROUP else 0)
    weight0 = (
        plan.layers[layer + 1, layout.WEIGHT0] + (head[layout.COLUMN] + piece * head[layout.STEP]) * ahead
    )
    weights, sizes = plan.weights[0][weight0 : weight0 + ahead], plan.weights[1][weight0 : weight0 + ahead]
    size = abs(shift)
    off = state.acc[acc + (d + 1) * ahead : acc + (d + 2) * ahead]
    for m in range(d + 1):
        entry = slope * state.acc[row + m * rows] + (shift if m == d else 0.0)
        size += abs(entry)
        add_multiple(plan, weights, entry, state.acc[acc + m * ahead : acc + (m + 1) * ahead], off)
    radius = abs(slope) * state.acc[row + (d + 1) * rows] + plan.gamma[layer + 1] * size + error
    # Also where the radius underflowed on the way.
    if radius > 0.0 or state.acc[row + (d + 1) * rows] > 0.0:
        radius = radius * (1.0 + 1e-9) + plan.floor
        add_plain(sizes, radius, off)


@compiled_inline
def take_row(plan, limits, state, layer, forms, row):
    """Copy a row and its radius to `cut`."""
    rows = plan.layers[layer, layout.N_ROWS]
    for m in range(limits.d + 2):
        state.cut[m] = state.acc[forms + m * rows + row]


@compiled_inline
def take_difference(plan, limits, state, layer, forms, high, low):
    """Write the difference of two members, the rows `high` and `low`, with its radius to `cut`."""
    rows, size = plan.layers[layer, layout.N_ROWS], 0.0
    for m in range(limits.d + 1):
        state.cut[m] = state.acc[forms + m * rows + high] - state.acc[forms + m * rows + low]
        size += abs(state.cut[m])
    last = forms + (limits.d + 1) * rows
    state.cut[limits.d + 1] = state.acc[last + high] + state.acc[last + low] + 2.0 * limits.unit * size


@compiled_inner
def scan_rows(plan, limits, state, layer, forms, start, n):
    """Write length, radius, least and greatest value of each row over a cell to `work`.

    Returns the largest radius of a ray.
    """
    rows, first, d = plan.layers[layer, layout.N_ROWS], plan.layers[layer, layout.ROW0], limits.d
    scale = state.work[layout.SCALE][first : first + rows]
    radius = state.work[layout.RADII][first : first + rows]
    low, high = state.work[layout.LOW][first : first + rows], state.work[layout.HIGH][first : first + rows]
    value = state.line[:rows]
    for i in range(rows):
        take_row(plan, limits, state, layer, forms, i)
        scale[i] = length_of(limits, state.cut)
        radius[i] = state.cut[d + 1]
        low[i], high[i] = 1e308, -1e308
    widest = 0.0
    for v in range(start, start + n):
        widest = max(widest, state.poly[v, d + 1])
        for i in range(rows):
            value[i] = 0.0
        for m in range(d + 1):
            add_plain(state.acc[forms + m * rows : forms + (m + 1) * rows], state.poly[v, m], value)
        for i in range(rows):
            low[i] = value[i] if value[i] < low[i] else low[i]
            high[i] = value[i] if value[i] > high[i] else high[i]
    return widest
