"""Vertices of some regions in twice the precision, from the walls that they lie on.

The engines bound the rounding of all forms before they meet any numbers, which is what a certain sign
needs, but far above the true error. For the few regions that this bound says too little about, the
forms of their walls are computed anew in twice the precision, and each vertex is improved by one step of
Newton's method on its walls: with an approximate inverse B of their matrix A and ``E = I - B A``,
the error of the step is at most ``(|B| |radius| + |E| |B residual|) / (1 - |E|)`` (Rump 2010, section 10).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plnet.ir.doubled import Doubled, doubled, doubled_sum, map_doubled, select_doubled, two_product, two_sum
from plnet.ir.layers import Affine, GroupMax
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.leaves import LeafArrays
from plnet.regions.problem import Problem

__all__ = ["refined_regions"]

_BLOCK = 1_000_000
"""Entries of the forms of one layer that are held at a time."""


def refined_regions(problem: Problem, leaves: LeafArrays) -> LeafArrays:
    """Return bounded regions moved so that their first vertex is 0, with smaller errors of the others.

    What cannot be improved keeps an infinite error.
    """
    walls = _wall_forms(problem, leaves)
    chosen, unique = _walls_of_vertices(leaves)
    rows = walls.take(chosen)
    first = leaves.starts[:-1][leaves.region]
    with np.errstate(all="ignore"):
        step, error = _newton(leaves.vertices[:, :-1], rows)
        high, low = two_sum(leaves.vertices[:, :-1], -leaves.vertices[first, :-1])
        local = high + (low + (step - step[first]))
        error = (
            error + error[first] + 4 * UNIT_ROUNDOFF * (np.abs(local) + np.abs(step) + np.abs(step[first]))
        )
    # The vertices were rounded; the first one itself is not moved.
    error = np.where(unique[:, None] & unique[first][:, None] & np.isfinite(error), error, np.inf)
    return replace(leaves, vertices=np.pad(local, ((0, 0), (0, 1)), constant_values=1.0), errors=error)


def _walls_of_vertices(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray]:
    """Return d facets on which each vertex lies, shape (E, d), and whether it lies on no other one."""
    d, rows = leaves.dim, np.arange(len(leaves.vertices))
    if d == 1:
        return rows[:, None], np.ones(len(rows), dtype=bool)
    if d == 2 and leaves.tight is None:
        before = np.empty_like(rows)
        before[leaves.following] = rows
        return np.stack([before, rows], axis=1), np.ones(len(rows), dtype=bool)
    assert leaves.tight is not None
    bits = np.unpackbits(np.ascontiguousarray(leaves.tight).view(np.uint8), axis=1, bitorder="little")
    single = bits.sum(axis=1) == d
    chosen = np.zeros((len(bits), d), dtype=np.int64)
    chosen[single] = np.nonzero(bits[single])[1].reshape(-1, d)
    return chosen + leaves.facet_rows[leaves.region][:, None], single


def _newton(points: np.ndarray, rows: Doubled) -> tuple[np.ndarray, np.ndarray]:
    """Return the step to the common zero of d forms, rows of shape (E, d, d + 1), and its error."""
    d = points.shape[1]
    matrix = rows.high[:, :, :-1]
    size = np.abs(matrix).max(axis=2, keepdims=True)
    matrix = matrix / size
    good = np.isfinite(matrix).all(axis=(1, 2)) & (np.abs(np.linalg.det(np.nan_to_num(matrix))) > 1e-200)
    matrix = np.where(good[:, None, None], matrix, np.eye(d))
    inverse = np.linalg.inv(matrix)
    residual, radius = _values(points, rows)
    residual, radius = residual / size[:, :, 0], radius / size[:, :, 0]
    spread = np.abs(inverse)
    step = -np.einsum("eij,ej->ei", inverse, residual)
    # The rounded matrix is this far from the true one, and the products here are rounded.
    blur = rows.radius[:, :, :-1] / size + (2 * d + 8) * UNIT_ROUNDOFF * np.abs(matrix)
    off = np.abs(np.eye(d) - inverse @ matrix) + spread @ blur
    contraction = off.sum(axis=2).max(axis=1)
    reach = np.einsum("eij,ej->ei", spread, np.abs(residual)).max(axis=1)
    error = np.einsum("eij,ej->ei", spread, radius).max(axis=1)
    # The products of the step are rounded too.
    whole = 1.001 * (error + (contraction + 2 * d * UNIT_ROUNDOFF) * reach) / (1 - contraction)
    whole = np.where(good & (contraction < 0.5), whole, np.inf)
    return step, np.repeat(whole[:, None], d, axis=1)


def _values(points: np.ndarray, rows: Doubled) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of forms (E, d, d + 1) at points (E, d), and their errors."""
    total = Doubled(*(array[:, :, -1] for array in rows))
    for axis in range(points.shape[1]):
        x = np.broadcast_to(points[:, axis, None], total.high.shape)
        high, error = two_product(rows.high[:, :, axis], x)
        low = error + rows.low[:, :, axis] * x
        radius = rows.radius[:, :, axis] * np.abs(x) + 4 * UNIT_ROUNDOFF * np.abs(low)
        total = doubled_sum(total, Doubled(high, low, radius))
    value = total.high + total.low
    return value, 1.001 * total.radius + UNIT_ROUNDOFF * np.abs(value)


def _wall_forms(problem: Problem, leaves: LeafArrays) -> Doubled:
    """Return the forms of all facets in twice the precision, shape (F, d + 1)."""
    d, network = problem.dim, problem.network
    out = Doubled(*(np.full((len(leaves.facets), d + 1), np.nan) for _ in range(3)))
    sides = problem.chart.facets
    if len(sides.integers):
        outer = np.flatnonzero(leaves.facets[:, 0] == -1)
        _put(out, outer, doubled(sides).take(leaves.facets[outer, 1]))
    widest = max((layer.n_out for layer in network.layers), default=1)
    size = max(1, _BLOCK // (max(widest, network.input_dim) * (d + 1)))
    for begin in range(0, len(leaves.patterns), size):
        _put_inner_walls(problem, leaves, slice(begin, begin + size), out)
    return out


def _put(out: Doubled, index: np.ndarray, rows: Doubled) -> None:
    for target, source in zip(out, rows, strict=True):
        target[index] = source


def _put_inner_walls(problem: Problem, leaves: LeafArrays, block: slice, out: Doubled) -> None:
    """Write the walls of some regions, layer by layer; regions with one prefix share their forms."""
    network, patterns = problem.network, leaves.patterns[block]
    begin, place = int(leaves.facet_rows[block.start]), np.zeros(len(patterns), dtype=np.int64)
    facets = np.arange(begin, int(leaves.facet_rows[block.start + len(patterns)]))
    owner = leaves.facet_region[facets] - block.start
    forms = Doubled(*(array[None] for array in doubled(problem.chart.embedding)))
    depth, column, indices = 0, 0, network.unit_indices
    for layer in network.layers:
        if isinstance(layer, Affine):
            forms = map_doubled(layer, forms)
            continue
        here = facets[leaves.facets[facets, 0] == depth]
        _, unit, low, high = leaves.facets[here].T
        at = place[owner[here - begin]]
        if isinstance(layer, GroupMax):
            other = forms.take(at, layer.groups[unit, low])
            negative = Doubled(-other.high, -other.low, other.radius)
            _put(out, here, doubled_sum(forms.take(at, layer.groups[unit, high]), negative))
        else:
            found = forms.take(at, unit)
            shift = -layer.breakpoints[unit, low]
            last = doubled_sum(found.take(slice(None), -1), Doubled(shift, 0 * shift, 0 * shift))
            for array, values in zip(found, last, strict=True):
                array[:, -1] = values
            _put(out, here, found)
        depth += 1
        if depth == len(indices):
            return
        own = patterns[:, column : column + len(indices[depth - 1])]
        column += own.shape[1]
        fresh = np.ones(len(place), dtype=bool)
        fresh[1:] = (place[1:] != place[:-1]) | (own[1:] != own[:-1]).any(axis=1)
        kept = np.flatnonzero(fresh)
        pieces = np.tile(network.default_pieces(layer), (len(kept), 1))
        pieces[:, indices[depth - 1]] = own[kept]
        forms = select_doubled(layer, forms.take(place[kept]), pieces)
        place = np.cumsum(fresh) - 1
