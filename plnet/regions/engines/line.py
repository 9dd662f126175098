"""`line`: regions on a segment, a ray or the whole line, d = 1.

A segment is a strip of height 1 on which nothing depends on the second coordinate: every
wall is a vertical line, every region a rectangle. So the planar kernel sorts the
breakpoints, with the same certified signs and the same way into rationals.
A region costs O(n) in the width n of the layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plnet.errors import DimensionError
from plnet.geometry.cells import AT_INFINITY, Cell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix
from plnet.regions.control import Control
from plnet.regions.engines.base import Tally
from plnet.regions.engines.cells import Cells
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["Line"]


@dataclass(frozen=True)
class Line(Cells):
    """Intervals between certified breakpoints; options as for `Cells`."""

    name: str = "line"

    def check(self, problem: Problem) -> None:
        """Raise if the domain is not one-dimensional."""
        if problem.dim != 1:
            raise DimensionError(
                f'The engine "line" works in dimension 1, the domain has dimension {problem.dim}. '
                + (
                    'Use engine="cells".'
                    if problem.dim == 2
                    else "Take a Segment between two points of interest."
                )
            )

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Find all regions; put them into `store` if there is one."""
        problem.root  # noqa: B018 - an empty domain is reported in its own coordinates
        strip = Problem(problem.network, _strip(problem.chart))
        projected = None if store is None else _ProjectedStore(store, len(problem.chart.facet_names))
        return super().run(strip, control, projected)


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
        self.add_block(found.patterns, found.vertices, found.errors, found.facets, np.diff(found.starts))

    def add_block(
        self,
        patterns: np.ndarray,
        vertices: np.ndarray,
        errors: np.ndarray,
        facets: np.ndarray,
        sizes: np.ndarray,
    ) -> None:
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
        self._target.add_block(patterns, rows, errors[ends, :1], names, np.full(len(sizes), 2))
