"""Random convolutional stacks with pools: every engine and measure against the oracle and each other."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import oracle
import pytest
import torch
from convolutional_stacks import SHAPES, draw_stack, raw_layers
from engine_contract import (
    DIMENSIONS,
    Case,
    check_adjacency,
    check_halfspaces,
    check_locate_on_walls,
    check_maps,
    check_points,
    check_regions,
    check_volumes,
)
from helpers import expected_patterns, pattern_set, proper
from torch import nn

import plnet
from plnet.ir import PLNetwork, as_network
from plnet.regions.engines.splitting.plan import prepare
from plnet.regions.kernels.layout import WEIGHT0
from plnet.regions.problem import Problem

ENGINES = ("cells", "search", "rational")
BOX = plnet.Box(-1, 1)
MOST = {1: 200, 2: 200, 3: 200, 4: 120, 6: 100}
"""Regions of a drawn network at most, because the rational engine and the oracle are slow."""


def draw(d: int, seed: int) -> tuple[list, PLNetwork]:
    """Return the first network of a stream that has several regions and not too many: raw layers, network."""
    rng = np.random.default_rng([17, d, seed])
    while True:
        shape = SHAPES[d][int(rng.integers(len(SHAPES[d])))]
        module = draw_stack(rng, shape)
        network = as_network(module, shape)
        count = plnet.count_regions(network, BOX, engine="search", max_regions=MOST[d])
        if count.complete and count.count > 1:
            return raw_layers(module, shape), network


def sampled_patterns(layers: list, d: int, n: int) -> set:
    """Return the distinct patterns of random points, straight from the definitions."""
    points = np.random.default_rng(0).uniform(-1, 1, (n, d)).tolist()
    return proper(layers, {oracle.evaluate(layers, point)[1] for point in points})


def pool_behind_a_convolution(seed: int) -> tuple[list, PLNetwork]:
    """Return a convolution, ReLU, a convolution and a maximum on 2 x 2 pixels."""
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.MaxPool2d(2), nn.Flatten())
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return raw_layers(module, (1, 2, 2)), as_network(module, (1, 2, 2))


def check_space(layers: list, network: PLNetwork, d: int) -> dict:
    """Compare the engines with each other and with a sample; return what they found."""
    found = {engine: plnet.enumerate_regions(network, BOX, engine=engine) for engine in ENGINES}
    patterns = {engine: pattern_set(one.patterns) for engine, one in found.items()}
    assert patterns["cells"] == patterns["search"] == patterns["rational"]
    for engine, one in found.items():
        assert one.exact
        count = plnet.count_regions(network, BOX, engine=engine)
        assert int(count) == len(one) == len(patterns[engine])
        assert count.exact
    assert sampled_patterns(layers, d, 200) <= patterns["cells"]
    return found


def seeds(n: int, quick: tuple[int, ...]) -> list:
    """Return seeds as parameters, slow unless their networks have few regions."""
    return [pytest.param(seed, marks=() if seed in quick else pytest.mark.slow) for seed in range(n)]


@pytest.mark.parametrize("seed", seeds(10, (3, 4, 5)))
@pytest.mark.parametrize("d", [3, 4, 6])
def test_engines_agree_in_space(d, seed):
    check_space(*draw(d, seed), d)


@pytest.mark.parametrize("seed", seeds(10, (4, 5, 7)))
def test_a_pool_behind_a_second_convolution(seed):
    layers, network = pool_behind_a_convolution(seed)
    found = check_space(layers, network, 4)
    for one in found.values():
        assert one.volumes.sum() == pytest.approx(16, rel=1e-9)


@pytest.mark.parametrize(
    ("engine", "d"), [(engine, d) for engine, dimensions in DIMENSIONS.items() for d in dimensions]
)
@pytest.mark.parametrize("seed", range(3))
def test_contract(engine, d, seed):
    layers, network = draw(d, seed)
    count = len(expected_patterns(layers, BOX, d))
    case = Case("stack", layers, BOX, d, count, network)
    found = check_regions(case, engine)
    check_volumes(found)
    check_points(found)
    check_maps(case, found)
    check_halfspaces(found)
    check_adjacency(found)
    check_locate_on_walls(found)


@pytest.mark.parametrize("seed", seeds(4, (0, 2)))
@pytest.mark.parametrize("d", [2, 3, 4])
def test_extrema_are_attained_and_not_exceeded(d, seed):
    layers, network = draw(d, seed)
    points = np.random.default_rng(1).uniform(-1, 1, (100, d)).tolist()
    values = [oracle.evaluate(layers, point)[0][0] for point in points]
    results = []
    for engine in ENGINES:
        extrema = plnet.enumerate_regions(network, BOX, engine=engine).extrema(0)
        for end in (extrema.minimum, extrema.maximum):
            assert all(-1 <= x <= 1 for x in end.input)
            assert oracle.evaluate(layers, end.input)[0][0] == end.value
        assert extrema.minimum.value <= min(values)
        assert max(values) <= extrema.maximum.value
        results.append((extrema.minimum.value, extrema.maximum.value))
    assert len(set(results)) == 1


MEASURES = {
    "faces": lambda f: f.face_counts(),
    "layers": lambda f: [int(count) for count in f.counts_by_layer()],
    "slopes": lambda f: [(k.lower, k.upper) for k in map(f.lipschitz, (1, 2, np.inf))],
    "open": lambda f: int(f.count("open")),
    "closed": lambda f: int(f.count("closed")),
    "affine": lambda f: int(f.count("affine")),
    "all patterns": lambda f: int(f.count("all_patterns")),
    "convex": lambda f: (f.count("convex").lower, f.count("convex").upper),
    "degenerate": lambda f: len(f.degeneracies().faces),
    "level set": lambda f: len(f.level_set(0, 0)),
    "boundary": lambda f: len(f.decision_boundary()),
    "certificate": lambda f: len(f.certificate()),
    "neighbours": lambda f: f.adjacency.nnz,
}
"""Numbers that do not depend on the order of the regions."""


@pytest.mark.parametrize("seed", seeds(3, (0,)))
@pytest.mark.parametrize("d", [2, 3, 4])
def test_measures_do_not_depend_on_the_engine(d, seed):
    layers, network = draw(d, seed)
    found = [plnet.enumerate_regions(network, BOX, engine=engine) for engine in ENGINES]
    for name, measure in MEASURES.items():
        values = [measure(one) for one in found]
        assert values[0] == values[1] == values[2], name
    for one in found:
        assert one.volumes.sum() == pytest.approx(2**d, rel=1e-9)
        assert one.locate(one.points).tolist() == list(range(len(one)))
        for point, pattern in zip(one.points.tolist(), one.patterns.tolist(), strict=True):
            exact = [Fraction(x) for x in point]
            assert proper(layers, [oracle.evaluate(layers, exact)[1]]) == {tuple(pattern)}


@pytest.mark.parametrize("seed", range(3))
def test_maps_between_convolutions_are_what_the_kernel_reads(seed):
    # In space the kernel reads matrices only; a map that is stored in another way would be read as no map.
    module = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten())
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    network = as_network(module, (1, 2, 2))
    prepared = prepare(Problem(network, BOX.chart(4)))
    matrix = network.layers[2].weight
    stored = prepared.plan.weights[0][prepared.plan.layers[1, WEIGHT0] :].reshape(matrix.T.shape)
    np.testing.assert_array_equal(stored, matrix.T)
    check_space(raw_layers(module, (1, 2, 2)), network, 4)
