"""Operators as sparse columns for the kernel: runs of neighbouring rows that share their weights.

The rows of a convolution are ordered by position, then by channel. Then what one input
contributes at one tap are neighbouring rows, and their weights are one piece of the kernel tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plnet.ir.convolution import Convolution
from plnet.ir.layers import Affine
from plnet.ir.operators import SparseAffine, StackedAffine

__all__ = ["RowRuns", "operator_order", "operator_runs", "repeated", "selected_runs"]


@dataclass(frozen=True, eq=False)
class RowRuns:
    """Runs in any order: column, first row, number of rows, and place of the weights in the pool."""

    column: np.ndarray
    start: np.ndarray
    length: np.ndarray
    place: np.ndarray
    pool: np.ndarray

    def moved(self, columns: np.ndarray, rows: int, places: int) -> RowRuns:
        """Rename columns, and shift rows and places."""
        return RowRuns(columns[self.column], self.start + rows, self.length, self.place + places, self.pool)

    def by_column(self, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the place of the first run of each column, and the runs (start, length, place)."""
        order = np.argsort(self.column, kind="stable")
        starts = np.searchsorted(self.column[order], np.arange(n_columns + 1))
        return starts, np.stack([self.start, self.length, self.place], axis=1)[order]


def operator_order(operator: Affine) -> np.ndarray:
    """Return the outputs of an operator in the order in which its runs have them."""
    if isinstance(operator, Convolution):
        channels = operator.channel_bias.size
        return np.arange(operator.n_out).reshape(channels, operator.positions_out).T.ravel()
    if isinstance(operator, StackedAffine):
        begins = np.cumsum([0, *(part.n_out for part in operator.parts)])
        pairs = zip(operator.parts, begins[:-1].tolist(), strict=True)
        return np.concatenate([operator_order(part) + begin for part, begin in pairs])
    return np.arange(operator.n_out)


def operator_runs(operator: Affine) -> RowRuns:
    """Return the runs of an operator whose rows are in `operator_order`."""
    if isinstance(operator, Convolution):
        return _convolution_runs(operator)
    if isinstance(operator, StackedAffine):
        return _stacked_runs(operator)
    if isinstance(operator, SparseAffine):
        return selected_runs(operator, np.arange(operator.n_out))
    columns = np.arange(operator.n_in)
    zeros, n = np.zeros_like(columns), operator.n_out
    return RowRuns(columns, zeros, np.full(len(columns), n), columns * n, operator.weight.T.ravel())


def _convolution_runs(operator: Convolution) -> RowRuns:
    groups, n_out, n_in, taps = operator.kernel.shape
    position, tap = np.nonzero(operator.table >= 0)
    source = operator.table[position, tap]
    channels = np.arange(groups * n_in)[:, None]
    group = channels // n_in
    shape = (groups * n_in, len(position))
    column = channels * operator.positions_in + source
    start = np.broadcast_to(position * (groups * n_out), shape) + group * n_out
    # The pool is the kernel as (group, in, tap, out).
    place = (channels * taps + tap) * n_out
    pool = np.ascontiguousarray(np.moveaxis(operator.kernel, 1, 3)).ravel()
    length = np.full(column.size, n_out)
    return RowRuns(column.ravel(), start.ravel(), length, np.broadcast_to(place, shape).ravel(), pool)


def _stacked_runs(operator: StackedAffine) -> RowRuns:
    found, rows, places = [], 0, 0
    for part, index in zip(operator.parts, operator.inputs, strict=True):
        runs = operator_runs(part).moved(index, rows, places)
        rows, places = rows + part.n_out, places + len(runs.pool)
        found.append(runs)
    return RowRuns(
        *(
            np.concatenate([getattr(runs, key) for runs in found])
            for key in ("column", "start", "length", "place", "pool")
        )
    )


def selected_runs(operator: SparseAffine, outputs: np.ndarray) -> RowRuns:
    """Return the runs of some outputs of sparse rows, each run one entry."""
    counts = np.diff(operator.starts)[outputs]
    row = np.repeat(np.arange(len(outputs)), counts)
    inner = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    entry = operator.starts[:-1][outputs][row] + inner
    values = operator.values[entry]
    if operator.divisors is not None:
        values = values / operator.divisors[outputs][row]
    pool, place = np.unique(values, return_inverse=True)
    return RowRuns(operator.inputs[entry], row, np.ones(len(row), np.int64), place.reshape(-1), pool)


def repeated(runs: RowRuns, copies: int, rows: int) -> RowRuns:
    """Write the same runs several times, each time so many rows later: one copy for each breakpoint."""
    if copies == 1:
        return runs
    tiled = [np.tile(array, copies) for array in (runs.column, runs.start, runs.length, runs.place)]
    tiled[1] = tiled[1] + np.repeat(np.arange(copies) * rows, len(runs.start))
    return RowRuns(tiled[0], tiled[1], tiled[2], tiled[3], runs.pool)
