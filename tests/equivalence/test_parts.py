"""The parts of a comparison: merged and pruned networks, proofs of zero, certified bounds."""

from __future__ import annotations

from fractions import Fraction

import degenerate
import equivalence_oracle as exact
import numpy as np
import pytest
from disguises import disguised
from helpers import he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st

import plnet
from plnet import Box, Polytope, Slice, Space
from plnet.equivalence import difference_network
from plnet.equivalence.bracket import branch_and_bound
from plnet.equivalence.canonical import canonical_form
from plnet.equivalence.decision import decide
from plnet.equivalence.deviation import Deviation, proved_deviation, with_gates
from plnet.equivalence.merging import merge_units
from plnet.equivalence.pruning import float_parts, prune
from plnet.equivalence.relaxation import upper_bounds
from plnet.equivalence.residues import affine_residues, primes_for
from plnet.equivalence.sampling import is_bounded, points
from plnet.equivalence.vanishing import first_nonzero_region
from plnet.geometry.modular import reduce_residues
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL, SparseAffine
from plnet.regions.control import Control

FAMILIES = (*degenerate.FAMILIES, None)


def same_dimension(rng, family):
    """Return two raw networks of one number of inputs, and a box."""
    f, low, high = degenerate.draw_case(rng, family)
    while True:
        g, *_ = degenerate.draw_case(rng, family)
        if degenerate.input_dimension(g) == len(low):
            return f, g, low, high


def exact_values(network, rows):
    return network.evaluate(np.array(rows, dtype=object), exact=True).tolist()


def grid(rng, d, count=6):
    return [[Fraction(int(v), 6) for v in rng.integers(-12, 13, d)] for _ in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_and_pruned_networks_are_the_same_function(family, rng):
    for k in range(2):
        f, g, *_ = same_dimension(rng, family)
        g = disguised(f, rng) if k % 2 else g
        h = difference_network(to_network(f), to_network(g))
        form = canonical_form(h, Space(h.input_dim).chart(h.input_dim).embedding)
        merged = merge_units(h, form)
        rows = grid(rng, h.input_dim)
        expected = [[exact.evaluate(f, x)[0] - exact.evaluate(g, x)[0]] for x in rows]
        assert exact_values(merged, rows) == expected
        assert exact_values(prune(merged), rows) == expected
        assert exact_values(prune(h), rows) == expected
        assert merged.n_units <= h.n_units


def test_units_on_one_wall_become_one():
    layers = [
        ("affine", [[1, 1], [-2, -2], [3, 3], [1, 1]], [1, -2, 3, 1]),
        ("scalar", [([0], [0, 1], 0), ([0], [-1, 1], 0), ([0], [0.25, 2], 0), ([0], [0, 1], 0)]),
        ("affine", [[1, 2, 3, 4]], [0]),
    ]
    network = to_network(layers)
    form = canonical_form(network, Space(2).chart(2).embedding)
    assert merge_units(network, form).n_units == 1
    pieces = [("affine", [[1, 0], [0, 1], [2, 1], [1, 2]], [0] * 4), ("max", [[0, 1], [3, 2]])]
    network = to_network(pieces)
    form = canonical_form(network, Space(2).chart(2).embedding)
    # max(2x + y, x + 2y) = x + y + max(x, y)
    assert merge_units(network, form).n_units == 1


def test_pruning_drops_what_nobody_reads():
    network = PLNetwork(
        (
            Affine(np.ones((5, 2)), np.arange(5.0)),
            ScalarPWL.relu(5),
            Affine(np.eye(5)[:3], np.zeros(3)),
            GroupMax([[0, 1], [2, 2]], 3),
            Affine([[1.0, 0.0]], [0.0]),
        ),
        2,
    )
    small = prune(network)
    assert [layer.n_out for layer in small.layers] == [2, 2, 2, 1, 1]
    assert exact_values(small, [[1, 2], [-7, 3]]) == exact_values(network, [[1, 2], [-7, 3]])


def test_a_constant_needs_no_units():
    network = PLNetwork((ScalarPWL.relu(2), Affine([[0.0, 0.0], [0.0, 0.0]], [3.0, -1.0])), 2)
    small = prune(network)
    assert small.n_units == 0
    assert exact_values(small, [[1, 2]]) == [[3, -1]]


def test_numbers_as_sums_of_floats():
    assert float_parts(Fraction(3, 8)) == [0.375]
    wide = Fraction(1) + Fraction(1, 2**80)
    assert sum(map(Fraction, float_parts(wide))) == wide
    assert float_parts(Fraction(1, 3)) is None
    assert float_parts(Fraction(2) ** 2000) is None


# Proofs of zero


@pytest.mark.parametrize("family", FAMILIES)
def test_vanishing_regions_against_exact_maps(family, rng):
    for k in range(2):
        f, g, low, high = same_dimension(rng, family)
        g = disguised(f, rng) if k % 2 else g
        h = difference_network(to_network(f), to_network(g))
        regions = plnet.enumerate_regions(h, Box(low, high))
        maps = [
            np.concatenate([regions.exact_map(i)[0], regions.exact_map(i)[1][:, None]], 1)
            for i in range(len(regions))
        ]
        found = first_nonzero_region(h, regions.patterns, regions.chart.embedding)
        assert (found is None) == (not any(m.any() for m in maps))
        assert found is None or maps[found].any()


def test_zero_modulo_one_prime_is_not_enough():
    # The map is 2^22-ish primes multiplied: 0 modulo each of the first, and not 0.
    chosen = []
    for prime in primes_for(3, 200.0, 1):
        chosen.append(prime)
    weights = [float(p) for p in chosen]
    layers = []
    for w in weights:
        layers += [Affine([[w]], [0.0]), ScalarPWL.relu(1)]
    network = PLNetwork(tuple(layers), 1)
    regions = plnet.enumerate_regions(network, Box(1, 2))
    assert first_nonzero_region(network, regions.patterns, regions.chart.embedding) == 0


def test_primes_and_residues(rng):
    primes = list(primes_for(1000, 500.0, 8388593))
    assert len(set(primes)) == len(primes)
    assert all(p % q for p in primes for q in range(2, int(p**0.5) + 1) if q < 400)
    assert 1000 * max(primes) ** 2 < 2**52
    product = 1
    for p in primes:
        product *= p
    assert product > 2**500
    prime = primes[0]
    numbers = rng.integers(0, 2**52, 1000).astype(np.float64)
    expected = [int(x) % prime for x in numbers]
    assert reduce_residues(numbers.copy(), prime).tolist() == expected
    edge = np.array([0, prime - 1, prime, prime + 1, 7 * prime, 7 * prime - 1], dtype=np.float64)
    assert reduce_residues(edge, prime).tolist() == [0, prime - 1, 0, 1, 0, prime - 1]


def test_residues_of_layers(rng):
    prime = next(primes_for(10, 1.0, 1))
    weight = np.ldexp(rng.normal(size=(3, 4)), rng.integers(-40, 40, (3, 4)))
    dense = Affine(weight, rng.normal(size=3))
    average = SparseAffine([0, 2, 3], [0, 1, 1], [1.0, 0.1, 3.0], 2, [0.5, -1.0], "", [9, 7])
    for layer in (dense, average):
        matrix = np.concatenate([layer.exact[0].to_fractions(), layer.exact[1].to_fractions()], axis=1)
        expected = [[x.numerator * pow(x.denominator, -1, prime) % prime for x in row] for row in matrix]
        assert affine_residues(layer, prime).tolist() == expected


# The supremum from a guess


@pytest.mark.parametrize(
    "guess", [Fraction(1, 3), Fraction(2), Fraction(2) + Fraction(1, 3**30), 3 - Fraction(1, 3**9)]
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_supremum_is_found_from_any_guess_below(guess, sign):
    # 2 at -1, -3 at 1, 0 at -2, 0 and 2, straight between them and constant outside.
    slopes = np.array([[0.0, 2.0, -2.0, -3.0, 3.0, 0.0]]) * sign
    network = PLNetwork((ScalarPWL([[-2.0, -1.0, 0.0, 1.0, 2.0]], slopes, [0.0]),), 1)
    for domain in (Box(-5, 5), Space(1)):
        gated = plnet.enumerate_regions(with_gates(network, guess), domain)
        found = proved_deviation(gated, network, Deviation(guess, 0, (Fraction(0),)))
        assert found == Deviation(Fraction(3), 0, (Fraction(1),))
    tilted = PLNetwork((*network.layers, Affine([[1.0], [2.0**-30]], [0.0, 0.0])), 1)
    gated = plnet.enumerate_regions(with_gates(tilted, guess), Space(1))
    assert proved_deviation(gated, tilted, Deviation(guess, 0, (Fraction(0),))).value == 3


def test_supremum_finds_a_ray():
    network = PLNetwork((ScalarPWL([[0.0]], [[0.0, -(2.0**-30)]], [1.0]),), 1)
    gated = plnet.enumerate_regions(with_gates(network, Fraction(5)), Space(1))
    found = proved_deviation(gated, network, Deviation(Fraction(5), 0, (Fraction(0),)))
    assert not found.bounded
    assert found.ray[0] > 0


# Without merging


@pytest.mark.parametrize("family", FAMILIES)
def test_enumeration_alone_decides(family, rng):
    for k in range(2):
        f, g, low, high = same_dimension(rng, family)
        g = disguised(f, rng) if k % 2 else g
        h = difference_network(to_network(f), to_network(g))
        domain = Box(low, high)
        verdict = decide(h, domain, domain.chart(len(low)), Control(), rng)
        merged = plnet.equivalence.check_equivalence(to_network(f), to_network(g), domain)
        assert verdict.upper == merged.max_deviation
        assert (verdict.lower is None) == (merged.max_deviation == 0)


# Bounds


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_bounds_of_boxes_hold_at_exact_points(seed):
    rng = np.random.default_rng(seed)
    family = rng.choice([None, *degenerate.FAMILIES])
    f, g, low, high = same_dimension(rng, family)
    g = disguised(f, rng) if rng.random() < 0.3 else g
    h = difference_network(to_network(f), to_network(g))
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    shares = np.sort(rng.integers(0, 9, (2, 4, len(low))), axis=0) / 8
    lows, highs = low + shares[0] * (high - low), low + shares[1] * (high - low)
    bounds, _ = upper_bounds(h, lows, highs)
    for bound, a, b in zip(bounds, lows, highs, strict=True):
        corners = [a, b, (a + b) / 2, *(a + rng.random((3, len(a))) * (b - a))]
        inside = [[Fraction(float(x)) for x in np.clip(corner, a, b)] for corner in corners]
        for x in inside:
            assert abs(exact.evaluate(f, x)[0] - exact.evaluate(g, x)[0]) <= Fraction(float(bound))


def test_bounds_of_thin_boxes_are_close():
    h = difference_network(he_network([3, 12, 12, 2], 1), he_network([3, 12, 12, 2], 2))
    x = np.array([[0.25, -0.5, 0.125]])
    bound, _ = upper_bounds(h, x, x)
    value = np.abs(h.evaluate(x)).max()
    assert value <= bound[0] <= value * (1 + 1e-9)


def test_branch_and_bound_closes_the_bracket():
    f, g = he_network([2, 8, 1], 1), he_network([2, 8, 1], 2)
    h = difference_network(f, g)
    chart = Box(-1, 1).chart(2)
    report = plnet.equivalence.check_equivalence(f, g, Box(-1, 1))
    found = branch_and_bound(h, chart, Control(max_regions=20_000), 0.0)
    assert report.max_deviation <= found.upper <= float(report.max_deviation) * (1 + 1e-6)


# Points of a domain


@pytest.mark.parametrize(
    ("domain", "bounded"),
    [
        (Box([0, -1], [1, 3]), True),
        (Space(3), False),
        (Polytope([[1.0, 2.0], [-1.0, 0.0], [0.0, -1.0]], [2.0, 0.0, 0.0]), True),
        (Polytope([[1.0, 1.0]], [2.0]), False),
        (Polytope([[-1.0, 0.0], [0.0, -1.0]], [0.0, 1.0]), False),
        (Polytope([[1.0, -1.0, 0.0], [-1.0, -1.0, 0.0]], [0.0, 0.0]), False),
        (Slice([0.0, 1, 2], [[1, 0, 0], [0, 1, 1]], -2, 2), True),
    ],
)
def test_points_lie_in_the_domain(domain, bounded, rng):
    chart = domain.chart(3 if isinstance(domain, Slice) else domain.dim)
    assert is_bounded(chart) is bounded
    drawn = points(chart, 200, rng)
    assert len(drawn) >= 200
    inside = [chart.contains(tuple(map(Fraction, row))) for row in drawn.tolist()]
    # Combinations of vertices may leave by rounding.
    assert sum(inside) > 100


def test_a_unit_that_others_are_read_from_stays():
    # Unit 0 passes |x| + 5 on, unit 1 is the same again, unit 2 is 2 |x| + 3.
    none = np.inf
    layers = (
        Affine([[1.0], [1.0], [1.0]], np.zeros(3)),
        ScalarPWL([[0.0], [none], [none]], [[-1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], [5.0, 0.0, 0.0]),
        ScalarPWL([[none], [0.0], [0.0]], [[1.0, 1.0], [-1.0, 1.0], [-2.0, 2.0]], [0.0, 5.0, 3.0]),
    )
    network = PLNetwork(layers, 1)
    form = canonical_form(network, Space(1).chart(1).embedding)
    rows = [[Fraction(x)] for x in (-3, 0, 2)]
    assert exact_values(merge_units(network, form), rows) == exact_values(network, rows)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_merging_keeps_random_layers_of_few_walls(seed):
    rng = np.random.default_rng(seed)
    layers, width = [], 2
    for _ in range(3):
        n = int(rng.integers(2, 6))
        weight = rng.choice([0, 0, 1, -1, 2, -3], (n, width)).astype(float)
        layers.append(Affine(weight, rng.choice([0, 0, 1, -1], n).astype(float)))
        if rng.random() < 0.5:
            slopes = rng.choice([-1, 0, 0.5, 1, 3], (n, 3)).astype(float)
            points = np.tile([0.0, 1.0], (n, 1))
            points[rng.random(n) < 0.5, 1] = np.inf
            points[rng.random(n) < 0.2] = np.inf
            layers.append(ScalarPWL(points, slopes, rng.choice([0, 1, -2], n).astype(float)))
        else:
            layers.append(GroupMax(rng.integers(0, n, (n, 3)), n))
        width = n
    network = PLNetwork(tuple(layers), 2)
    form = canonical_form(network, Space(2).chart(2).embedding)
    rows = grid(rng, 2, 8)
    merged = merge_units(network, form)
    assert exact_values(merged, rows) == exact_values(network, rows)
    assert exact_values(prune(merged), rows) == exact_values(network, rows)


def test_points_outside_are_known():
    chart = Polytope([[1.0, 1.0]], [2.0]).chart(2)
    assert chart.contains((Fraction(1), Fraction(1)))
    assert not chart.contains((Fraction(1), Fraction(1) + Fraction(1, 10**30)))
