"""Domains that contain lines along which nothing changes: fewer coordinates are enough.

On all of R^n a network sees its input only through the rows of its first layer (and the sides of
the domain). If these have rank r < n, some r coordinates carry them all: setting the others to
zero meets every region, and every region is a product of its section and R^(n - r).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix
from plnet.geometry.linear import pivot_columns
from plnet.regions.cells.facets import common_lines
from plnet.regions.leaves import LeafBlock, LeafStore
from plnet.regions.problem import Problem

__all__ = ["PaddedStore", "without_lines"]


def without_lines(problem: Problem) -> tuple[Problem, list[int]] | None:
    """Return the problem in as few coordinates as carry everything, and which; None if it needs all.

    Costs one exact elimination of the first layer's forms.
    """
    if not getattr(problem.root, "lines", ()) or not problem.blocks:
        return None
    linear = [forms.integers[:, :-1] for forms in (problem.forms(()), problem.chart.facets)]
    columns = pivot_columns(RationalMatrix(np.concatenate(linear)))
    if len(columns) in (0, problem.dim):
        return None
    kept = [*columns, problem.dim]
    chart = problem.chart
    smaller = Chart(
        RationalMatrix(chart.embedding.integers[:, kept], chart.embedding.denominator),
        RationalMatrix(chart.facets.integers[:, kept], chart.facets.denominator),
        chart.facet_names,
    )
    return Problem(problem.network, smaller), columns


class PaddedStore(LeafStore):
    """Puts regions of the smaller problem into the store of the whole one.

    Parameters
    ----------
    target : LeafStore
    problem : Problem
        The whole one.
    columns : list of int
        Its coordinates that the smaller problem has.
    """

    def __init__(self, target: LeafStore, problem: Problem, columns: list[int]) -> None:
        super().__init__(target.network, len(columns))
        self._target = target
        self._kept = [*columns, problem.dim]
        target.lines = common_lines(problem)

    def add(self, block: LeafBlock) -> None:
        """Store a block; rings of dimension 1 or 2 with the incidence that follows from their order."""
        # The coordinates that are not looked at are zero.
        padded = np.zeros((len(block.vertices), self._target.dim + 1))
        padded[:, self._kept] = block.vertices
        wide = np.zeros((len(block.vertices), self._target.dim))
        wide[:, self._kept[:-1]] = block.errors
        tight = self._incidence(block.sizes) if block.tight is None else block.tight
        self._target.add(replace(block, vertices=padded, errors=wide, tight=tight))

    def _incidence(self, sizes: np.ndarray) -> np.ndarray:
        starts = np.cumsum([0, *sizes])
        position = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
        words = 1 + int(sizes.max(initial=1) - 1) // 64
        tight = np.zeros((len(position), words), np.uint64)
        neighbours = [position]
        if self.dim == 2:
            neighbours.append(np.where(position > 0, position, np.repeat(sizes, sizes)) - 1)
        for bit in neighbours:
            tight[np.arange(len(bit)), bit // 64] |= np.uint64(1) << (bit % 64).astype(np.uint64)
        return tight
