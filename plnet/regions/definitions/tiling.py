"""The exact cells of a complete complex and what lies behind each of their facets.

Closed activation regions of a continuous network meet face to face, so there is exactly one
region, or the outside of the domain, behind each facet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix
from plnet.ir.one_sided import one_sided_pattern
from plnet.regions.cells.adjacency import embed_columns, pattern_index
from plnet.regions.cells.bodies import Body, body_of, generators_on
from plnet.regions.data import RegionData

__all__ = ["OUTSIDE", "Tiling", "bodies_of", "tiling_of"]

OUTSIDE = -1


@dataclass(frozen=True)
class Tiling:
    """The cells of a complex.

    Parameters
    ----------
    bodies : list of Body
    behind : list of list of int
        For each facet of each body, the index of the body behind it, or `OUTSIDE`.
    """

    bodies: list[Body]
    behind: list[list[int]]

    @property
    def adjacency(self) -> csr_array:
        """Which bodies share a facet, sparse and symmetric, shape (R, R), entries 1."""
        pairs = [(i, j) for i, row in enumerate(self.behind) for j in row if j != OUTSIDE]
        rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        size = len(self.bodies)
        return csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))


def bodies_of(complex_: RegionData) -> list[Body]:
    """Return all regions found as bodies."""
    found = []
    for i in range(len(complex_)):
        found.append(body_of(complex_.exact_cell(i)))
        look()
    return found


def tiling_of(complex_: RegionData) -> Tiling:
    """Return the tiling of a complete complex.

    Costs the exact cell of each region and a look-up for each facet; where several walls
    coincide, one exact evaluation.
    """
    bodies = bodies_of(complex_)
    index = pattern_index(complex_.patterns)
    columns = {(layer, unit): i for i, (layer, unit, _) in enumerate(complex_.network.unit_names)}
    behind = []
    for i, body in enumerate(bodies):
        row = []
        for k, (layer, unit, low, high) in enumerate(body.facets):
            if layer < 0:
                row.append(OUTSIDE)
                continue
            flipped = complex_.patterns[i].copy()
            column = columns[layer, unit]
            flipped[column] = low if flipped[column] >= high else high
            j = index.get(flipped.tobytes())
            row.append(index[_pattern_behind(complex_, body, k).tobytes()] if j is None else j)
        behind.append(row)
        look()
    return Tiling(bodies, behind)


def _pattern_behind(complex_: RegionData, body: Body, k: int) -> np.ndarray:
    """Return the exact pattern just behind a facet."""
    total = [sum(entries) for entries in zip(*generators_on(body, 1 << k), strict=True)]
    weight = total[-1]
    # The point over its weight, the direction over the same number: only the ray counts.
    pairs = [[-a * weight, x] for a, x in zip(body.forms[k][:-1], total[:-1], strict=True)]
    columns = RationalMatrix(np.array(pairs, dtype=object), weight)
    return one_sided_pattern(complex_.network, embed_columns(complex_.problem, columns))
