"""`two_layer`: the closed count against the search, elimination, and a plain recomputation."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from helpers import expected_patterns, he_network, proper, to_network
from sign_tree import patterns

import plnet
from plnet.errors import EngineError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.engines.closed import two_layer
from plnet.regions.engines.closed.form import two_layers
from plnet.regions.engines.closed.two_layer import TwoLayer
from plnet.regions.engines.search import Search
from plnet.regions.problem import Problem

RELU = ([0], [0, 1], 0)


def _raw(rng: np.random.Generator, d: int, n1: int, n2: int, first=RELU, second=RELU) -> list:
    return [
        ("affine", rng.normal(size=(n1, d)).tolist(), rng.normal(size=n1).tolist()),
        ("scalar", [first] * n1),
        ("affine", rng.normal(size=(n2, n1)).tolist(), rng.normal(size=n2).tolist()),
        ("scalar", [second] * n2),
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("d", "n1", "n2"), [(1, 1, 3), (2, 2, 4), (3, 3, 3), (4, 3, 4), (5, 2, 5)])
def test_against_elimination(d, n1, n2, seed):
    layers = _raw(np.random.default_rng([seed, d]), d, n1, n2)
    count = plnet.count_regions(to_network(layers), engine=TwoLayer())
    assert count == len(proper(layers, patterns(layers, d)))
    assert count.exact
    assert count.engine == "two_layer"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (([0.5], [0, 1], 0.25), RELU),
        (([0], [-2.0, 0.0], 1.0), ([0], [0.1, 1], 0)),
        (([0], [0, 1], 0), ([-1, 1], [0, 1, 0], -1)),
        (([0], [0, 0.3], 0), ([-0.3, 0.1, 0.7], [0.2, -1.1, 0.4, 2.0], 0.05)),
    ],
    ids=["shifted", "mirrored", "hardtanh behind", "three breakpoints behind"],
)
def test_other_units(first, second):
    for seed in range(3):
        layers = _raw(np.random.default_rng(seed), 3, 3, 3, first, second)
        assert plnet.count_regions(to_network(layers), engine=TwoLayer()) == len(
            proper(layers, patterns(layers, 3))
        )


def test_maxout_of_two_pieces_behind():
    rng = np.random.default_rng(1)
    layers = [*_raw(rng, 3, 3, 6)[:3], ("max", [[0, 1], [2, 3], [4, 5]])]
    count = plnet.count_regions(to_network(layers), engine=TwoLayer())
    assert count == len(proper(layers, patterns(layers, 3)))


@pytest.mark.parametrize("seed", range(3))
def test_against_the_search(seed):
    network = he_network((10, 6, 7, 1), seed)
    count = plnet.count_regions(network, engine=TwoLayer())
    assert count == plnet.count_regions(network, engine=Search())
    assert count.exact
    assert plnet.count_regions(network, engine=TwoLayer(), n_jobs=2) == count


@pytest.mark.slow
def test_published_size_against_the_search():
    network = he_network((20, 11, 11, 1), 0)
    assert plnet.count_regions(network, engine=TwoLayer()) == plnet.count_regions(network, engine=Search())


def test_more_inputs_than_units_change_nothing():
    small, large = he_network((5, 5, 6, 1), 3), he_network((5, 5, 6, 1), 3)
    rng = np.random.default_rng(0)
    first = large.layers[0]
    wide = PLNetwork((Affine(rng.normal(size=(5, 300)), first.bias), *large.layers[1:]), 300)
    assert plnet.count_regions(wide, engine=TwoLayer()) == plnet.count_regions(small, engine=TwoLayer())


DEGENERATE = ["zero bias", "repeated", "parallel", "integers", "dead", "concurrent", "zero weights"]


@pytest.mark.parametrize("kind", DEGENERATE)
@pytest.mark.parametrize("seed", range(3))
def test_degenerate_networks(kind, seed):
    rng = np.random.default_rng([seed, len(kind)])
    W, b = rng.normal(size=(4, 3)), rng.normal(size=4)
    if kind == "zero bias":
        b = 0 * b
    if kind == "repeated":
        W[1], b[1] = -2 * W[0], -2 * b[0]
    if kind == "parallel":
        W[1] = -4 * W[0]
    if kind == "integers":
        W, b = rng.integers(-2, 3, (4, 3)), rng.integers(-2, 3, 4)
    if kind == "dead":
        W[:, 1] = 0
    if kind == "concurrent":
        W = np.round(W * 16) / 16
        b = -W @ np.array([0.5, 0.25, 1.5])
    if kind == "zero weights":
        W[2] = 0
    layers = [
        ("affine", rng.normal(size=(3, 3)).tolist(), rng.normal(size=3).tolist()),
        ("scalar", [RELU] * 3),
        ("affine", np.asarray(W, float).tolist(), np.asarray(b, float).tolist()),
        ("scalar", [RELU] * 4),
    ]
    count = plnet.count_regions(to_network(layers), engine=TwoLayer())
    assert count == len(proper(layers, patterns(layers, 3)))
    assert count.exact


def test_float_signs_that_fail_are_decided_in_rationals(monkeypatch):
    network = he_network((4, 4, 5, 1), 2)
    want = plnet.count_regions(network, engine=TwoLayer())
    assert want.n_fallbacks == 0

    def nothing_certain(weight, spread, bias, bias_spread, cost, rows, columns, work, undecided):
        pairs = [(p, q) for p in range(len(rows)) for q in range(len(columns))]
        undecided[: len(pairs)] = pairs
        return 0, len(pairs)

    monkeypatch.setattr(two_layer, "count_pairs", nothing_certain)
    count = plnet.count_regions(network, engine=TwoLayer())
    assert count == want
    assert count.n_fallbacks > 0


def test_nearly_singular_pairs_are_decided_in_rationals():
    rng = np.random.default_rng(4)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=4)
    W[1] = W[0]
    W[1, 0] += 2.0**-50
    layers = [
        ("affine", np.eye(3).tolist(), [0.0] * 3),
        ("scalar", [RELU] * 3),
        ("affine", W.tolist(), b.tolist()),
        ("scalar", [RELU] * 4),
    ]
    count = plnet.count_regions(to_network(layers), engine=TwoLayer())
    assert count == len(proper(layers, patterns(layers, 3)))
    assert count.n_fallbacks > 0


def test_form_of_a_network_is_the_network():
    layers = _raw(np.random.default_rng(0), 2, 2, 3, ([0.5], [-2.0, 0.0], 0.25))
    network = to_network(layers)
    form = two_layers(Problem(network, plnet.Space(2).chart(2)))
    W, b = (np.array(layers[2][i], dtype=object) for i in (1, 2))
    for point in ([0.3, -2.0], [1.5, 0.25], [-4.0, 8.0]):
        z = [
            sum(Fraction(w) * Fraction(x) for w, x in zip(row, point, strict=True)) + Fraction(c)
            for row, c in zip(layers[0][1], layers[0][2], strict=True)
        ]
        y = [max(Fraction(0), Fraction(1, 2) - v) for v in z]
        direct = [
            sum(Fraction(w) * (Fraction(1, 4) + 2 * v) for w, v in zip(row, y, strict=True)) + Fraction(c)
            for row, c in zip(W.tolist(), b.tolist(), strict=True)
        ]
        via = [
            sum(w * v for w, v in zip(row, y, strict=True)) + c
            for row, c in zip(form.weight.integers.tolist(), form.bias.integers[:, 0].tolist(), strict=True)
        ]
        # Rows are known up to a factor.
        assert all((a > 0) == (v > 0) or (a > 0) == (v < 0) for a, v in zip(direct, via, strict=True))


@pytest.mark.parametrize(
    ("network", "domain", "message"),
    [
        (he_network((3, 3, 3, 3, 1), 0), None, "two hidden layers"),
        (he_network((3, 3, 3, 1), 0), plnet.Box(-1, 1), r"all of R\^n"),
        (he_network((3, 5, 3, 1), 0), None, "rank"),
        (he_network((3, 3, 3, 1), 0, units=ScalarPWL.absolute), None, "constant on one side"),
        (
            PLNetwork(
                (
                    Affine(np.eye(2), np.zeros(2)),
                    GroupMax([[0, 1]], 2),
                    Affine([[1.0]], [0.0]),
                    ScalarPWL.relu(1),
                ),
                2,
            ),
            None,
            "one breakpoint",
        ),
    ],
    ids=["three layers", "box", "rank", "absolute value", "maxout first"],
)
def test_refusals_name_the_engine_to_use(network, domain, message):
    with pytest.raises(EngineError, match=message) as caught:
        plnet.count_regions(network, domain, engine=TwoLayer())
    assert 'engine="search"' in str(caught.value)


def test_regions_one_by_one_come_from_the_search():
    layers = _raw(np.random.default_rng(6), 2, 2, 4)
    found = plnet.enumerate_regions(to_network(layers), engine=TwoLayer())
    assert {tuple(p) for p in found.patterns.tolist()} == expected_patterns(layers, None)


def test_a_budget_gives_a_lower_bound():
    network = he_network((10, 8, 8, 1), 0)
    whole = plnet.count_regions(network, engine=TwoLayer())
    part = plnet.count_regions(network, engine=TwoLayer(), max_regions=300)
    assert not part.complete
    assert 300 <= part.lower <= int(whole)
