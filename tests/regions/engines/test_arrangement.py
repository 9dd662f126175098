"""The engine `arrangement` against engines that visit every region, closed numbers, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from degenerate import FAMILIES, degenerate_network, generic_network
from helpers import cross, he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st

import plnet
from plnet.bounds import families, whitney_sum, zaslavsky
from plnet.errors import DomainError, EngineError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.networks import one_hidden_layer
from plnet.regions.engines.closed.arrangement import ArrangementCount, layer_arrangement
from plnet.regions.problem import Problem

ENGINE = ArrangementCount()
BEHIND_SCALARS = [
    ([0], [0, 1], 0),
    ([0], [-1, 1], 0),
    ([-1, 1], [0, 1, 0], -1),
    ([0], [1, 1], 0),
    ([-0.5, 0, 2], [1, 0, 2, 1], 0),
    ([], [1], 0),
]
"""ReLU, absolute value, hard tanh, a unit whose pieces do not differ, four pieces, no breakpoint."""


@st.composite
def one_layer(draw):
    """Draw a layer on R or R^2: small integers or floats, any scalar units, or maxima of at most two."""
    d, n = draw(st.integers(1, 2)), draw(st.integers(1, 6))
    number = st.integers(-2, 2) if draw(st.booleans()) else st.floats(-4, 4, allow_nan=False)
    row = st.lists(number, min_size=d, max_size=d)
    if draw(st.booleans()):
        layer = ("scalar", draw(st.lists(st.sampled_from(BEHIND_SCALARS), min_size=n, max_size=n)))
        size = n
    else:
        size = 2 * n
        place = st.integers(0, size - 1)
        layer = ("max", draw(st.lists(st.lists(place, min_size=1, max_size=2), min_size=n, max_size=n)))
    weight = draw(st.lists(row, min_size=size, max_size=size))
    bias = draw(st.lists(number, min_size=size, max_size=size))
    return [("affine", weight, bias), layer]


@given(one_layer())
@settings(max_examples=80)
def test_agrees_with_rational(layers):
    network = to_network(layers)
    count = plnet.count_regions(network, engine=ENGINE)
    assert count.exact
    assert count == plnet.count_regions(network, engine="rational")


def first_layer(layers):
    """Return the first hidden layer of a raw network if the engine can take it."""
    _, (kind, groups) = layers[:2]
    return None if kind == "max" and max(map(len, groups)) > 2 else layers[:2]


@pytest.mark.parametrize("family", [*FAMILIES, None])
def test_agrees_with_line_and_cells(family, rng):
    found = 0
    while found < 12:
        layers = generic_network(rng) if family is None else degenerate_network(rng, family)
        layers = first_layer(layers)
        if layers is not None:
            network = to_network(layers)
            assert plnet.count_regions(network, engine=ENGINE) == plnet.count_regions(network)
            found += 1


@pytest.mark.parametrize(("units", "d"), [(5, 1), (12, 2), (9, 4), (12, 6), (6, 9), (40, 2)])
def test_general_position(units, d):
    count = plnet.count_regions(he_network((d, units, 1), 0), engine=ENGINE)
    assert count == zaslavsky(units, d)
    assert (count.engine, count.exact, count.complete, count.upper) == (
        "arrangement",
        True,
        True,
        count.count,
    )


@pytest.mark.parametrize("name", ["type_b", "type_d", "shi", "catalan", "resonance", "threshold"])
def test_families_as_networks(name):
    arrangement = getattr(families, name)(4)
    network = plnet.as_network(one_hidden_layer(arrangement))
    assert plnet.count_regions(network, engine=ENGINE) == arrangement.n_regions()
    problem = Problem(network, plnet.Space(network.input_dim).chart(network.input_dim))
    assert layer_arrangement(problem).betti_numbers() == arrangement.betti_numbers()


def test_hard_tanh_is_two_hyperplanes():
    weight = np.random.RandomState(0).randint(-9, 10, size=(5, 3))
    network = PLNetwork((Affine(weight, np.arange(5)), ScalarPWL.hardtanh(5, -1, 1)), 3)
    problem = Problem(network, plnet.Space(3).chart(3))
    arrangement = layer_arrangement(problem)
    assert len(arrangement) == 10
    assert plnet.count_regions(network, engine=ENGINE) == whitney_sum(arrangement)


def test_layers_of_one_piece_do_not_count():
    """Units that are carried along, constant units and affine layers behind are no hidden layers."""
    network = PLNetwork(
        (
            Affine([[1, 0], [0, 1]], [1, -1]),
            ScalarPWL.identity(2),
            Affine([[1, 1], [1, -1], [0, 0]], [0, 0, 1]),
            ScalarPWL.relu(3),
            Affine([[1, 1, 1]], [0]),
            ScalarPWL.identity(1),
        ),
        2,
    )
    assert plnet.count_regions(network, engine=ENGINE) == 4
    assert plnet.count_regions(PLNetwork((Affine([[1, 2]], [3]),), 2), engine=ENGINE) == 1


def test_maximum_of_two():
    network = PLNetwork((Affine(np.eye(3), np.zeros(3)), GroupMax([[0, 1], [1, 2], [0, 2], [1, 1]], 3)), 3)
    assert plnet.count_regions(network, engine=ENGINE) == 6


# What it refuses


@pytest.mark.parametrize("domain", [plnet.Box(-1, 1), plnet.Polytope([[1, 0]], [0])])
def test_bounded_domains(domain):
    with pytest.raises(DomainError, match='engine="cells"'):
        plnet.count_regions(cross(), domain, engine=ENGINE)


def test_two_hidden_layers():
    with pytest.raises(EngineError, match=r'2 layers whose units.*engine="search"'):
        plnet.count_regions(he_network((3, 2, 2, 1), 0), engine=ENGINE)


def test_maximum_of_three():
    network = PLNetwork((Affine(np.eye(3, 1), np.zeros(3)), GroupMax([[0, 1, 2]], 3)), 1)
    with pytest.raises(EngineError, match=r'a maximum of 3.*engine="line"'):
        plnet.count_regions(network, engine=ENGINE)


def test_it_cannot_enumerate():
    with pytest.raises(EngineError, match=r"does not visit them.*engine=\"cells\""):
        plnet.enumerate_regions(cross(), engine=ENGINE)


# Budgets

LARGE = he_network((12, 60, 1), 0)


@pytest.mark.parametrize("budget", [{"max_regions": 5000}, {"max_seconds": 0.2}])
def test_budgets(budget):
    count = plnet.count_regions(LARGE, engine=ENGINE, **budget)
    assert not count.complete
    assert not count.exact
    assert budget.get("max_regions", 60) <= count.lower < zaslavsky(60, 12) <= count.upper


def test_interruption():
    seen = []

    def report(regions):
        seen.append(regions)
        if regions > 2000:
            raise KeyboardInterrupt

    count = plnet.count_regions(LARGE, engine=ENGINE, progress=report)
    assert not count.complete
    assert 2000 < count.lower == seen[-1]
    assert seen == sorted(seen)


def test_a_large_budget_changes_nothing():
    network = one_hidden_layer(families.resonance(4))
    count = plnet.count_regions(network, engine=ENGINE, max_regions=10**6, max_seconds=1000.0)
    assert count.complete
    assert count == 370
