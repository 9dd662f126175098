"""R4 and R5: connected components of the sets on which the function equals one affine map.

*Open*: an open set on which the function is one map stays connected when everything of
codimension two is taken out, so it runs from region to region through facets.

*Closed*: the set where the function equals a map g is the union of the regions with map g and of
the slices where the map h of another region equals g. Each of them is convex. Two of them that
share a point x are joined by a chain of regions around x in which neighbours share a facet
that contains x, because a small ball around x in the convex domain stays connected without its part of
codimension two. So it suffices to walk from region to region through facets on which g = h somewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix
from plnet.geometry.homogeneous import Form
from plnet.regions.definitions.slices import vanish_together
from plnet.regions.definitions.tiling import OUTSIDE, Tiling

__all__ = ["closed_components", "open_components"]

Maps = Callable[[int], RationalMatrix]
"""Exact outputs of a region, shape (m, d + 1)."""


def open_components(labels: np.ndarray, adjacency: csr_array) -> np.ndarray:
    """Return the open connected region that each region belongs to, shape (R,).

    Parameters
    ----------
    labels : ndarray of int, shape (R,)
        Equal where the affine maps are equal.
    adjacency : csr_array, shape (R, R)
        Regions that share a facet.
    """
    rows, columns = adjacency.nonzero()
    same = labels[rows] == labels[columns]
    size = len(labels)
    ones = np.ones(int(same.sum()), dtype=np.int8)
    graph = csr_array((ones, (rows[same], columns[same])), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def closed_components(tiling: Tiling, labels: np.ndarray, components: np.ndarray, maps: Maps) -> int:
    """Return the number of closed connected regions.

    Parameters
    ----------
    tiling : Tiling
    labels, components : ndarray of int, shape (R,)
        Affine map and open connected region of each region.
    maps : callable

    Notes
    -----
    Only maps with two or more open regions need work: a walk over all regions in which the set
    {f = g} has a point and is connected to a region with map g.
    """
    pieces: dict[int, dict[int, int]] = defaultdict(dict)
    for i, (label, component) in enumerate(zip(labels.tolist(), components.tolist(), strict=True)):
        pieces[label].setdefault(component, i)
    total = 0
    for label, starts in pieces.items():
        if len(starts) == 1:
            total += 1
            continue
        seen: set[int] = set()
        for start in starts.values():
            if start not in seen:
                total += 1
                _walk(tiling, labels, maps, start, label, seen)
    return total


def _walk(tiling: Tiling, labels: np.ndarray, maps: Maps, start: int, label: int, seen: set[int]) -> None:
    """Add to `seen` all regions that the component of {f = g} through region `start` meets."""
    target = maps(start)
    seen.add(start)
    pending = [start]
    while pending:
        i = pending.pop()
        look()
        forms = [] if labels[i] == label else _difference(maps(i), target)
        body = tiling.bodies[i]
        for k, j in enumerate(tiling.behind[i]):
            if j == OUTSIDE or j in seen:
                continue
            if not forms or vanish_together(forms, body, 1 << k):
                seen.add(j)
                pending.append(j)


def _difference(h: RationalMatrix, g: RationalMatrix) -> list[Form]:
    """Return positive multiples of the outputs of h - g that are not zero everywhere."""
    rows = h.integers * g.denominator - g.integers * h.denominator
    return [tuple(row) for row in rows.tolist() if any(row)]
