"""Forms with radii: sums over settled units, and differences of the members of a group."""

from __future__ import annotations

from plnet.regions.kernels import layout as c
from plnet.regions.kernels.compile import compiled_inline

__all__ = ["add_unit", "difference"]


@compiled_inline
def _add_multiple(column, factor, out):
    # One input and one output, so that the compiler can rule out overlaps and use vectors.
    for i in range(len(out)):
        out[i] += column[i] * factor


@compiled_inline
def add_unit(plan, state, layer, unit, piece, forms, acc):
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
def difference(plan, state, forms, rows, high, low):
    """Form of member `high` minus member `low`, its radius and its size."""
    acc, p, q = state.acc, forms + high, forms + low
    a, b = acc[p] - acc[q], acc[p + rows] - acc[q + rows]
    cc = acc[p + 2 * rows] - acc[q + 2 * rows]
    scale = abs(a) + abs(b) + abs(cc)
    return a, b, cc, acc[p + 3 * rows] + acc[q + 3 * rows] + 2.0 * plan.unit_roundoff * scale, scale
