"""Which regions share a facet.

Crossing a facet in general flips the one unit whose wall it is, so the neighbour is found
by its pattern. Where that pattern does not occur (several walls coincide there) the
pattern an infinitesimal step behind the facet is computed exactly. If the flipped pattern
occurs it *is* the neighbour: units that also vanish on the facet keep one sign behind it,
so with a wrong sign the pattern would be empty.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix, rational
from plnet.ir.one_sided import one_sided_pattern
from plnet.regions.cells.facets import exact_cell
from plnet.regions.leaves import LeafArrays
from plnet.regions.problem import Problem

__all__ = ["adjacency", "embed_columns", "neighbours", "pattern_index"]


def pattern_index(patterns: np.ndarray) -> dict[bytes, int]:
    """Return a dictionary from the bytes of a pattern to its region."""
    return {row.tobytes(): i for i, row in enumerate(np.ascontiguousarray(patterns))}


def neighbours(problem: Problem, leaves: LeafArrays) -> np.ndarray:
    """Return the region behind each facet, shape (F,); -1 at the boundary of the domain.

    Costs O(F U) for F facets, plus one exact evaluation for each facet on which several
    walls coincide.
    """
    index = pattern_index(leaves.patterns)
    columns = _pattern_columns(problem)
    out = np.full(len(leaves.facets), -1, dtype=np.int64)
    for row, (i, facet) in enumerate(zip(leaves.facet_region.tolist(), leaves.facets.tolist(), strict=True)):
        look()
        layer, unit, low, high = facet
        if layer < 0:
            continue
        pattern = leaves.patterns[i].copy()
        column = columns[layer, unit]
        pattern[column] = low if pattern[column] >= high else high
        j = index.get(pattern.tobytes())
        out[row] = index.get(_pattern_behind(problem, leaves, i, row).tobytes(), -1) if j is None else j
    return out


def adjacency(problem: Problem, leaves: LeafArrays) -> csr_array:
    """Return the adjacency of all regions, sparse and symmetric, shape (R, R), entries 1."""
    size = len(leaves.patterns)
    behind = neighbours(problem, leaves)
    rows, cols = leaves.facet_region[behind >= 0], behind[behind >= 0]
    matrix = csr_array((np.ones(len(rows), np.int8), (rows, cols)), shape=(size, size))
    matrix = matrix.maximum(matrix.T).tocsr()
    # Two parts of one edge, where a point lies inside it, are one adjacency.
    matrix.data[:] = 1
    matrix.sort_indices()
    return matrix


def _pattern_columns(problem: Problem) -> dict[tuple[int, int], int]:
    return {(layer, unit): i for i, (layer, unit, _) in enumerate(problem.network.unit_names)}


def _pattern_behind(problem: Problem, leaves: LeafArrays, i: int, row: int) -> np.ndarray:
    """Return the exact pattern just behind one facet of a region."""
    cell = exact_cell(problem, leaves, i)
    k = cell.facets.index(tuple(leaves.facets[row].tolist()))
    form = cell.forms[k]
    inside = cell.witness()
    point = cell.facet_point(k)
    side = sum(a * x for a, x in zip(form, [*inside, 1], strict=True))
    outward = [-a if side > 0 else a for a in form[:-1]]
    columns = rational(np.array([[o, p] for o, p in zip(outward, point, strict=True)], dtype=object))
    return one_sided_pattern(problem.network, embed_columns(problem, columns))


def embed_columns(problem: Problem, columns: RationalMatrix) -> RationalMatrix:
    """Map ``[direction | point]`` from domain coordinates to network inputs, exactly."""
    embedding = problem.chart.embedding
    linear = RationalMatrix(embedding.integers[:, :-1], embedding.denominator)
    zeros = np.zeros((len(embedding.integers), 1), dtype=object)
    origin = RationalMatrix(
        np.concatenate([zeros, embedding.integers[:, -1:]], axis=1), embedding.denominator
    )
    return (linear @ columns) + origin
