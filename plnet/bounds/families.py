"""Families of hyperplane arrangements whose numbers of regions are known.

Every function returns an `Arrangement` with exact coefficients. As test networks:
``plnet.networks.one_hidden_layer(families.braid(3))``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations, permutations, product
from typing import Any

import numpy as np

from plnet.bounds.arrangement import Arrangement
from plnet.bounds.quadratic import QuadraticNumber
from plnet.errors import NetworkError

__all__ = [
    "boolean",
    "braid",
    "catalan",
    "complete_bipartite",
    "cross_polytope",
    "cycle",
    "demicube",
    "e6",
    "e7",
    "e8",
    "f4",
    "generic",
    "generic_central",
    "graphical",
    "h3",
    "h4",
    "linial",
    "permutohedron",
    "resonance",
    "semiorder",
    "shi",
    "threshold",
    "type_b",
    "type_d",
]

Row = list[Any]


def boolean(n: int) -> Arrangement:
    """Coordinate hyperplanes ``x_i = 0`` in R^n: 2^n regions."""
    _check(n)
    return _arrangement([_unit(i, n) for i in range(n)], n)


def braid(n: int) -> Arrangement:
    """Type A: ``x_i = x_j`` in R^(n+1): (n+1)! regions.

    Examples
    --------
    >>> from plnet.bounds import families
    >>> families.braid(3).n_regions()
    24
    """
    _check(n)
    return _differences(n + 1, [0])


def type_b(n: int) -> Arrangement:
    """Type B: ``x_i = 0`` and ``x_i = ±x_j`` in R^n: 2^n n! regions."""
    _check(n)
    return _arrangement([_unit(i, n) for i in range(n)] + _type_d_rows(n), n)


def type_d(n: int) -> Arrangement:
    """Type D: ``x_i = ±x_j`` in R^n: 2^(n-1) n! regions for n >= 2."""
    _check(n)
    return _arrangement(_type_d_rows(n), n)


def f4() -> Arrangement:
    """Type F4 in R^4: 1,152 regions."""
    rows = [_unit(i, 4) for i in range(4)] + _type_d_rows(4)
    return _arrangement(rows + [[1, *signs] for signs in product((1, -1), repeat=3)], 4)


def e6() -> Arrangement:
    """Type E6 as 36 hyperplanes of rank 6 in R^8: 51,840 regions."""
    return _arrangement([v for v in _e8_rows() if v[6] + v[7] == 0 and v[5] + v[7] == 0], 8)


def e7() -> Arrangement:
    """Type E7 as 63 hyperplanes of rank 7 in R^8: 2,903,040 regions."""
    return _arrangement([v for v in _e8_rows() if v[6] + v[7] == 0], 8)


def e8() -> Arrangement:
    """Type E8 as 120 hyperplanes in R^8: 696,729,600 regions."""
    return _arrangement(_e8_rows(), 8)


def h3() -> Arrangement:
    """Type H3, the mirrors of the icosahedron, over Q(sqrt 5): 15 planes, 120 regions.

    Rounded to floats the planes no longer meet as they should: that is an arrangement with 176 regions.
    """
    golden = _golden_ratio()
    cyclic = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    return _arrangement([_unit(i, 3) for i in range(3)] + _signed([1, golden, 1 / golden], cyclic), 3)


def h4() -> Arrangement:
    """Type H4 over Q(sqrt 5): 60 hyperplanes in R^4, 14,400 regions."""
    golden = _golden_ratio()
    even = [p for p in permutations(range(4)) if _inversions(p) % 2 == 0]
    rows = [_unit(i, 4) for i in range(4)] + [[1, *signs] for signs in product((1, -1), repeat=3)]
    return _arrangement(rows + _signed([1, golden, 1 / golden, 0], even), 4)


def shi(n: int) -> Arrangement:
    """``x_i - x_j`` in {0, 1} for i < j in R^n: (n+1)^(n-1) regions."""
    _check(n)
    return _differences(n, [0, 1])


def linial(n: int) -> Arrangement:
    """``x_i - x_j = 1`` for i < j in R^n."""
    _check(n)
    return _differences(n, [1])


def catalan(n: int) -> Arrangement:
    """``x_i - x_j`` in {-1, 0, 1} for i < j in R^n: n! times a Catalan number of regions."""
    _check(n)
    return _differences(n, [-1, 0, 1])


def semiorder(n: int) -> Arrangement:
    """``x_i - x_j`` in {-1, 1} for i < j in R^n."""
    _check(n)
    return _differences(n, [-1, 1])


def resonance(n: int) -> Arrangement:
    """All 2^n - 1 hyperplanes ``sum over I of x_i = 0`` in R^n."""
    _check(n)
    return _arrangement([list(c) for c in product((0, 1), repeat=n) if any(c)], n)


def threshold(n: int) -> Arrangement:
    """``(1, c) . x = 0`` for all c in {0, 1}^n, in R^(n+1): one region for each threshold function."""
    _check(n)
    return _arrangement([[1, *c] for c in product((0, 1), repeat=n)], n + 1)


def demicube(n: int) -> Arrangement:
    """``(1, c) . x = 0`` for all c in {0, 1}^n with odd sum, in R^(n+1)."""
    _check(n)
    return _arrangement([[1, *c] for c in product((0, 1), repeat=n) if sum(c) % 2], n + 1)


def cross_polytope(n: int) -> Arrangement:
    """``x_0 = ±x_i`` in R^(n+1)."""
    _check(n)
    rows = [[1, *(s * x for x in _unit(i, n))] for i in range(n) for s in (1, -1)]
    return _arrangement(rows, n + 1)


def permutohedron(n: int) -> Arrangement:
    """``(1, p) . x = 0`` for all permutations p of 1..n, in R^(n+1)."""
    _check(n)
    return _arrangement([[1, *p] for p in permutations(range(1, n + 1))], n + 1)


def generic(m: int, d: int) -> Arrangement:
    """M hyperplanes in general position in R^d: ``(t, t^2, .., t^d) . x = t^(d+1)`` for t = 1..m."""
    _check(m, d)
    rows = [[t**k for k in range(1, d + 1)] for t in range(1, m + 1)]
    return _arrangement(rows, d, [t ** (d + 1) for t in range(1, m + 1)])


def generic_central(m: int, d: int) -> Arrangement:
    """M hyperplanes through the origin of R^d, else in general position: normals ``(1, t, .., t^(d-1))``."""
    _check(m, d)
    return _arrangement([[t**k for k in range(d)] for t in range(1, m + 1)], d)


def graphical(edges: Iterable[tuple[int, int]], n: int) -> Arrangement:
    """``x_i = x_j`` in R^n for the edges ij of a graph on 0..n-1: regions are its acyclic orientations.

    Raises
    ------
    NetworkError
        If an edge is not between two different nodes.

    References
    ----------
    Stanley (1973), Acyclic orientations of graphs.

    Examples
    --------
    >>> from plnet.bounds import families
    >>> families.graphical([(0, 1), (1, 2), (2, 0)], 3).n_regions()
    6
    """
    _check(n)
    rows = []
    for i, j in edges:
        if not (0 <= i < n and 0 <= j < n and i != j):
            raise NetworkError(f"Expected edges between two different nodes of 0..{n - 1}, got {(i, j)}.")
        rows.append([a - b for a, b in zip(_unit(i, n), _unit(j, n), strict=True)])
    return _arrangement(rows, n)


def cycle(n: int) -> Arrangement:
    """The graphical arrangement of a cycle on n >= 3 nodes: 2^n - 2 regions."""
    _check(n - 2)
    return graphical([(i, (i + 1) % n) for i in range(n)], n)


def complete_bipartite(a: int, b: int) -> Arrangement:
    """The graphical arrangement of the complete bipartite graph on a and b nodes."""
    _check(a, b)
    return graphical(product(range(a), range(a, a + b)), a + b)


def _check(*sizes: int) -> None:
    for size in sizes:
        if not isinstance(size, int | np.integer) or size < 1:
            raise NetworkError(f"Expected positive integers as the sizes of an arrangement, got {size!r}.")


def _arrangement(rows: Sequence[Row], d: int, offsets: Sequence[int] | None = None) -> Arrangement:
    return Arrangement(rows or np.empty((0, d)), offsets)


def _unit(i: int, n: int) -> list[int]:
    return [int(i == j) for j in range(n)]


def _differences(n: int, values: Sequence[int]) -> Arrangement:
    rows, offsets = [], []
    for i, j in combinations(range(n), 2):
        row = [a - b for a, b in zip(_unit(i, n), _unit(j, n), strict=True)]
        rows += [row] * len(values)
        offsets += values
    return _arrangement(rows, n, offsets)


def _type_d_rows(n: int) -> list[Row]:
    return [
        [a + s * b for a, b in zip(_unit(i, n), _unit(j, n), strict=True)]
        for i, j in combinations(range(n), 2)
        for s in (1, -1)
    ]


def _e8_rows() -> list[Row]:
    return _type_d_rows(8) + [[1, *s] for s in product((1, -1), repeat=7) if s.count(-1) % 2 == 0]


def _golden_ratio() -> QuadraticNumber:
    return QuadraticNumber(Fraction(1, 2), Fraction(1, 2), 5)


def _signed(values: Row, orders: Iterable[Sequence[int]]) -> list[Row]:
    """Return the values in all given orders with all signs, the first nonzero entry positive."""
    rows = []
    for order in orders:
        placed = [values[i] for i in order]
        used = [i for i, x in enumerate(placed) if x]
        for signs in product((1, -1), repeat=len(used) - 1):
            factor = dict(zip(used, (1, *signs), strict=True))
            rows.append([factor.get(i, 0) * x for i, x in enumerate(placed)])
    return rows


def _inversions(order: Sequence[int]) -> int:
    return sum(a > b for a, b in combinations(order, 2))
