"""Every engine against every other, in the dimensions and on the domains that they share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import wild_networks
from helpers import pattern_set, to_network
from sizes import few

import plnet
from plnet.errors import DimensionError, DomainError, EngineError
from plnet.networks import mlp
from plnet.regions.engines.choice import engine_names

VISITING = ("line", "cells", "search", "rational")
"""Engines that can enumerate; the others only count."""


def results(network, domain, most=400):
    """Return the counts of all engines that take the problem, and the patterns of those that enumerate."""
    counts, patterns = {}, {}
    for engine in engine_names():
        try:
            count = plnet.count_regions(network, domain, engine=engine, max_regions=most)
        except (DimensionError, DomainError, EngineError):
            continue
        if not count.complete:
            return {}, {}
        assert count.exact
        counts[engine] = int(count)
        if engine in VISITING:
            found = plnet.enumerate_regions(network, domain, engine=engine)
            assert found.exact
            patterns[engine] = pattern_set(found.patterns)
            assert len(patterns[engine]) == len(found)
    return counts, patterns


def check(network, domain, at_least):
    counts, patterns = results(network, domain)
    assert len(set(counts.values())) <= 1, counts
    assert len({frozenset(found) for found in patterns.values()}) <= 1
    assert not counts or set(counts) >= set(at_least), counts
    return counts


@pytest.mark.parametrize("chunk", few(range(6), 3))
def test_networks_of_every_shape(chunk):
    rng = np.random.default_rng([31, chunk])
    compared = 0
    for _ in range(10):
        d = int(rng.integers(1, 5))
        domain, inputs = wild_networks.wild_domain(rng, d)
        network = to_network(wild_networks.wild_network(rng, inputs), inputs)
        at_least = ("line" if d == 1 else "cells", "search", "rational")
        compared += bool(check(network, domain, at_least))
    assert compared >= 5


def test_float32_weights():
    for seed in range(3):
        network = mlp([3, 5, 4, 1], rng=seed).float()
        assert next(network.parameters()).dtype == torch.float32
        check(network, plnet.Box(-2, 1), ("cells", "search", "rational"))
        check(network, None, ("cells", "search", "rational"))


def test_a_slice_of_three_dimensions_in_many():
    rng = np.random.default_rng(5)
    network = mlp([9, 6, 5, 2], rng=5)
    check(network, plnet.Slice.through(rng.normal(size=(4, 9)), margin=0.2), ("cells", "search", "rational"))
