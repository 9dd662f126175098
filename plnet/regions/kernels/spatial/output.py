"""What the kernel for three and more dimensions hands out: regions, and cells it cannot decide."""

from __future__ import annotations

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels import bookkeeping, layout
from plnet.regions.kernels.bits import has_bit, set_bit
from plnet.regions.kernels.spatial import layout as spatial

__all__ = ["N_OUT_FACETS", "abort", "emit"]

N_OUT_FACETS = 9
"""Entry of the register SCALARS, behind those of the planar kernel."""


@compiled_inner
def abort(limits, state, out, layer, start, n, table):
    """Write a cell for the driver to `out`: pieces of the layers above, and all walls that a ray lies on.

    The caller made sure that there is room.
    """
    if layer == 0 and not bookkeeping.is_mine(state):
        return
    scalars = state.registers[layout.SCALARS]
    k, at = scalars[layout.N_ABORT], scalars[layout.N_ABORT_EDGES]
    for u in range(state.current.size):
        out.abort_pieces[k, u] = state.current[u]
    size = 0
    for bit in range(64 * limits.words):
        for i in range(n):
            if has_bit(state.tight[start + i], bit):
                out.abort_facets[at + size] = state.codes[state.tables[table + bit]]
                size += 1
                break
    out.abort_heads[k, 0], out.abort_heads[k, 1] = layer, size
    scalars[layout.N_ABORT] += 1
    scalars[layout.N_ABORT_EDGES] += size


@compiled_inline
def _is_facet(limits, tight, start, n, bit):
    """Return whether a wall is a facet: the rays on it do not all lie on another wall."""
    members = 0
    for i in range(n):
        if has_bit(tight[start + i], bit):
            members += 1
    if members == 0:
        return False
    for other in range(64 * limits.words):
        if other == bit:
            continue
        size, inside = 0, True
        for i in range(n):
            there = has_bit(tight[start + i], other)
            if there:
                size += 1
            elif has_bit(tight[start + i], bit):
                inside = False
                break
        if inside and (size > members or (size == members and other < bit)):
            return False
    return True


@compiled_inner
def emit(plan, limits, state, out, frame):
    """Write the region of a settled frame, its rays and facets, to `out`, which has room."""
    scalars = state.registers[layout.SCALARS]
    k, at, facet = scalars[layout.N_OUT], scalars[layout.N_OUT_POLY], scalars[N_OUT_FACETS]
    layer, start, n = frame[spatial.LAYER], frame[spatial.POLY], frame[spatial.N_POLY]
    table = frame[spatial.TABLE]
    for u in range(plan.layers[layer, layout.UNIT0]):
        out.pieces[k, u] = state.current[u]
    bookkeeping.keep_pieces(plan, state, layer, frame[spatial.PIECES], out.pieces[k])
    for i in range(n):
        for m in range(limits.d + 2):
            out.poly[at + i, m] = state.poly[start + i, m]
        for w in range(limits.words):
            out.tight[at + i, w] = 0
    size = 0
    for bit in range(64 * limits.words):
        if _is_facet(limits, state.tight, start, n, bit):
            out.facets[facet + size] = state.codes[state.tables[table + bit]]
            for i in range(n):
                if has_bit(state.tight[start + i], bit):
                    set_bit(out.tight[at + i], size)
            size += 1
    out.sizes[k], out.facet_sizes[k] = n, size
    scalars[layout.N_OUT] += 1
    scalars[layout.N_OUT_POLY] += n
    scalars[N_OUT_FACETS] += size
