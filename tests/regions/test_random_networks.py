"""Random small networks, half of them in special position, against the oracle: counts and patterns."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import wild_networks
from degenerate import FAMILIES, draw_case
from helpers import expected_patterns, oracle_dimension, pattern_set, proper, to_network
from sizes import few

import plnet

CHUNKS, PER_CHUNK = 10, 45


def _check(layers, domain, input_dim=None, largest=400):
    network = to_network(layers, input_dim)
    count = plnet.count_regions(network, domain)
    assert count.exact
    if count.count > largest:
        return count
    found = plnet.enumerate_regions(network, domain)
    assert found.exact
    assert pattern_set(found.patterns) == expected_patterns(layers, domain, input_dim)
    assert len(found) == count.count
    assert len(pattern_set(found.patterns)) == len(found)
    return count


@pytest.mark.parametrize("chunk", few(range(CHUNKS), 3))
def test_boxes(chunk: int):
    rng = np.random.default_rng([11, chunk])
    fallbacks = 0
    for i in range(PER_CHUNK):
        family = FAMILIES[(i // 2) % len(FAMILIES)] if i % 2 else None
        layers, low, high = draw_case(rng, family)
        fallbacks += _check(layers, plnet.Box(low, high)).n_fallbacks
    assert fallbacks > 0


@pytest.mark.parametrize("chunk", few(range(CHUNKS // 2), 2))
def test_all_of_space(chunk: int):
    rng = np.random.default_rng([12, chunk])
    for i in range(PER_CHUNK):
        layers, _, _ = draw_case(rng, FAMILIES[(i // 2) % len(FAMILIES)] if i % 2 else None)
        _check(layers, None)


@pytest.mark.parametrize("chunk", few(range(CHUNKS), 3))
def test_every_shape_of_network_and_domain(chunk: int):
    rng = np.random.default_rng([13, chunk])
    for _ in range(PER_CHUNK):
        domain, input_dim = wild_networks.wild_domain(rng, int(rng.integers(1, 3)))
        _check(wild_networks.wild_network(rng, input_dim), domain, input_dim)


@pytest.mark.parametrize("number", few([30, 100], 1))
def test_the_rational_engine(number):
    rng = np.random.default_rng(14)
    for i in range(number):
        layers, low, high = draw_case(rng, FAMILIES[(i // 2) % len(FAMILIES)] if i % 2 else None)
        found = plnet.enumerate_regions(to_network(layers), plnet.Box(low, high), engine="rational")
        assert pattern_set(found.patterns) == proper(layers, oracle.patterns(layers, low, high))


@pytest.mark.parametrize("number", few([20, 60], 1))
def test_threads(number):
    rng = np.random.default_rng(15)
    for i in range(number):
        layers, low, high = draw_case(rng, FAMILIES[(i // 2) % len(FAMILIES)] if i % 2 else None)
        network, domain = to_network(layers), plnet.Box(low, high)
        for jobs in (2, 3):
            found = plnet.enumerate_regions(network, domain, n_jobs=jobs)
            count = plnet.count_regions(network, None, n_jobs=jobs)
            assert pattern_set(found.patterns) == expected_patterns(layers, domain)
            assert count == len(oracle.patterns_everywhere(layers, oracle_dimension(layers)))
