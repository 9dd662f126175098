"""The six definitions on random networks, against independent programs and under harmless changes."""

import itertools

import numpy as np
import oracle_brute
import pytest
from degenerate import FAMILIES, draw_case
from helpers import RELU, to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import count_activation_sets
from oracle_definitions import count_by_maps, count_relu_by_maps, is_convex_union, open_regions
from reference_networks import relu_network, seeded_integer_networks
from sizes import few

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL, SparseAffine
from plnet.regions.definitions import maps as definition_maps
from plnet.regions.definitions.convex import least_convex
from plnet.regions.definitions.tiling import tiling_of

NUMBERS = ("R1", "R2", "R3", "R4", "R5", "R6")
SEEDS = st.integers(0, 2**32 - 1)


def integer_network(seed, d, outputs=1, size=2):
    """Draw a network with small integer weights: walls coincide and maps repeat often."""
    rng = np.random.default_rng(seed)
    widths = [d, *rng.integers(1, 5, size=int(rng.integers(1, 4))).tolist(), outputs]
    draw = lambda n, k: rng.integers(-size, size + 1, size=(n, k + 1)).tolist()  # noqa: E731
    return relu_network(*(draw(n, k) for k, n in itertools.pairwise(widths)))


def counts(layers, domain, engine="auto"):
    found = plnet.enumerate_regions(to_network(layers), domain, engine=engine)
    assert found.exact
    return {name: found.count(name) for name in NUMBERS}


def check_order(found):
    """R6 <= R5 <= R4 <= R3 <= R2 <= R1, and all but R3 are known."""
    assert all(found[name].exact for name in NUMBERS if name != "R3")
    assert found["R6"].count <= found["R5"].count <= found["R4"].count <= found["R3"].lower
    assert found["R3"].lower <= found["R3"].upper <= found["R2"].count <= found["R1"].count


@given(SEEDS, st.integers(1, 2), st.integers(1, 2))
@settings(max_examples=40)
def test_integer_networks_agree_with_the_oracles(seed, d, outputs):
    layers = integer_network(seed, d, outputs)
    low, high = [-3] * d, [2] * d
    found = counts(layers, plnet.Box(low, high))
    check_order(found)
    assert found["R1"] == count_activation_sets(layers, d, low, high)
    for name, number in count_by_maps(layers, low, high).items():
        assert found[name] == number, name


@given(SEEDS, st.integers(1, 2))
@settings(max_examples=25)
def test_all_patterns_of_all_of_space_agree_with_the_oracle(seed, d):
    layers = integer_network(seed, d)
    found = counts(layers, None)
    check_order(found)
    assert found["R1"] == count_activation_sets(layers, d)


@pytest.mark.parametrize("number", few([1, 4], 1))
@pytest.mark.parametrize("family", [None, *FAMILIES])
def test_degenerate_networks_agree_with_the_oracles(family, number, rng):
    for _ in range(number):
        layers, low, high = draw_case(rng, family)
        found = counts(layers, plnet.Box(low, high))
        check_order(found)
        assert found["R1"] == count_activation_sets(layers, len(low), low, high)
        if found["R2"].count < 60:
            for name, number in count_by_maps(layers, low, high).items():
                assert found[name] == number, name


@given(SEEDS)
@settings(max_examples=8)
def test_three_dimensions_agree_with_elimination(seed):
    rng = np.random.default_rng(seed)
    rows = [rng.integers(-2, 3, size=shape).tolist() for shape in ((3, 4), (2, 4), (1, 3))]
    layers = relu_network(*rows)
    for domain, box in ((None, ()), (plnet.Box(-1, 1), ([-1] * 3, [1] * 3))):
        found = counts(layers, domain, "rational")
        check_order(found)
        assert found["R1"] == oracle_brute.brute_count(layers, 3, *box, full_dimensional=False)
        assert found["R2"] == oracle_brute.brute_count(layers, 3, *box)
        if domain is None:
            assert {name: found[name].count for name in ("R4", "R5", "R6")} == count_relu_by_maps(layers, 3)


@given(SEEDS)
@settings(max_examples=25)
def test_regions_that_are_not_convex_need_two_cells(seed):
    layers = integer_network(seed, 2)
    low, high = [-3, -3], [3, 3]
    groups = open_regions(layers, low, high)
    everything = [cell for group in groups for cell in group]
    needed = sum(1 if is_convex_union(group, everything) else 2 for group in groups)
    assert counts(layers, plnet.Box(-3, 3))["R3"].lower >= needed


# The same function, or the same partition, in other words


def dressed(layers, rng):
    """Permute the units of the first layer and add a dead one: all six numbers stay."""
    (_, weight, bias), (_, units), (_, after, after_bias), *rest = layers
    order = rng.permutation(len(bias)).tolist()
    weight = [*(weight[i] for i in order), [0] * len(weight[0])]
    bias = [*(bias[i] for i in order), -1]
    after = [[*(row[i] for i in order), 7] for row in after]
    return [("affine", weight, bias), ("scalar", [*units, RELU]), ("affine", after, after_bias), *rest]


def moved(layers, matrix, shift):
    """Return the network behind an invertible affine change of its input."""
    return [("affine", matrix, shift), *layers]


@given(SEEDS)
@settings(max_examples=15)
def test_invariances(seed):
    layers, rng = integer_network(seed, 2), np.random.default_rng(seed)
    found = counts(layers, None)
    for other in (dressed(layers, rng), moved(layers, [[2, 1], [1, 1]], [3, -1])):
        for name, count in counts(other, None).items():
            assert count.exact == found[name].exact or name == "R3"
            if name == "R3":
                # The merging is greedy: both brackets hold for one number.
                assert max(count.lower, found[name].lower) <= min(count.upper, found[name].upper)
                assert count.lower == found[name].lower
            else:
                assert count == found[name], name


@given(SEEDS)
@settings(max_examples=10)
def test_function_alone_decides_r3_to_r6(seed):
    layers = integer_network(seed, 2)
    found = counts(layers, None)
    # x = relu(x) - relu(-x) in front adds walls, not kinks.
    front = relu_network([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], [[1, -1, 0, 0, 0], [0, 0, 1, -1, 0]])
    other = counts([*front, *layers], None)
    for name in ("R4", "R5", "R6"):
        assert other[name] == found[name], name
    assert max(other["R3"].lower, found["R3"].lower) <= min(other["R3"].upper, found["R3"].upper)
    assert other["R3"].lower == found["R3"].lower


# Parts of the algorithms


def test_fingerprints_that_collide_are_told_apart_exactly(monkeypatch):
    layers = seeded_integer_networks()[1].layers
    true = counts(layers, plnet.Box(-3, 3))
    assert true["R6"].count > 15
    monkeypatch.setattr(definition_maps, "_PRIMES", (3, 5))
    found = plnet.enumerate_regions(to_network(layers), plnet.Box(-3, 3))
    prints = definition_maps.fingerprints(found.problem, found.patterns)
    assert len(np.unique(prints, axis=0)) <= 15
    assert found.count("R6") == true["R6"]
    # A prime that divides a denominator cannot be used; with none left everything is compared exactly.
    monkeypatch.setattr(definition_maps, "_PRIMES", (2,))
    half = [("affine", [[0.5, 0], [0, 0.5]], [0, 0]), *layers]
    assert counts(half, plnet.Box(-6, 6))["R6"] == true["R6"]


def test_equal_maps_of_large_layers_have_equal_fingerprints(rng):
    # 0 * relu(.) has one map for all patterns, through wide layers and real weights.
    hidden = Affine(rng.normal(size=(300, 2)), rng.normal(size=300))
    layers = (hidden, ScalarPWL.relu(300), Affine(np.zeros((3, 300)), rng.normal(size=3)))
    found = plnet.enumerate_regions(PLNetwork(layers, 2), plnet.Box(-0.05, 0.05))
    prints = definition_maps.fingerprints(found.problem, found.patterns)
    assert len(found) > 10
    assert (prints == prints[0]).all()


def test_fingerprints_are_values_of_the_exact_maps(rng):
    network = to_network(integer_network(8, 2, outputs=2))
    found = plnet.enumerate_regions(network, plnet.Box(-3, 3))
    prints = definition_maps.fingerprints(found.problem, found.patterns)
    prime = definition_maps._PRIMES[0]
    point = [pow(48271, k + 1, prime) for k in range(3)]
    for i in range(len(found)):
        rows = definition_maps.output_forms(found.problem, found.patterns[i]).to_fractions().tolist()
        for k, row in enumerate(rows):
            value = sum(a * x for a, x in zip(row, point, strict=True))
            assert (value.numerator * pow(value.denominator, -1, prime) - prints[i, k]) % prime == 0


def test_operators_have_the_fingerprints_of_their_matrices():
    layers = to_network(integer_network(8, 2, outputs=2)).layers
    factors, shift = [0.5, -3.0], [1.0, 0.25]
    prints = []
    for last in (SparseAffine.diagonal(factors, shift), Affine(np.diag(factors), shift)):
        found = plnet.enumerate_regions(PLNetwork((*layers, last), 2), plnet.Box(-3, 3))
        prints.append(definition_maps.fingerprints(found.problem, found.patterns))
    assert (prints[0] == prints[1]).all()


def test_facets_lead_back_and_forth(rng):
    for seed in range(6):
        found = plnet.enumerate_regions(to_network(integer_network(seed, 2)))
        tiling = tiling_of(found)
        assert (tiling.adjacency != found.adjacency).nnz == 0
        for i, row in enumerate(tiling.behind):
            others = [j for j in row if j >= 0]
            assert len(others) == len(set(others)), "two cells share at most one facet"
            assert all(i in tiling.behind[j] for j in others)
        assert least_convex(tiling, np.arange(len(found))) == len(found)
