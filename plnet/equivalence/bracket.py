"""Branch and bound: certified bounds of the largest absolute output, the longer it runs the closer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from plnet.budgets import STOPS
from plnet.equivalence.combinations import combination_of_row
from plnet.equivalence.pruning import exact_layer
from plnet.equivalence.relaxation import upper_bounds
from plnet.equivalence.sampling import axis_bounds, bounding_box
from plnet.geometry.domain import Chart
from plnet.ir.layers import Affine
from plnet.ir.network import UNIT_ROUNDOFF, PLNetwork
from plnet.regions.control import Control

__all__ = ["Bracket", "branch_and_bound"]

_BATCH, _NUMBERS, _PRODUCTS = 256, 1 << 22, 1 << 27
"""Most boxes, numbers and products between two looks at the budget."""
_TOLERANCE = 1e-9
"""Boxes whose bound exceeds a value that is attained by less are not split."""


@dataclass(frozen=True)
class Bracket:
    """What branch and bound found.

    Parameters
    ----------
    upper : float
        No output is larger in absolute value; inf if nothing is known.
    point : tuple of Fraction or None
        Coordinates t of a point where a large value was seen.
    n_boxes : int
    """

    upper: float
    point: tuple[Fraction, ...] | None
    n_boxes: int


def branch_and_bound(network: PLNetwork, chart: Chart, control: Control, lower: float) -> Bracket:
    """Bound the largest absolute output of a network on a bounded domain.

    Parameters
    ----------
    network : PLNetwork
        Continuous.
    chart : Chart
    control : Control
        Its count is that of boxes; looked at between batches.
    lower : float
        A value that is attained.

    Returns
    -------
    Bracket
        After Ctrl-C with what is known until then.

    Notes
    -----
    Each batch costs O(boxes m weights). The best bound is split first, across the axis along
    which it falls most.
    """
    box = bounding_box(chart)
    inputs = exact_layer(
        [combination_of_row(row, chart.embedding.denominator) for row in chart.embedding.integers.tolist()],
        chart.dim,
    )
    if box is None or inputs is None:
        return Bracket(math.inf, None, 0)
    local = replace(network, layers=(inputs, *network.layers), input_dim=chart.dim, input_shape=None)
    search = None
    try:
        with control.deadline.running():
            search = _Search(local, chart, lower, *box)
            while search.step() and not control.spent(search.n_boxes):
                pass
    except STOPS as stop:
        control.stopped(stop)
    if search is None:
        return Bracket(math.inf, None, 0)
    return Bracket(search.upper, search.point, search.n_boxes)


class _Search:
    """The boxes that are left."""

    def __init__(self, network: PLNetwork, chart: Chart, lower: float, low: np.ndarray, high: np.ndarray):
        self._network = network
        self._facets = None if axis_bounds(chart)[2] else chart.facets.to_float()
        self._attained = lower
        self._low, self._high = low[None], high[None]
        widest = max(layer.n_out for layer in network.layers)
        products = sum(layer.n_in * layer.n_out for layer in network.layers if isinstance(layer, Affine))
        rows = 2 * network.output_dim
        self._batch = max(1, min(_BATCH, _NUMBERS // (rows * widest), _PRODUCTS // (rows * max(1, products))))
        self._bounds, self._slopes = self._bounded(self._low, self._high)
        self._settled = 0.0
        self.point: tuple[Fraction, ...] | None = None
        self.n_boxes = 1

    @property
    def upper(self) -> float:
        """The bound proved so far."""
        return max(self._settled, float(self._bounds.max(initial=0.0)))

    def step(self) -> bool:
        """Split the boxes with the largest bounds; return whether any are left that matter."""
        order = np.argsort(-self._bounds)
        now, later = order[: self._batch], order[self._batch :]
        low, high, thin = _halved(self._low[now], self._high[now], self._slopes[now])
        # A box that floats cannot split keeps its bound.
        self._settled = max(self._settled, float(self._bounds[now][thin].max(initial=0.0)))
        keep = ~np.tile(thin, 2) & self._meets(low, high)
        low, high = low[keep], high[keep]
        self._look_at((low + high) / 2)
        bounds, slopes = self._bounded(low, high)
        parents = np.tile(self._bounds[now], 2)[keep]
        bounds = np.minimum(bounds, parents)
        self._low, self._high = (
            np.concatenate([self._low[later], low]),
            np.concatenate([self._high[later], high]),
        )
        self._bounds = np.concatenate([self._bounds[later], bounds])
        self._slopes = np.concatenate([self._slopes[later], slopes])
        self.n_boxes += len(low)
        self._settle()
        return len(self._bounds) > 0

    def _settle(self) -> None:
        """Put boxes aside that cannot hold more than what is attained."""
        done = self._bounds <= self._attained * (1 + _TOLERANCE)
        if done.any():
            self._settled = max(self._settled, float(self._bounds[done].max()))
            left = ~done
            self._low, self._high = self._low[left], self._high[left]
            self._bounds, self._slopes = self._bounds[left], self._slopes[left]

    def _bounded(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            bounds, slopes = upper_bounds(self._network, low, high)
        return np.where(np.isnan(bounds), np.inf, bounds), np.nan_to_num(slopes, posinf=1.0)

    def _meets(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return which boxes may meet the domain."""
        if self._facets is None:
            return np.ones(len(low), dtype=bool)
        normals, offsets = self._facets[:, :-1], self._facets[:, -1]
        centre, radius = (low + high) / 2, (high - low) / 2
        size = (np.abs(centre) + radius) @ np.abs(normals).T + np.abs(offsets)
        most = centre @ normals.T + radius @ np.abs(normals).T + offsets
        return (most + 8 * (low.shape[1] + 4) * UNIT_ROUNDOFF * size >= 0).all(axis=1)

    def _look_at(self, centres: np.ndarray) -> None:
        if self._facets is not None:
            centres = centres[(centres @ self._facets[:, :-1].T + self._facets[:, -1] > 0).all(axis=1)]
        if not len(centres):
            return
        values, radius = self._network.evaluate_with_error(centres)
        sure = (np.abs(values) - radius).max(axis=1)
        best = int(sure.argmax())
        if sure[best] > self._attained:
            self._attained = float(sure[best])
            self.point = tuple(map(Fraction, centres[best].tolist()))


def _halved(
    low: np.ndarray, high: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Halve boxes across the axis along which a bound falls most; the third entry says which are too thin."""
    rows, width = np.arange(len(low)), high - low
    axis = (width * (slopes + 1e-3 * slopes.max(axis=1, keepdims=True) + 1e-300)).argmax(axis=1)
    middle = low[rows, axis] / 2 + high[rows, axis] / 2
    thin = ~((low[rows, axis] < middle) & (middle < high[rows, axis]))
    first, second = high.copy(), low.copy()
    first[rows, axis], second[rows, axis] = middle, middle
    return np.concatenate([low, second]), np.concatenate([first, high]), thin
