"""The memory that kernels ask for units with very many pieces, and what is told where it does not suffice."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

import plnet
from plnet.errors import OutOfMemoryError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.engines.cells import Cells
from plnet.regions.kernels import layout
from plnet.regions.kernels.spatial import layout as spatial_layout

MOST = 300e6
"""Bytes at the peak, address space included that was never written to."""


def many_pieces(n: int, d: int, behind: int = 16) -> tuple[PLNetwork, int]:
    """Return a unit with n breakpoints inside the box [-1, 1]^d, ReLU units behind it, and its regions."""
    rng = np.random.default_rng(0)
    points, slopes = np.sort(rng.uniform(-0.9, 0.9, n)), rng.uniform(0.5, 1.5, n + 1)
    unit = ScalarPWL.uniform(1, points.tolist(), slopes.tolist(), float(points[0]))
    row = np.zeros((1, d))
    row[0, 0] = 1.0
    # The function increases from below -2 to above 2, so that each of the units behind cuts once.
    inner = np.ones((behind, 1)), -np.linspace(-0.5, 0.5, behind)
    layers = (Affine(row, [0.0]), unit, Affine(*inner), ScalarPWL.relu(behind))
    return PLNetwork(layers, d), n + 1 + behind


def large_maximum(k: int, d: int) -> tuple[PLNetwork, int]:
    """Return the maximum of k tangents to a paraboloid; each of them is largest around its point."""
    points = np.random.default_rng(1).uniform(-1, 1, (k, d))
    layers = (Affine(2 * points, -(points**2).sum(axis=1)), GroupMax(np.arange(k)[None], k))
    return PLNetwork(layers, d), k


def global_pool(n: int) -> PLNetwork:
    """Return ReLU on n pixels, their maximum, and ReLU units behind it."""
    head = Affine(np.ones((4, 1)), -np.linspace(0.5, 2.0, 4))
    return PLNetwork((ScalarPWL.relu(n), GroupMax(np.arange(n)[None], n), head, ScalarPWL.relu(4)), n)


def peak_of(work) -> tuple[int, object]:
    """Return the highest number of bytes in use during a call, and what it returned."""
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("d", "verb"), [(1, plnet.count_regions), (2, plnet.enumerate_regions), (3, plnet.count_regions)]
)
def test_a_unit_of_two_thousand_breakpoints(d, verb):
    network, regions = many_pieces(2000, d)
    peak, found = peak_of(lambda: verb(network, plnet.Box(-1, 1)))
    assert (found.count if verb is plnet.count_regions else len(found)) == regions
    assert found.exact
    assert peak < MOST


@pytest.mark.parametrize("verb", [plnet.count_regions, plnet.enumerate_regions])
def test_a_global_pool_on_a_segment(verb):
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 784))
    network = global_pool(784)
    peak, found = peak_of(lambda: verb(network, plnet.Segment(start, end)))
    assert found.exact
    assert peak < MOST
    # Between two neighbouring places where a line of the network bends, a pattern is constant.
    zeros = [s / (s - e) for s, e in zip(start, end, strict=True) if s * e < 0]
    assert (found.count if verb is plnet.count_regions else len(found)) >= len(zeros) + 1


@pytest.mark.parametrize(("k", "d"), [(1000, 2), pytest.param(1000, 3, marks=pytest.mark.slow)])
def test_a_maximum_of_a_thousand(k, d):
    network, regions = large_maximum(k, d)
    peak, found = peak_of(lambda: plnet.count_regions(network, plnet.Box(-1, 1)))
    assert found == regions
    assert found.exact
    assert peak < MOST


SMALLEST = {
    "frames": 2,
    "poly": 20,
    "edges": 20,
    "tight": 20,
    "pending": 4,
    "acc": 4,
    "pieces": 4,
    "tables": 64,
}
SMALLEST |= {"records": 16, "codes": 16, "values": 16, "signs": 16, "below": 16, "below_tight": 16}
SMALLEST |= {"scratch": 16, "scratch_edges": 16, "scratch_tight": 16}


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("units", ["relu", "maxima"])
def test_arenas_that_start_too_small_change_nothing(d, units, monkeypatch):
    def shrunk(layout):
        made = layout.new_state

        def small(*arguments):
            state = made(*arguments)
            cut = {name: getattr(state, name) for name in SMALLEST if name in state._fields}
            wide = {name for name, array in cut.items() if array.ndim > 1 and len(array) == 2}
            return state._replace(
                **{
                    name: np.ascontiguousarray(
                        array[:, : SMALLEST[name]] if name in wide else array[: SMALLEST[name]]
                    )
                    for name, array in cut.items()
                }
            )

        monkeypatch.setattr(layout, "new_state", small)

    rng = np.random.default_rng(d)
    first = Affine(rng.normal(size=(12, d)), rng.normal(size=12))
    unit = ScalarPWL.relu(12) if units == "relu" else GroupMax(np.arange(12).reshape(3, 4), 12)
    second = Affine(rng.normal(size=(4, unit.n_out)), rng.normal(size=4))
    network = PLNetwork((first, unit, second, ScalarPWL.relu(4)), d)
    expected = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    shrunk(layout)
    shrunk(spatial_layout)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1), engine="line" if d == 1 else "cells")
    np.testing.assert_array_equal(found.patterns, expected.patterns)
    assert plnet.count_regions(network, plnet.Box(-1, 1), engine=found.engine) == len(expected)


@dataclass(frozen=True)
class NoMemory(Cells):
    """An engine that runs out of memory."""

    def run(self, problem, control, store):
        np.empty(1 << 57)


@pytest.mark.parametrize(
    ("verb", "advice"), [(plnet.count_regions, "smaller domain"), (plnet.enumerate_regions, "Count instead")]
)
def test_too_little_memory_is_a_sentence(verb, advice):
    network, _ = many_pieces(3, 2)
    with pytest.raises(OutOfMemoryError, match=advice) as caught:
        verb(network, plnet.Box(-1, 1), engine=NoMemory())
    assert isinstance(caught.value, plnet.errors.PLNetError)
    assert isinstance(caught.value, MemoryError)
