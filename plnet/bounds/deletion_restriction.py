"""The Poincaré polynomial of an arrangement by deletion and restriction.

``pi(A, t) = 1 + t sum_i pi(A_i, t)``, where ``A_i`` consists of the hyperplanes before
number i, restricted to it. Affine arrangements are made central by one more coordinate and
the hyperplane at infinity. Restrictions that were met before are looked up: pivots are
always the last coordinates, so that all ways to one flat give the same rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from plnet.bounds.residues import IntegerRows, enough_primes, residue_rows
from plnet.budgets import look

__all__ = ["Stopped", "Watch", "poincare_polynomial"]

Watch = Callable[[int], bool]
"""Gets the number of regions proved so far; says whether to stop."""

_MEMORY = 1 << 29
"""Bytes for restrictions that are kept."""
_QUICK = 200_000
"""Regions that a plain recursion may count between two looks at the watch."""


class Stopped(Exception):
    """The watch said so. `proved` is a number of regions that the arrangement has at least."""

    def __init__(self, proved: int) -> None:
        super().__init__(f"{proved} regions proved")
        self.proved = proved


class _Unlucky(Exception):
    """The primes do not agree."""


def poincare_polynomial(normals: IntegerRows, offsets: IntegerRows, watch: Watch | None = None) -> list[int]:
    """Return the coefficients of ``pi(A, t)``, constant first; their sum is the number of regions.

    Parameters
    ----------
    normals : IntegerRows, shape (n, d)
        No zero row.
    offsets : IntegerRows, shape (n, 1)
    watch : callable, optional

    Returns
    -------
    list of int
        As many coefficients as the rank, and one more.

    Raises
    ------
    Stopped
        If the watch says so.

    Notes
    -----
    Costs one restriction for each pair of a flat and an initial segment of the hyperplanes on
    it; at worst as many as the arrangement has regions, for structured arrangements far fewer.
    Arrangements that are products are split first.

    References
    ----------
    Zaslavsky (1975), Facing up to Arrangements, Memoirs AMS 154.
    Orlik and Terao (1992), Arrangements of Hyperplanes, Theorem 2.56.
    """
    if _independent(normals):
        return [math.comb(len(normals.rational), k) for k in range(len(normals.rational) + 1)]
    polynomial = [1]
    parts = list(_factors(normals))
    rank = sum(part.rank for part in parts)
    for part in parts:
        rows, is_cone = _central(normals, offsets, part.members)
        # A factor of rank r has at least 2^r regions.
        rank -= part.rank
        others = sum(polynomial) * 2**rank
        progress = _Progress(watch, others * (1 if is_cone else 2), others * 2**part.rank)
        reduced = _reduced_polynomial(rows, progress)
        factor = reduced if is_cone else _product(reduced, [1, 1])
        polynomial = _product(polynomial, factor)
    return polynomial


@dataclass
class _Progress:
    """Tells the watch what is proved; each node of the recursion is a region of its own."""

    watch: Watch | None
    factor: int
    best: int
    found: int = 0

    def add(self, regions: int) -> None:
        self.found += regions

    def check(self) -> None:
        self.best = max(self.best, self.factor * self.found)
        if self.watch is not None and self.watch(self.best):
            raise Stopped(self.best)
        look()


def _independent(normals: IntegerRows) -> bool:
    """Say whether one prime proves the rows independent; then every choice of sides occurs."""
    prime = enough_primes(normals)[:1]
    return len(_kernels().echelon(residue_rows(normals, prime), np.array(prime))[2]) == len(normals.rational)


@dataclass(frozen=True)
class _Factor:
    members: list[int]
    rank: int


def _factors(normals: IntegerRows) -> Iterator[_Factor]:
    """Yield the finest decomposition into a product."""
    n = len(normals.rational)
    for attempt in range(n and 64):
        primes = enough_primes(normals, attempt)
        ok, coordinates, basis, _ = _kernels().echelon(residue_rows(normals, primes), np.array(primes))
        if ok:
            break
    else:
        return
    leader = list(range(n))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for i, column in np.argwhere(coordinates[:, :, 0] != 0).tolist():
        leader[find(i)] = find(int(basis[column]))
    groups: dict[int, list[int]] = {}
    for i in range(n):
        groups.setdefault(find(i), []).append(i)
    independent = set(basis.tolist())
    for members in groups.values():
        yield _Factor(members, len(independent.intersection(members)))


def _central(normals: IntegerRows, offsets: IntegerRows, part: Sequence[int]) -> tuple[IntegerRows, bool]:
    """Return a factor as a central arrangement, and whether the hyperplane at infinity was added."""
    d = len(normals.rational[0])
    a, b = normals.chosen(part, range(d)), offsets.chosen(part, [0])
    if not any(x for table in (b.rational, b.irrational) for row in table for x in row):
        return a, False
    last = ((0,) * d + (1,),)
    rational = tuple(x + y for x, y in zip(a.rational, b.rational, strict=True)) + last
    if not a.radicand:
        return IntegerRows(rational), True
    irrational = tuple(x + y for x, y in zip(a.irrational, b.irrational, strict=True))
    return IntegerRows(rational, (*irrational, (0,) * (d + 1)), a.radicand), True


def _reduced_polynomial(rows: IntegerRows, progress: _Progress) -> list[int]:
    """Return ``pi(A, t) / (1 + t)`` of a central arrangement."""
    for attempt in range(64):
        primes = enough_primes(rows, attempt)
        try:
            essential = _essential(rows, primes)
            n, rank = essential.shape[:2]
            if len(primes) > 1:
                # Where one prime finds general position there is general position: a minor
                # that is not zero modulo it is not zero. And it never finds too many regions.
                found = _Recursion(primes[:1], progress).solve(np.ascontiguousarray(essential[:, :, :1]))
                if len(found) == rank and found[-1] == math.comb(n - 1, rank - 1):
                    return found
                progress.found = 0
            return _Recursion(primes, progress).solve(essential)
        except _Unlucky:
            progress.found = 0
    raise ArithmeticError("no 64 sets of primes agree with themselves, which cannot happen")


def _essential(rows: IntegerRows, primes: Sequence[int]) -> np.ndarray:
    """Return the distinct rows in as many columns as their rank."""
    table, moduli = residue_rows(rows, primes), np.array(primes)
    ok, _, _, pivots = _kernels().echelon(table, moduli)
    if ok:
        ok, table = _kernels().normal_form(np.ascontiguousarray(table[:, np.sort(pivots)]), moduli)
    if not ok:
        raise _Unlucky
    return table


@dataclass
class _Recursion:
    """One arrangement, modulo some primes."""

    primes: Sequence[int]
    progress: _Progress
    _known: dict[tuple[int, bytes], list[int]] = field(default_factory=dict)
    _bytes: int = 0
    _asked: Counter[int] = field(default_factory=Counter)
    _answered: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._moduli = np.array(self.primes, dtype=np.int64)
        self._kernels = _kernels()

    def solve(self, rows: np.ndarray) -> list[int]:
        """Return the reduced polynomial of rows in normal form."""
        n, columns = rows.shape[:2]
        if columns <= 2:
            return self._met([1, n - 1][:columns])
        if n == columns and self._rank(rows) == n:
            return self._met([math.comb(n - 1, k) for k in range(n)])
        if self._is_quick(n, columns):
            return self._plain(rows)
        key = (columns, rows.tobytes())
        known = self._known.get(key)
        self._asked[columns] += 1
        if known is not None:
            self._answered[columns] += 1
            return self._met(known)
        found = self._plain(rows) if columns == 3 else self._sum(rows)
        if self._bytes < _MEMORY:
            self._known[key] = found
            self._bytes += len(key[1]) + 300
        return found

    def _rank(self, rows: np.ndarray) -> int:
        first = np.ascontiguousarray(rows[:, :, :1])
        return len(self._kernels.echelon(first, self._moduli)[2])

    def _is_quick(self, n: int, columns: int) -> bool:
        """Say whether memory has not helped below, as in general position, and the recursion is short."""
        if columns > 3 and not self._rarely_answered(columns - 1):
            return False
        return self._rarely_answered(columns) and math.comb(n - 1, columns - 1) < _QUICK

    def _rarely_answered(self, columns: int) -> bool:
        asked = self._asked[columns]
        return asked > 1000 and self._answered[columns] < asked // 8

    def _met(self, polynomial: list[int]) -> list[int]:
        self.progress.add(sum(polynomial))
        return polynomial

    def _plain(self, rows: np.ndarray) -> list[int]:
        found = self._kernels.reduced_polynomial(rows, self._moduli).tolist()
        if found[0] < 0:
            raise _Unlucky
        return self._met(found[: rows.shape[1]])

    def _sum(self, rows: np.ndarray) -> list[int]:
        total = [1] + [0] * (rows.shape[1] - 1)
        self.progress.add(1)
        for i in range(1, len(rows)):
            self.progress.check()
            ok, restricted = self._kernels.restrict(rows, i, self._moduli)
            if not ok:
                raise _Unlucky
            for k, value in enumerate(self.solve(restricted), start=1):
                total[k] += value
        return total


def _kernels():
    # numba is loaded with the first computation, so that importing the package stays light.
    from plnet.bounds.kernels import residue_rows as kernels

    return kernels


def _product(p: Sequence[int], q: Sequence[int]) -> list[int]:
    out = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            out[i + j] += a * b
    return out
