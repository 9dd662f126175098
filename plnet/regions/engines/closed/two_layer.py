"""`two_layer`: the regions of two hidden layers on all of R^n, counted by a closed formula.

If the weights of the first layer have full rank, its pre-activations y take all values in R^n1, and
where a unit is off nothing depends on it. A cell of the second layer over an orthant of y has a unique
point of least cost c . y for a generic c > 0. It is given by the units U at which y > 0 and by as
many walls B of the second layer through it: ``weight[B, U] y[U] = -bias[B]``. The same point serves
every orthant that has further units t on, as long as each of them would raise the cost:
``c[t] - c[U] weight[B, U]^-1 weight[B, t] > 0``. So the number of regions is the sum of
``2**#{such t}`` over all pairs (U, B) with y[U] > 0, the empty pair included.

The formula holds if no further wall runs through such a point. Every sign is certified in floating
point or decided in rationals; if one of them is zero, the regions are searched for instead.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np

from plnet.budgets import STOPS, look
from plnet.errors import EngineError
from plnet.geometry.exact import RationalMatrix
from plnet.regions.control import Control, threads_of
from plnet.regions.engines.base import Tally
from plnet.regions.engines.closed.form import TwoLayers, two_layers, why_not
from plnet.regions.engines.search import Search
from plnet.regions.kernels.closed.two_layer import count_pairs
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["TwoLayer", "n_pairs"]

_PAIRS = 20_000
"""Pairs between two looks at the budget, in each thread."""
_OPEN = 4096
"""Pairs of one block that may be left to rationals before the network counts as degenerate."""


class _Degenerate(Exception):
    """A sign is exactly zero, or too many are not certain."""


def n_pairs(n1: int, walls: int) -> int:
    """Return the number of pairs (U, B): C(n1 + walls, n1)."""
    return comb(n1 + walls, n1)


@dataclass(frozen=True)
class TwoLayer:
    """The closed count of two hidden layers.

    Parameters
    ----------
    n_jobs : int
        Threads; -1 takes one for each core.

    Notes
    -----
    Costs C(n1 + m, n1) systems of at most min(n1, m) equations for m walls in the second layer.
    """

    name: str = "two_layer"
    n_jobs: int = 1

    def check(self, problem: Problem) -> None:
        """Raise if the formula does not apply."""
        reason = why_not(problem)
        if reason is not None:
            raise EngineError(f'The engine "two_layer" cannot count here: {reason}. Use engine="search".')
        two_layers(problem)

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Count all regions; where they are wanted one by one, `search` finds them."""
        if store is None:
            try:
                return _count(two_layers(problem), control, threads_of(self.n_jobs))
            except _Degenerate:
                pass
        return Search(n_jobs=self.n_jobs).run(problem, control, store)


def _count(form: TwoLayers, control: Control, jobs: int) -> Tally:
    m, n = form.weight.shape
    counter = _Counter(form)
    total, fallbacks = 1 << n, 0
    blocks = (
        (k, rows)
        for k in range(1, min(n, m) + 1)
        for rows in _blocks(form.parallel, k, max(1, _PAIRS // comb(n, k)))
    )
    pool = ThreadPoolExecutor(jobs) if jobs > 1 else None
    try:
        running = set()
        while True:
            while len(running) < jobs and (block := next(blocks, None)) is not None:
                running.add(_submit(pool, counter, block))
            if not running:
                return Tally(total << form.n_dead, True, n_fallbacks=fallbacks)
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                found, open_pairs = future.result()
                total, fallbacks = total + found, fallbacks + open_pairs
            if control.spent(total << form.n_dead):
                rest = running or next(blocks, None)
                return Tally(total << form.n_dead, not rest, n_fallbacks=fallbacks)
    except STOPS as stop:
        control.stopped(stop)
        return Tally(total << form.n_dead, False, n_fallbacks=fallbacks)
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _submit(pool: ThreadPoolExecutor | None, counter: _Counter, block: tuple[int, np.ndarray]) -> Future:
    """Hand a block to the pool; without one, work on it at once."""
    if pool is not None:
        return pool.submit(copy_context().run, counter.sum_of, *block)
    future: Future = Future()
    future.set_result(counter.sum_of(*block))
    return future


def _blocks(parallel: np.ndarray, k: int, size: int):
    """Yield sets of k walls, no two of them parallel, in arrays of at most `size` rows."""
    block: list[tuple[int, ...]] = []
    for rows in combinations(range(len(parallel)), k):
        if len(set(parallel[list(rows)].tolist())) == k:
            block.append(rows)
        if len(block) == size:
            yield np.array(block, np.int64)
            block = []
    if block:
        yield np.array(block, np.int64)


class _Counter:
    """The sum over blocks of pairs."""

    def __init__(self, form: TwoLayers) -> None:
        self._form = form
        self._n = form.weight.shape[1]
        scaled = [_scaled(w, b) for w, b in zip(form.weight.integers, form.bias.integers[:, 0], strict=True)]
        rows = RationalMatrix(np.array([row for row, _ in scaled], dtype=object).reshape(-1, self._n + 1))
        self._exact = rows.integers
        sizes = np.array([size for _, size in scaled], dtype=object)
        values = np.array(
            [x / s for row, s in zip(rows.integers.tolist(), sizes, strict=True) for x in row], np.float64
        ).reshape(rows.shape)
        error = np.array(
            [
                _rounding(x, s, v)
                for row, s, own in zip(rows.integers.tolist(), sizes, values.tolist(), strict=True)
                for x, v in zip(row, own, strict=True)
            ],
            np.float64,
        ).reshape(rows.shape)
        self._weight, self._bias = np.ascontiguousarray(values[:, :-1]), values[:, -1].copy()
        self._spread, self._bias_spread = np.ascontiguousarray(error[:, :-1]), error[:, -1].copy()
        # Any positive cost will do that makes no reduced cost vanish; these are multiples of 2^-20.
        self._cost = 1.0 + np.sqrt(np.arange(2, self._n + 2)) % 1.0
        self._cost = np.round(self._cost * 2.0**20) / 2.0**20
        self._columns: dict[int, np.ndarray] = {}

    def sum_of(self, k: int, row_sets: np.ndarray) -> tuple[int, int]:
        """Return the sum over these rows with all columns, and how many pairs rationals decided."""
        columns = self._columns.get(k)
        if columns is None:
            columns = np.array(list(combinations(range(self._n), k)), np.int64)
            self._columns[k] = columns
        work, undecided = np.zeros((3, max(k, 3), k)), np.zeros((_OPEN, 2), np.int64)
        total, n = count_pairs(
            self._weight,
            self._spread,
            self._bias,
            self._bias_spread,
            self._cost,
            row_sets,
            columns,
            work,
            undecided,
        )
        if n > _OPEN:
            raise _Degenerate
        for p, q in undecided[:n].tolist():
            look()
            total += self._exact_term(row_sets[p].tolist(), columns[q].tolist())
        return total, n

    def _exact_term(self, rows: list[int], columns: list[int]) -> int:
        """Decide one pair in rationals."""
        table = self._exact.tolist()
        minor = [[Fraction(table[i][j]) for j in columns] for i in rows]
        y = _solve(minor, [Fraction(-table[i][-1]) for i in rows])
        if y is None:
            if _consistent(minor, [Fraction(-table[i][-1]) for i in rows]):
                raise _Degenerate
            return 0
        if any(value < 0 for value in y):
            return 0
        others = [i for i in range(len(table)) if i not in rows]
        residuals = (
            sum((table[i][j] * v for j, v in zip(columns, y, strict=True)), Fraction(table[i][-1]))
            for i in others
        )
        if any(value == 0 for value in y) or any(value == 0 for value in residuals):
            raise _Degenerate
        cost = [Fraction(x) for x in self._cost.tolist()]
        transposed = [list(column) for column in zip(*minor, strict=True)]
        multipliers = _solve(transposed, [cost[j] for j in columns])
        assert multipliers is not None
        doublings = 0
        for t in set(range(self._n)) - set(columns):
            reduced = cost[t] - sum(m * table[i][t] for m, i in zip(multipliers, rows, strict=True))
            if reduced == 0:
                raise _Degenerate
            doublings += reduced > 0
        return 1 << doublings


def _scaled(weight: np.ndarray, bias: int) -> tuple[list[int], int]:
    """Return a row and the power of two that brings its entries below 1."""
    row = [*weight.tolist(), bias]
    return row, 1 << max(abs(x) for x in row).bit_length()


def _rounding(x: int, size: int, value: float) -> float:
    top, bottom = value.as_integer_ratio()
    return 0.0 if top * size == x * bottom else 2.0**-52 * abs(value) + 1e-290


def _eliminate(matrix: list[list[Fraction]], right: list[Fraction]) -> tuple[list[list[Fraction]], int]:
    """Return the reduced system ``[matrix | right]`` and the rank of the matrix."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    found = 0
    for column in range(len(matrix[0])):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        lead = rows[found][column]
        rows[found] = [x / lead for x in rows[found]]
        for i in range(len(rows)):
            if i != found and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[found], strict=True)]
        found += 1
    return rows, found


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """Solve a square system; None if it is singular."""
    rows, rank = _eliminate(matrix, right)
    return [row[-1] for row in rows] if rank == len(matrix) else None


def _consistent(matrix: list[list[Fraction]], right: list[Fraction]) -> bool:
    rows, rank = _eliminate(matrix, right)
    return not any(row[-1] for row in rows[rank:])
