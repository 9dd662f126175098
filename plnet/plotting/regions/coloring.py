"""Greedy colouring of the adjacency graph: neighbouring regions get different colours."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from plnet.regions.complex import RegionComplex

__all__ = ["greedy_coloring", "pattern_colors"]

GREEDY_LIMIT = 50_000
"""Above this number of regions the colours come from the patterns alone, which takes no adjacency."""


def pattern_colors(complex_: RegionComplex, n_colors: int) -> np.ndarray:
    """Return a colour index for each region so that neighbours differ, shape (R,).

    A greedy colouring of the adjacency graph; always the same for the same regions. For an
    incomplete complex, or more than `GREEDY_LIMIT` regions, the sum of the pattern modulo
    `n_colors`: across a wall of a two-piece unit the sum changes by one, so neighbours
    then differ except where several walls coincide.
    """
    if not complex_.complete or len(complex_) > GREEDY_LIMIT:
        return complex_.patterns.sum(axis=1, dtype=np.int64) % n_colors
    # In the order of the patterns, so that the order in which an engine finds regions does not matter.
    rank = np.unique(complex_.patterns, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(rank)
    graph = complex_.adjacency[order][:, order]
    graph.sort_indices()
    return greedy_coloring(graph, n_colors)[rank]


def greedy_coloring(adjacency: csr_array, n_colors: int) -> np.ndarray:
    """Colour a graph greedily in smallest-last order, shape (R,).

    In this order a planar graph needs at most six colours, since each vertex meets at most
    five coloured neighbours. Among the free colours the one used least is taken. If none is
    free, which needs a graph that is not planar, the one least frequent among the
    neighbours is. Costs O(R + edges).

    References
    ----------
    Matula and Beck (1983), Smallest-last ordering and clustering and graph coloring
    algorithms.
    """
    starts = list(map(int, np.asarray(adjacency.indptr)))
    indices = list(map(int, np.asarray(adjacency.indices)))
    neighbours = [indices[a:b] for a, b in pairwise(starts)]
    colors = [-1] * len(neighbours)
    used = [0] * n_colors
    for vertex in reversed(_smallest_last(neighbours)):
        around = [0] * n_colors
        for other in neighbours[vertex]:
            if colors[other] >= 0:
                around[colors[other]] += 1
        best = min(range(n_colors), key=lambda c: (around[c], used[c], c))
        colors[vertex] = best
        used[best] += 1
    return np.array(colors, dtype=np.int64)


def _smallest_last(neighbours: list[list[int]]) -> list[int]:
    """Return the vertices in the order in which one of smallest degree can be taken away."""
    degree = [len(row) for row in neighbours]
    buckets: list[list[int]] = [[] for _ in range(max(degree, default=0) + 1)]
    for vertex in reversed(range(len(neighbours))):
        buckets[degree[vertex]].append(vertex)
    removed = [False] * len(neighbours)
    order: list[int] = []
    smallest = 0
    while len(order) < len(neighbours):
        while not buckets[smallest]:
            smallest += 1
        vertex = buckets[smallest].pop()
        # A vertex is put into a new bucket whenever its degree falls; older entries are stale.
        if removed[vertex] or degree[vertex] != smallest:
            continue
        removed[vertex] = True
        order.append(vertex)
        for other in neighbours[vertex]:
            if not removed[other]:
                degree[other] -= 1
                buckets[degree[other]].append(other)
        smallest = max(smallest - 1, 0)
    return order
