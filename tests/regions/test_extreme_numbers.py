"""Weights and domains near the ends of the range of floating-point numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from helpers import pattern_set
from sizes import few

import plnet
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL


def _deep(seed: int, exponent: int, depth: int, width: int) -> PLNetwork:
    """Return a network whose layers behind the first are scaled by 2**exponent, which moves no wall."""
    rng = np.random.RandomState(seed)
    layers, fan_in = [], 2
    for i in range(depth):
        weight = rng.randn(width, fan_in) * (2.0**exponent if i else 1.0)
        bias = np.zeros(width) if i else 0.3 * rng.randn(width)
        layers += [Affine(weight, bias), ScalarPWL.leaky_relu(np.full(width, -0.7))]
        fan_in = width
    return PLNetwork(tuple(layers), 2)


@pytest.mark.parametrize("exponent", [-138, -134, -130, -60, 60, 120, 130, 140])
@pytest.mark.parametrize(("seed", "depth", "width"), [(0, 6, 6), (2, 6, 6), (14, 6, 6), (3, 5, 8)])
def test_scaling_a_layer_changes_nothing(exponent: int, seed: int, depth: int, width: int):
    want = plnet.count_regions(_deep(seed, 0, depth, width), plnet.Box(-1, 1))
    assert plnet.count_regions(_deep(seed, exponent, depth, width), plnet.Box(-1, 1)) == want


@pytest.mark.parametrize("exponent", [-400, 400])
def test_weights_beyond_the_range_of_the_kernel(exponent: int):
    want = plnet.count_regions(_deep(1, 0, 3, 4), plnet.Box(-1, 1))
    count = plnet.count_regions(_deep(1, exponent // 2, 3, 4), plnet.Box(-1, 1))
    assert count == want
    assert count.exact


def test_affine_layers_in_a_row_may_underflow():
    rng = np.random.RandomState(0)
    first = (Affine(rng.randn(4, 2), 0.2 * rng.randn(4)), ScalarPWL.relu(4))
    last = (Affine(rng.randn(4, 4), np.zeros(4)), ScalarPWL.relu(4))
    want = plnet.count_regions(PLNetwork((*first, *last), 2), plnet.Box(-1, 1))
    for scale in (2.0**-140, 2.0**140):
        between = [Affine(np.eye(4) * scale, np.zeros(4))] * 8
        assert plnet.count_regions(PLNetwork((*first, *between, *last), 2), plnet.Box(-1, 1)) == want


@pytest.mark.parametrize("size", [1e-200, 1e-300, 1e-310, 5e-324, 1e200])
def test_boxes_of_any_size(size: float):
    rng = np.random.RandomState(3)
    units = (ScalarPWL.leaky_relu(np.full(5, 0.01)), ScalarPWL.relu(5))
    layers = (Affine(rng.randn(5, 2), np.zeros(5)), units[0], Affine(rng.randn(5, 5), np.zeros(5)), units[1])
    network = PLNetwork(layers, 2)
    want = plnet.count_regions(network, plnet.Box(-1, 1))
    assert plnet.count_regions(network, plnet.Box(-size, size)) == want
    assert plnet.count_regions(network, plnet.Slice([0, 0], [[size, 0], [0, size]])) == want


@pytest.mark.parametrize("size", few([float(np.finfo(np.float64).max), 1e308, 1.7e308], 1))
@pytest.mark.parametrize("engine", ["auto", "rational", "search"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_boxes_near_the_largest_float_are_enumerated(size: float, engine: str, dim: int):
    # Without biases a network is the same on all scales.
    rng = np.random.RandomState(dim)
    layers = (Affine(rng.randn(5, dim), np.zeros(5)), ScalarPWL.relu(5))
    network = PLNetwork((*layers, Affine(rng.randn(4, 5), np.zeros(4)), ScalarPWL.relu(4)), dim)
    found = plnet.enumerate_regions(network, plnet.Box(-size, size), engine=engine)
    assert pattern_set(found.patterns) == pattern_set(
        plnet.enumerate_regions(network, plnet.Box(-1, 1)).patterns
    )
    assert (np.abs(found.points) <= size).all()
    np.testing.assert_array_equal(network.pattern_at(found.points / 2.0**1000), found.patterns)


def test_sizes_of_a_boundary_near_the_largest_float():
    layers = (Affine([[1.0, 0.0, 0.0]], [0.0]), ScalarPWL.relu(1))
    for size, expected in ((1e150, 4e300), (1.7e308, np.inf)):
        network = PLNetwork((*layers, Affine([[1.0]], [-size / 2])), 3)
        boundary = plnet.enumerate_regions(network, plnet.Box(-size, size)).decision_boundary()
        np.testing.assert_allclose(boundary.sizes, [expected], rtol=1e-12)


def test_a_slice_with_a_tiny_coordinate():
    rng = np.random.RandomState(3)
    network = PLNetwork((Affine(rng.randn(5, 2), rng.randn(5)), ScalarPWL.relu(5)), 2)
    slice_ = plnet.Slice([1e-310, 0.1], np.eye(2))
    assert plnet.count_regions(network, slice_) == plnet.count_regions(network, slice_, engine="rational")


def test_an_edge_that_misses_the_common_point_by_less_than_a_float():
    network = PLNetwork((Affine([[1, 2], [1, -3]], [0, 0]), ScalarPWL.relu(2)), 2)
    almost = plnet.Polytope([[1, 0], [0, 1], [0, -1], [-1e20, 0]], [1, 1, 1, 5e-324])
    exact = plnet.Polytope([[1, 0], [0, 1], [0, -1], [-1, 0]], [1, 1, 1, 0])
    assert plnet.count_regions(network, almost) == 4
    assert plnet.count_regions(network, exact) == 3


def test_thirds_as_coordinates():
    network = PLNetwork((Affine([[3, 0], [0, 3], [3, 3]], [-1, -1, -2]), ScalarPWL.relu(3)), 2)
    third = Fraction(1, 3)
    box = plnet.Slice([0, 0], [[1, 0], [0, 1]], np.array([0, 0]), np.array([third, 1], dtype=object))
    assert plnet.count_regions(network, box) == 3
    assert plnet.count_regions(network, plnet.Box(0, 1)) == 6


@pytest.mark.parametrize("k", [150, 200, 600])
def test_very_large_groups(k: int):
    rng = np.random.RandomState(0)
    network = PLNetwork((Affine(rng.randn(k, 2), 0.3 * rng.randn(k) - 1), GroupMax(np.arange(k)[None], k)), 2)
    count = plnet.count_regions(network, plnet.Box(-1, 1), max_seconds=20)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1), engine="rational")
    assert count == len(found)


def test_float32_subnormals():
    rng = np.random.RandomState(2)
    weight = (rng.randn(6, 2) * 1e-40).astype(np.float32).astype(np.float64)
    bias = (rng.randn(6) * 3e-41).astype(np.float32).astype(np.float64)
    network = PLNetwork(
        (Affine(weight, bias), ScalarPWL.relu(6), Affine(rng.randn(4, 6), np.zeros(4)), ScalarPWL.relu(4)), 2
    )
    a = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    b = plnet.enumerate_regions(network, plnet.Box(-1, 1), engine="rational")
    assert pattern_set(a.patterns) == pattern_set(b.patterns)
