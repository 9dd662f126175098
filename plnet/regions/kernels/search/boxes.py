"""Dictionaries of a box that is cut: coordinates between two bounds, without a row for a bound.

A root whose facets are upper ends of its coordinates, one for each, is a box ``0 <= u_k <= w_k`` at scale 1.
A variable is a coordinate u_k or its complement ``w_k - u_k``, which is the facet; at a vertex one of the two
is zero, or the coordinate has a row. So a dictionary has as many rows as the cell has cuts, where the
general one of `dictionary` has one for each facet too. Floating point only.

References
----------
Dantzig (1955), Upper bounds, secondary constraints, and block triangularity in linear programming.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.regions.kernels.search import layout

__all__ = [
    "add_form",
    "box_corner",
    "box_reach",
    "box_start",
    "box_vertex",
    "flip_column",
    "flip_row",
    "spread_slack",
]


@compiled_inner
def add_form(state, slot, form, sign, target):
    """Add a form in u, times a sign, to `target`, shape (N,), a row of the dictionary of a slot."""
    n, table = state.scalars[layout.SIZE], state.table[slot]
    target[0] += sign * form[n - 1]
    for i in range(state.head[slot, layout.N_ROWS]):
        variable = state.owner[slot, i]
        k = variable if variable < n else state.partner[variable]
        if k >= 0 and form[k] != 0.0:
            factor = sign * form[k]
            if variable >= n:
                target[0] += factor * state.width[k]
                factor = -factor
            for j in range(n):
                target[j] += factor * table[i, j]
    for j in range(1, n):
        variable = state.free[slot, j]
        k = variable if variable < n else state.partner[variable]
        if k >= 0:
            if variable < n:
                target[j] += sign * form[k]
            else:
                target[0] += sign * form[k] * state.width[k]
                target[j] -= sign * form[k]


@compiled_inner
def flip_column(state, slot, last, column):
    """Move a coordinate that is zero to its other bound, in the rows up to `last`."""
    table, variable = state.table[slot], state.free[slot, column]
    width = state.width[variable]
    for i in range(last + 1):
        table[i, 0] += width * table[i, column]
        table[i, column] = -table[i, column]
    state.free[slot, column] = state.partner[variable]


@compiled_inner
def flip_row(state, slot, row):
    """Let the row of a coordinate stand for its complement."""
    variable, target = state.owner[slot, row], state.table[slot, row]
    for j in range(state.scalars[layout.SIZE]):
        target[j] = -target[j]
    target[0] += state.width[variable]
    state.owner[slot, row] = state.partner[variable]


@compiled_inner
def box_reach(state, slot, column, smallest):
    """Find how far the variable of a column can grow, in steps larger than `smallest`.

    Returns the distance, the row that stops it, -1 if it is its own bound, and a sign: whether the row
    reaches 0 or, where it is negative, its width.
    """
    table, rows = state.table[slot], state.head[slot, layout.N_ROWS]
    best, row, steep, side = state.width[state.free[slot, column]], -1, 0.0, 1
    for i in range(rows):
        entry, value = table[i, column], max(table[i, 0], 0.0)
        if entry < -smallest:
            reach, here = value / -entry, 1
        elif entry > smallest:
            reach, here = max(state.width[state.owner[slot, i]] - value, 0.0) / entry, -1
        else:
            continue
        if reach > 1e300:
            continue
        if reach < best or (reach == best and abs(entry) > steep):
            best, row, steep, side = reach, i, abs(entry), here
    return best, row, side


@compiled_inner
def box_vertex(state, slot, out):
    """Write the coordinates u of the basic point, at scale 1, to `out`, shape (N,)."""
    n = state.scalars[layout.SIZE]
    out[n - 1] = 1.0
    for j in range(1, n):
        _write(state, n, state.free[slot, j], 0.0, out)
    for i in range(state.head[slot, layout.N_ROWS]):
        _write(state, n, state.owner[slot, i], state.table[slot, i, 0], out)


@compiled_inner
def box_corner(state, slot, steps, out):
    """Write the point at given steps (N,) along the edges from the basic point to `out` (N,)."""
    n, table = state.scalars[layout.SIZE], state.table[slot]
    out[n - 1] = 1.0
    for j in range(1, n):
        _write(state, n, state.free[slot, j], steps[j], out)
    for i in range(state.head[slot, layout.N_ROWS]):
        value = table[i, 0]
        for j in range(1, n):
            value += table[i, j] * steps[j]
        _write(state, n, state.owner[slot, i], value, out)


@compiled_inner
def _write(state, n, variable, value, out):
    """Write to `out` a coordinate that is given itself or by its complement; other variables are cuts."""
    if variable < n:
        out[variable] = value
    elif state.partner[variable] >= 0:
        k = state.partner[variable]
        out[k] = state.width[k] - value


@compiled_inner
def spread_slack(state, slot, multipliers):
    """Share half of the least value of the objective among all coordinates, as room for rounding.

    At scale 1 the value belongs to the scale alone; a larger multiplier of its facet gives a coordinate
    a share of it.
    """
    n, n_facets, total = state.scalars[layout.SIZE], state.scalars[layout.N_FACETS], 0.0
    least = state.table[slot, state.head[slot, layout.N_ROWS], 0]
    for i in range(n_facets):
        total += state.width[n + i]
    for i in range(n_facets):
        multipliers[i] += 0.5 * max(least, 0.0) / total


@compiled_inner
def box_start(state, slot, wanted):
    """Begin a dictionary without rows; bounds with 1 in `wanted`, shape (variables,), are zero variables."""
    n = state.scalars[layout.SIZE]
    state.scale[slot] = 1.0
    for j in range(1, n):
        facet = state.partner[j - 1]
        state.free[slot, j] = facet if wanted[facet] == 1.0 else j - 1
    state.head[slot, layout.N_ROWS] = 0
