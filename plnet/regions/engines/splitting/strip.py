"""One-dimensional domains as strips of height 1 on which nothing depends on the second coordinate.

Every wall is a vertical line, every region a rectangle.
"""

from __future__ import annotations

import numpy as np

from plnet.geometry.cells import AT_INFINITY, Cell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix
from plnet.regions.leaves import LeafBlock, LeafStore
from plnet.regions.problem import Problem

__all__ = ["on_strip"]


def on_strip(problem: Problem, store: LeafStore | None) -> tuple[Problem, LeafStore | None]:
    """Return a one-dimensional problem on its strip, and a store that turns rectangles into intervals."""
    problem.root  # noqa: B018 - an empty domain is reported in its own coordinates
    projected = None if store is None else _ProjectedStore(store, len(problem.chart.facet_names))
    return Problem(problem.network, _strip(problem.chart)), projected


def _strip(chart: Chart) -> Chart:
    """Return the product of a one-dimensional chart and [0, 1]."""
    height = RationalMatrix(np.array([[0, 1, 0], [0, -1, 1]], dtype=object) * chart.facets.denominator)
    rows = np.concatenate([_with_zero_column(chart.facets.integers), height.integers])
    return Chart(
        RationalMatrix(_with_zero_column(chart.embedding.integers), chart.embedding.denominator),
        RationalMatrix(rows, chart.facets.denominator),
        (*chart.facet_names, "strip >= 0", "strip <= 1"),
    )


def _with_zero_column(rows: np.ndarray) -> np.ndarray:
    zeros = np.zeros((len(rows), 1), dtype=object)
    return np.concatenate([rows[:, :1], zeros, rows[:, 1:]], axis=1)


class _ProjectedStore(LeafStore):
    """Turns the rectangles of the strip into intervals on the way into a store."""

    def __init__(self, target: LeafStore, n_facets: int) -> None:
        super().__init__(target.network, 2)
        self._target = target
        self._n_facets = n_facets

    def add_cell(self, pattern: np.ndarray, cell: Cell) -> None:
        single = LeafStore(self.network, 2)
        single.add_cell(pattern, cell)
        found = single.arrays()
        assert found.errors is not None
        sizes = np.diff(found.starts)
        self.add(LeafBlock(found.patterns, found.vertices, found.errors, found.facets, sizes))

    def add(self, block: LeafBlock) -> None:
        vertices, facets, sizes = block.vertices, block.facets, block.sizes
        region = np.repeat(np.arange(len(sizes)), sizes)
        far = vertices[:, 2] == 0
        across = (facets[:, 0] >= 0) | ((facets[:, 0] == -1) & (facets[:, 1] < self._n_facets))
        place = np.where(far, np.copysign(np.inf, vertices[:, 0]), vertices[:, 0])
        chosen = np.flatnonzero(far | across)
        chosen = chosen[np.lexsort((place[chosen], region[chosen]))]
        # Between the first and the last candidate of a region there are only repetitions of them.
        first = np.searchsorted(region[chosen], np.arange(len(sizes)))
        last = np.searchsorted(region[chosen], np.arange(len(sizes)), side="right") - 1
        ends = chosen[np.stack([first, last], axis=1).ravel()]
        rows = np.stack([np.where(far[ends], np.sign(place[ends]), place[ends]), ~far[ends]], axis=1)
        names = np.where(far[ends, None], np.array(AT_INFINITY), facets[ends])
        pairs = np.full(len(sizes), 2)
        self._target.add(LeafBlock(block.patterns, rows, block.errors[ends, :1], names, pairs))
