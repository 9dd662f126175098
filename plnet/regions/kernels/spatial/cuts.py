"""Cutting a cell by a wall or a group, in three and more dimensions.

A wall that cuts gets a bit that no ray of the cell uses any more, so that the sets stay short on the way
down. What a cut returns: the number of children in `SpatialState.children`, -1 if undecided, -2 if there
is no room for their rays, NO_SCRATCH. Arguments as in the layouts.
"""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import layout
from plnet.regions.kernels.planar.polygons import facet_code
from plnet.regions.kernels.spatial import layout as spatial
from plnet.regions.kernels.spatial.filter import settle_group
from plnet.regions.kernels.spatial.forms import take_difference, take_row
from plnet.regions.kernels.spatial.polytopes import (
    copy_cell,
    cut_sides,
    length_of,
    prepare_cut,
    write_half,
    write_other_half,
)

__all__ = ["NO_SCRATCH", "cut_by_group", "cut_by_row", "free_bit"]

NO_SCRATCH = -3
"""A cell on the way to the parts of a group has more rays than `scratch` holds."""


@compiled_inline
def free_bit(limits, tight, start, n):
    """Return a bit that no ray of a cell has; -1 if there is none."""
    for w in range(limits.words):
        used = tight[start, w]
        for i in range(1, n):
            used |= tight[start + i, w]
        for bit in range(64):
            if (used >> bit) & 1 == 0:
                return 64 * w + bit
    return -1


@compiled_inline
def _new_table(limits, state, source):
    """Copy the table at `source` to the top of its arena, and return where it is."""
    tops = state.registers[layout.TOPS]
    target, size = tops[spatial.TABLES], 64 * limits.words
    for i in range(size):
        state.tables[target + i] = state.tables[source + i]
    tops[spatial.TABLES] = target + size
    return target


@compiled_inline
def _record(limits, state, table, bit, code):
    """Record the wall in `cut`, a facet with this code, as a bit of a table."""
    tops = state.registers[layout.TOPS]
    record = tops[spatial.RECORDS]
    for m in range(limits.d + 2):
        state.records[record, m] = state.cut[m]
    state.codes[record] = code
    state.tables[table + bit] = record
    tops[spatial.RECORDS] = record + 1


@compiled_inline
def cut_by_row(plan, limits, state, frame):
    """Cut a frame by its first open wall; return the number of children, 2, or -1, -2."""
    layer, start, n = frame[spatial.LAYER], frame[spatial.POLY], frame[spatial.N_POLY]
    tops = state.registers[layout.TOPS]
    row = state.pending[frame[spatial.PENDING]]
    at = plan.layers[layer, layout.ROW0] + row
    take_row(plan, limits, state, layer, frame[spatial.FORMS], row)
    bit = free_bit(limits, state.tight, start, n)
    length, rays, tight = state.work[layout.SCALE, at], state.poly, state.tight
    if bit < 0 or not prepare_cut(limits, state, length, rays, tight, start, n):
        return -1
    unit, piece, poly = plan.rows[at, layout.UNIT], plan.rows[at, layout.PIECE], tops[spatial.RAYS]
    table = frame[spatial.TABLE]
    kept, made = write_half(limits, state, rays, tight, start, n, bit, -1, table, rays, tight, poly)
    if made < 0:
        return made
    new, other = poly + kept, poly + kept + made
    size = write_other_half(limits, state, rays, tight, start, n, bit, 1, rays, tight, other, new, made)
    if size < 0:
        return size
    lower, upper = state.children[0], state.children[1]
    lower[layout.CHILD_POLY], lower[layout.CHILD_N], lower[layout.CHILD_PIECE] = poly, kept + made, 0
    upper[layout.CHILD_POLY], upper[layout.CHILD_N], upper[layout.CHILD_PIECE] = other, size, 1
    for above in range(2):
        table = _new_table(limits, state, frame[spatial.TABLE])
        _record(limits, state, table, bit, facet_code(layer, unit, piece, piece + 1, above))
        state.children[above, spatial.CHILD_TABLE] = table
    tops[spatial.RAYS] = other + size
    return 2


@compiled_inner
def _clip_member(plan, limits, state, layer, unit, forms, member, start, n, table):
    """Write the part of a cell where one member is the maximum to the top of the arena of rays.

    Its new walls are recorded in the table. Returns its size, 0 if it is empty, or as `cut_by_group`.
    """
    head = plan.units[plan.layers[layer, layout.UNIT0] + unit]
    first, size, tops = head[layout.FIRST], head[layout.SIZE], state.registers[layout.TOPS]
    poly, tight = state.scratch, state.scratch_tight
    place = 0
    copy_cell(limits, state.poly, state.tight, start, n, poly[0], tight[0], 0)
    for rival in range(size):
        if rival == member or not state.marks[layout.LEFT, rival]:
            continue
        take_difference(plan, limits, state, layer, forms, first + member, first + rival)
        length = length_of(limits, state.cut)
        sides = cut_sides(limits, state, length, poly[place], 0, n)
        if sides == layout.UNDECIDED:
            return -1
        if sides == layout.NEGATIVE or (sides == 0 and member < rival):
            return 0
        if sides != layout.BOTH:
            continue
        bit = free_bit(limits, tight[place], 0, n)
        if bit < 0 or not prepare_cut(limits, state, length, poly[place], tight[place], 0, n):
            return -1
        rays, walls, part, part_walls = poly[place], tight[place], poly[1 - place], tight[1 - place]
        kept, made = write_half(limits, state, rays, walls, 0, n, bit, 1, table, part, part_walls, 0)
        if made < 0:
            return NO_SCRATCH if made == -2 else made
        at = plan.layers[layer, layout.ROW0] + first
        low = plan.rows[at + min(member, rival), layout.PIECE]
        high = plan.rows[at + max(member, rival), layout.PIECE]
        _record(limits, state, table, bit, facet_code(layer, unit, low, high, 1 if member > rival else 0))
        n = kept + made
        place = 1 - place
    if tops[spatial.RAYS] + n > state.poly.shape[0]:
        return -2
    copy_cell(limits, poly[place], tight[place], 0, n, state.poly, state.tight, tops[spatial.RAYS])
    return n


@compiled_inner
def cut_by_group(plan, limits, state, frame):
    """Cut a frame by its first open group; return the number of children, or -1, -2, NO_SCRATCH."""
    layer, forms, start = frame[spatial.LAYER], frame[spatial.FORMS], frame[spatial.POLY]
    n = frame[spatial.N_POLY]
    tops = state.registers[layout.TOPS]
    unit = state.pending[frame[spatial.PENDING]] - plan.layers[layer, layout.N_ROWS]
    # On the same cell the group was open before, so this marks its members and settles nothing.
    settle_group(plan, limits, state, layer, unit, forms, start, n, frame[spatial.PIECES], 0)
    count = 0
    for member in range(plan.units[plan.layers[layer, layout.UNIT0] + unit, layout.SIZE]):
        if not state.marks[layout.LEFT, member]:
            continue
        table = _new_table(limits, state, frame[spatial.TABLE])
        size = _clip_member(plan, limits, state, layer, unit, forms, member, start, n, table)
        if size < 0:
            return size
        if size > 0:
            child = state.children[count]
            child[layout.CHILD_POLY], child[layout.CHILD_N] = tops[spatial.RAYS], size
            child[layout.CHILD_PIECE], child[spatial.CHILD_TABLE] = member, table
            tops[spatial.RAYS] += size
            count += 1
    return count
