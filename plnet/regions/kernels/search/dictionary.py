"""Dense dictionaries of a cut simplex: every variable as an affine function of a few that are zero.

Known algorithm: the simplex method on dictionaries (Dantzig 1951), with Bland's rule (1977) once it
stalls. Ours keeps one dictionary for each cell on the stack, so that a new wall starts from the
last vertex; in floating point its results are guesses only, which `proofs` proves.

A dictionary belongs to one slot of the stack of `State`. Its basic point is a vertex of
the cell. Entries are numerators over the dictionary's scale: 1 in floating point, the last pivot in
exact arithmetic, where all entries are integers (Edmonds 1967). Row ``n_rows`` holds the objective.

References
----------
Avis (2000), A Revised Implementation of the Reverse Search Vertex Enumeration Algorithm.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.regions.kernels.search import layout
from plnet.regions.kernels.search.boxes import (
    add_form,
    box_corner,
    box_reach,
    box_start,
    box_vertex,
    flip_column,
    flip_row,
)

__all__ = ["append_cut", "copy_table", "corner", "form_to_row", "lower", "rebuild", "vertex"]

_REDUCED, _PIVOT, _ZERO, _GOLDEN = 1e-11, 1e-9, 1e-12, 0.6180339887498949


@compiled_inner
def copy_table(state, source, target):
    """Copy the dictionary of slot `source` to slot `target`, without what else is in the slot."""
    n = state.scalars[layout.SIZE]
    rows = state.head[source, layout.N_ROWS]
    for i in range(rows):
        state.owner[target, i] = state.owner[source, i]
        for j in range(n):
            state.table[target, i, j] = state.table[source, i, j]
    for j in range(n):
        state.free[target, j] = state.free[source, j]
    state.scale[target] = state.scale[source]
    state.head[target, layout.N_ROWS] = rows
    state.head[target, layout.PIVOTS] = state.head[source, layout.PIVOTS]


@compiled_inner
def form_to_row(state, slot, form, sign, row):
    """Write a form in u as row `row` of the dictionary, times a sign."""
    n = state.scalars[layout.SIZE]
    table = state.table[slot]
    scale = sign * state.scale[slot]
    target = table[row]
    for j in range(n):
        target[j] = 0.0
    if state.scalars[layout.BOXED]:
        add_form(state, slot, form, sign, target)
        return
    for i in range(state.head[slot, layout.N_ROWS]):
        variable = state.owner[slot, i]
        if variable < n and form[variable] != 0.0:
            factor = sign * form[variable]
            for j in range(n):
                target[j] += factor * table[i, j]
    for j in range(1, n):
        variable = state.free[slot, j]
        if variable < n:
            target[j] += scale * form[variable]


@compiled_inner
def _pivot(state, slot, last, row, column, exact):
    """Exchange the variable of a row with that of a column, in the rows up to `last`."""
    n = state.scalars[layout.SIZE]
    table = state.table[slot]
    pivot, scale = table[row, column], state.scale[slot]
    source, work = table[row], state.work[0]
    if exact:
        # The new row is the old one up to sign; the new scale is the size of the pivot.
        sign = -1.0 if pivot > 0.0 else 1.0
        for j in range(n):
            work[j] = sign * source[j]
        work[column] = -sign * scale
        size = abs(pivot)
        for i in range(last + 1):
            if i != row:
                target = table[i]
                factor = target[column]
                target[column] = 0.0
                for j in range(n):
                    target[j] = (size * target[j] + factor * work[j]) / scale
        state.scale[slot] = size
    else:
        inverse = -1.0 / pivot
        for j in range(n):
            work[j] = source[j] * inverse
        work[column] = -inverse
        for i in range(last + 1):
            if i != row:
                target = table[i]
                factor = target[column]
                if factor != 0.0:
                    target[column] = 0.0
                    for j in range(n):
                        target[j] += factor * work[j]
    for j in range(n):
        source[j] = work[j]
    entering = state.free[slot, column]
    state.free[slot, column] = state.owner[slot, row]
    state.owner[slot, row] = entering
    state.head[slot, layout.PIVOTS] += 1


@compiled_inner
def lower(state, slot, goal, exact):
    """Lower the objective below `goal`, or as far as it goes.

    Returns 1 where it is below the goal, 0 at an optimum, -1 after too many pivots.
    """
    n = state.scalars[layout.SIZE]
    rows = state.head[slot, layout.N_ROWS]
    table, owner, free = state.table[slot], state.owner[slot], state.free[slot]
    objective = table[rows]
    patience, limit = 2 * (n + rows) + 10, 1000000 if exact else 12 * (n + rows) + 60
    for step in range(limit):
        if objective[0] < goal:
            return 1
        largest = 0.0
        for j in range(n):
            largest = max(largest, abs(objective[j]))
        threshold = 0.0 if exact else -_REDUCED * largest
        column, least = 0, 0.0
        for j in range(1, n):
            if objective[j] < threshold:
                if step < patience:
                    if objective[j] < least:
                        column, least = j, objective[j]
                elif column == 0 or free[j] < free[column]:
                    # Bland's rule ends every cycle.
                    column = j
        if column == 0:
            return 0
        row, best, steep = -1, 0.0, 0.0
        if state.scalars[layout.BOXED]:
            best, row, side = box_reach(state, slot, column, _PIVOT)
            if best > 1e300:
                return -1
            if row < 0:
                flip_column(state, slot, rows, column)
                continue
            if side < 0:
                flip_row(state, slot, row)
            _pivot(state, slot, rows, row, column, exact)
            continue
        for i in range(rows):
            entry = -table[i, column]
            if entry > (0.0 if exact else _PIVOT):
                # Quotients are compared by products, which are exact for integers.
                value = max(table[i, 0], 0.0)
                here, there = value * steep, best * entry
                better = row < 0 or here < there
                if not better and here == there:
                    better = owner[i] < owner[row] if step >= patience else entry > steep
                if better:
                    row, best, steep = i, value, entry
        if row < 0:
            return -1
        _pivot(state, slot, rows, row, column, exact)
    return -1


@compiled_inner
def append_cut(state, slot, form, sign):
    """Add the row of a cut, the side of a form that `sign` says; its number is the number of cuts before."""
    n = state.scalars[layout.SIZE]
    row = state.head[slot, layout.N_ROWS]
    form_to_row(state, slot, form, sign * state.factors[slot, state.head[slot, layout.N_CUTS]], row)
    state.owner[slot, row] = n + state.scalars[layout.N_FACETS] + state.head[slot, layout.N_CUTS]
    state.head[slot, layout.N_ROWS] = row + 1
    state.head[slot, layout.N_CUTS] += 1


@compiled_inner
def vertex(state, slot, out):
    """Write the coordinates u of the basic point to `out`, shape (N,)."""
    if state.scalars[layout.BOXED]:
        box_vertex(state, slot, out)
        return
    n = state.scalars[layout.SIZE]
    for j in range(n):
        out[j] = 0.0
    for i in range(state.head[slot, layout.N_ROWS]):
        if state.owner[slot, i] < n:
            out[state.owner[slot, i]] = state.table[slot, i, 0] / state.scale[slot]


@compiled_inner
def corner(state, slot, out):
    """Write a mean of the basic point and its neighbours to `out` (N,); return 0 if one is no neighbour.

    The weights are irregular: regular points of integer networks often lie on walls to come.
    """
    n = state.scalars[layout.SIZE]
    rows = state.head[slot, layout.N_ROWS]
    table, scale, work = state.table[slot], state.scale[slot], state.work[1]
    boxed = state.scalars[layout.BOXED]
    for j in range(1, n):
        reach = box_reach(state, slot, j, _PIVOT)[0] if boxed else -1.0
        for i in range(0 if boxed else rows):
            entry = table[i, j]
            if entry < -_PIVOT * scale:
                quotient = table[i, 0] / -entry
                if reach < 0.0 or quotient < reach:
                    reach = max(quotient, 0.0)
        if reach < _ZERO:
            return 0
        work[j] = reach * (0.5 + 0.45 * ((j * _GOLDEN) % 1.0)) / n
    if boxed:
        box_corner(state, slot, work, out)
        return 1
    for j in range(n):
        out[j] = 0.0
    for j in range(1, n):
        if state.free[slot, j] < n:
            out[state.free[slot, j]] = work[j]
    for i in range(rows):
        variable = state.owner[slot, i]
        if variable < n:
            value = table[i, 0]
            for j in range(1, n):
                value += table[i, j] * work[j]
            out[variable] = value / scale
    return 1


@compiled_inner
def rebuild(plan, state, slot):
    """Compute a dictionary afresh from the forms of its cuts; return 0 if its basis is singular."""
    n, n_facets = state.scalars[layout.SIZE], state.scalars[layout.N_FACETS]
    n_cuts = state.head[slot, layout.N_CUTS]
    wanted, form = state.work[2], state.work[3]
    total = n + n_facets + n_cuts
    for i in range(total):
        wanted[i] = 0.0
    for j in range(1, n):
        wanted[state.free[slot, j]] = 1.0
    table = state.table[slot]
    boxed = state.scalars[layout.BOXED]
    if boxed:
        box_start(state, slot, wanted)
        rows = 0
    else:
        state.scale[slot] = 1.0
        for j in range(1, n):
            state.free[slot, j] = j - 1
            table[0, j] = -1.0
        table[0, 0] = 1.0
        state.owner[slot, 0] = n - 1
        rows = 1
        state.head[slot, layout.N_ROWS] = rows
    for i in range(n_facets if boxed else 0, n_facets + n_cuts):
        if i < n_facets:
            for j in range(n):
                form[j] = plan.facets[0, i, j]
        else:
            cut, offset = state.cuts[slot, i - n_facets], state.points[slot, i - n_facets]
            sign = state.factors[slot, i - n_facets]
            if cut[layout.CUT_SIDE] == layout.BELOW:
                sign = -sign
            layer, second = cut[layout.CUT_LAYER], cut[layout.CUT_B]
            for j in range(n):
                value = state.forms[layer, cut[layout.CUT_A], j]
                if second >= 0:
                    value -= state.forms[layer, second, j]
                form[j] = sign * value
            if plan.scaled:
                form[n - 1] -= sign * offset
        target = table[rows]
        if boxed:
            for j in range(n):
                target[j] = 0.0
            add_form(state, slot, form, 1.0, target)
        else:
            target[0] = form[n - 1]
            for j in range(1, n):
                target[j] = form[j - 1] - form[n - 1]
        state.owner[slot, rows] = n + i
        rows += 1
    state.head[slot, layout.N_ROWS] = rows
    for _ in range(n):
        row, column, largest = -1, 0, 1e-13
        for i in range(rows):
            if wanted[state.owner[slot, i]] == 1.0:
                for j in range(1, n):
                    if wanted[state.free[slot, j]] == 0.0 and abs(table[i, j]) > largest:
                        row, column, largest = i, j, abs(table[i, j])
        if row < 0:
            break
        _pivot(state, slot, rows - 1, row, column, False)
    state.head[slot, layout.PIVOTS] = 0
    for i in range(rows):
        if wanted[state.owner[slot, i]] == 1.0:
            return 0
    return 1
