"""What the kernels of all dimensions share: settling walls, and sharing work between threads."""

from __future__ import annotations

from plnet.compiled import compiled_inline
from plnet.regions.kernels import layout as c

__all__ = ["is_mine", "settle_row"]


@compiled_inline
def settle_row(plan, state, layer, row, above, pieces, n_done):
    """Record that a wall has one sign; list its unit once all its walls are settled."""
    unit = plan.rows[plan.layers[layer, c.ROW0] + row, c.UNIT]
    state.pieces[pieces + unit] += c.SETTLED + above
    if state.pieces[pieces + unit] // c.SETTLED == plan.units[plan.layers[layer, c.UNIT0] + unit, c.SIZE]:
        state.marks[c.DONE_UNITS, n_done] = unit
        return n_done + 1
    return n_done


@compiled_inline
def is_mine(state):
    """Take a ticket for a cell of the first layer; say whether this thread works on it."""
    scalars = state.registers[c.SCALARS]
    scalars[c.TICKET] += 1
    return (scalars[c.TICKET] - 1) % scalars[c.SHARES] == scalars[c.SHARE]
