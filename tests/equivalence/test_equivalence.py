"""Equivalence: identities, certificates, exact deviations against an oracle in plain fractions."""

from __future__ import annotations

import math
import time
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
from plnet import Box, Polytope, Segment, Slice
from plnet.equivalence import check_equivalence, difference_network, recession_network
from plnet.errors import DimensionError, DomainError, EngineError, IncompleteResultError, NetworkError
from plnet.ir import Affine, GroupMax, LocalWinner, PLNetwork, ScalarPWL

RELU = ([0], [0, 1], 0)
HARDTANH = ([-1, 1], [0, 1, 0], -1)
SLOPES = [-2.0, -1.0, -0.3, 0.0, 1.0, 1 + 2.0**-52, 1.7]
FAMILIES = (*degenerate.FAMILIES, None)


def rectifier(slope):
    return [("scalar", [([0], [slope, 1], 0)])]


def maxout_of_slope(slope):
    """Return max(z, a z) for a <= 1, and z + a z - max(z, a z) for larger slopes, as raw layers."""
    pieces = [("affine", [[1], [slope]], [0, 0]), ("max", [[0, 1]])]
    if slope <= 1:
        return pieces
    carried = [("affine", [[1], [slope], [1], [slope]], [0] * 4), ("max", [[0, 1], [2], [3]])]
    return [*carried, ("affine", [[-1, 1, 1]], [0])]


# The difference network


@pytest.mark.parametrize("family", FAMILIES)
def test_difference_network_is_exact(family, rng):
    for _ in range(4):
        f, low, _high = degenerate.draw_case(rng, family)
        while True:
            g, *_ = degenerate.draw_case(rng, family)
            if degenerate.input_dimension(g) == len(low):
                break
        h = difference_network(to_network(f), to_network(g))
        for _ in range(5):
            x = [Fraction(int(v), 7) for v in rng.integers(-9, 10, len(low))]
            expected = exact.evaluate(f, x)[0] - exact.evaluate(g, x)[0]
            assert h.evaluate(np.array([x], dtype=object), exact=True)[0, 0] == expected


def test_difference_of_networks_of_different_kind_and_depth():
    f = [("scalar", [RELU, HARDTANH]), ("scalar", [([0], [-1, 1], 0)] * 2), ("max", [[0, 1], [1]])]
    g = [("max", [[0, 1], [1, 0, 0]]), ("affine", [[1, 2], [0, 3]], [0.5, -1]), ("max", [[0], [0, 1]])]
    h = difference_network(to_network(f, 2), to_network(g, 2))
    for x in ([1, 2], [-3, 0.5], [0, 0], [Fraction(1, 3), -5]):
        expected = [a - b for a, b in zip(exact.evaluate(f, x), exact.evaluate(g, x), strict=True)]
        point = np.array([[Fraction(v) for v in x]], dtype=object)
        assert h.evaluate(point, exact=True)[0].tolist() == expected


# Identities


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("method", ["auto", "structural", "enumeration"])
def test_rectifier_is_maxout_on_the_whole_line(slope, method):
    report = check_equivalence(
        to_network(rectifier(slope), 1), to_network(maxout_of_slope(slope), 1), method=method
    )
    assert report.equivalent is True
    assert report.max_deviation == 0
    assert report.exact
    assert isinstance(report.max_deviation, Fraction)
    assert bool(report)
    assert report.witness is None
    assert report.ray is None


@pytest.mark.parametrize("slope", SLOPES)
def test_slopes_that_differ_by_one_bit(slope):
    near = math.nextafter(slope, 9.0)
    f, g = to_network(rectifier(slope), 1), to_network(maxout_of_slope(near), 1)
    report = check_equivalence(f, g, Box(-3, 5))
    assert report.equivalent is False
    assert report.exact
    assert report.max_deviation == 3 * (Fraction(near) - Fraction(slope))
    assert report.witness == (Fraction(-3),)
    everywhere = check_equivalence(f, g)
    assert everywhere.max_deviation == math.inf
    assert everywhere.ray == (Fraction(-1),)
    assert check_equivalence(f, g, Polytope([[-1.0]], [4.0])).max_deviation == 4 * (
        Fraction(near) - Fraction(slope)
    )


@pytest.mark.parametrize("slope", SLOPES)
def test_identities_inside_a_random_network(slope):
    n = he_network([2, 9, 7, 1], 5, units=lambda k: ScalarPWL.leaky_relu(np.full(k, slope)))
    layers = []
    for layer in n.layers:
        if not isinstance(layer, ScalarPWL):
            layers.append(layer)
            continue
        k, eye = layer.n_units, np.eye(layer.n_units)
        places = np.arange(k)
        if slope <= 1:
            pair = Affine(np.concatenate([eye, slope * eye]), np.zeros(2 * k))
            layers += [pair, GroupMax(np.stack([places, places + k], axis=1), 2 * k)]
            continue
        pair = Affine(np.concatenate([eye, slope * eye]), np.zeros(2 * k))
        groups = np.concatenate(
            [np.stack([places, places + k], axis=1), np.tile(np.arange(2 * k)[:, None], 2)]
        )
        layers += [
            pair,
            GroupMax(groups, 2 * k),
            Affine(np.concatenate([-eye, eye, eye], axis=1), np.zeros(k)),
        ]
    g = PLNetwork(tuple(layers), 2)
    for method in ("structural", "enumeration"):
        for domain in (None, Box(-1, 1)):
            report = check_equivalence(n, g, domain, method=method)
            assert (report.equivalent, report.max_deviation) == (True, 0), (method, domain)


def test_famous_identities_of_activations():
    z = [("affine", [[1], [-1]], [0, 0]), ("scalar", [RELU, RELU])]
    absolute = to_network([("scalar", [([0], [-1, 1], 0)])], 1)
    assert check_equivalence(absolute, to_network([*z, ("affine", [[1, 1]], [0])]), method="structural")
    identity = PLNetwork((), 1)
    assert check_equivalence(identity, to_network([*z, ("affine", [[1, -1]], [0])]), method="structural")
    clip = [("affine", [[1], [0], [1], [0]], [0, -1, -1, 0]), ("max", [[0, 1], [2, 3]])]
    clip.append(("affine", [[1, -1]], [0]))
    hardtanh = to_network([("scalar", [HARDTANH])], 1)
    assert check_equivalence(hardtanh, to_network(clip), method="structural")
    assert check_equivalence(hardtanh, to_network(clip), method="enumeration")
    relu6 = [("affine", [[1], [1]], [0, -6]), ("scalar", [RELU, RELU]), ("affine", [[1, -1]], [0])]
    assert check_equivalence(PLNetwork((ScalarPWL.hardtanh(1, 0, 6),), 1), to_network(relu6))


# The structural certificate


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", ["structural", "enumeration"])
def test_disguised_networks_are_equal(family, method, rng):
    for _ in range(2):
        f, low, high = degenerate.draw_case(rng, family)
        g = disguised(f, rng)
        x = [Fraction(1, 3)] * len(low)
        assert exact.evaluate(f, x) == exact.evaluate(g, x), "the disguise is wrong"
        domain = None if rng.random() < 0.5 else Box(low, high)
        report = check_equivalence(to_network(f), to_network(g), domain, method=method)
        assert report.equivalent is True
        assert report.max_deviation == 0


def test_maxout_with_pieces_in_another_order_and_at_another_scale(rng):
    weight, bias = rng.normal(size=(12, 3)), rng.normal(size=12)
    groups = np.arange(12).reshape(3, 4)
    f = PLNetwork((Affine(weight, bias), GroupMax(groups, 12), Affine([[1, 2, 3]], [0])), 3)
    order = np.concatenate([rng.permutation(row) for row in groups[[2, 0, 1]]])
    scale = np.repeat([4.0, 0.5, 2.0], 4)[:, None]
    mixed = Affine(weight[order] * scale, bias[order] * scale[:, 0])
    g = PLNetwork((mixed, GroupMax(groups, 12), Affine([[0.75, 2, 1]], [0])), 3)
    assert check_equivalence(f, g, method="structural").equivalent is True
    wrong = PLNetwork((mixed, GroupMax(groups, 12), Affine([[0.75, 2, 1.5]], [0])), 3)
    assert check_equivalence(f, wrong, method="structural").equivalent is None
    assert check_equivalence(f, wrong).equivalent is False


def test_maxima_that_differ_by_a_linear_function():
    first = [("affine", [[1, 0], [0, 1], [0, 0]], [0, 0, 0]), ("max", [[0, 1, 2]])]
    shifted = [("affine", [[2, 0], [1, 1], [1, 0]], [0, 0, 0]), ("max", [[0, 1, 2]])]
    added = [*first[:1], ("max", [[0, 1, 2], [0]]), ("affine", [[1, 1]], [0])]
    for method in ("structural", "enumeration"):
        assert check_equivalence(to_network(added), to_network(shifted), method=method).equivalent is True
    assert check_equivalence(to_network(first), to_network(shifted), method="structural").equivalent is None
    assert check_equivalence(to_network(first), to_network(shifted), Box(-1, 2)).max_deviation == 2


def test_constants_count():
    f = PLNetwork((ScalarPWL.relu(1),), 1)
    g = PLNetwork((ScalarPWL.relu(1), Affine([[1.0]], [2.0**-60])), 1)
    assert check_equivalence(f, g, method="structural").equivalent is None
    report = check_equivalence(f, g)
    assert report.equivalent is False
    assert report.max_deviation == Fraction(1, 2**60)


def test_structural_step_never_calls_different_networks_equal(rng):
    for _ in range(25):
        f, low, _ = degenerate.draw_case(rng, str(rng.choice(degenerate.FAMILIES)))
        g = disguised(f, rng)
        places = [k for k, layer in enumerate(g) if layer[0] == "affine"]
        k = int(rng.choice(places))
        weight, bias = [list(row) for row in g[k][1]], list(g[k][2])
        i, j = int(rng.integers(len(weight))), int(rng.integers(len(weight[0])))
        weight[i][j] += 2.0**-40
        g[k] = ("affine", weight, bias)
        points = [[Fraction(int(v), 5) for v in rng.integers(-15, 16, len(low))] for _ in range(30)]
        if any(exact.evaluate(f, x) != exact.evaluate(g, x) for x in points):
            report = check_equivalence(to_network(f), to_network(g), method="structural")
            assert report.equivalent is None


def test_sizes_of_the_issue():
    n = he_network([2, 64, 64, 1], 0)
    k, eye = np.arange(64), np.eye(64)
    maxout = [
        Affine(np.concatenate([eye, 0 * eye]), np.zeros(128)),
        GroupMax(np.stack([k, k + 64], axis=1), 128),
    ]
    g = PLNetwork((n.layers[0], *maxout, n.layers[2], *maxout, n.layers[4]), 2)
    seconds = {}
    for method, domain in (("structural", None), ("enumeration", Box(-1, 1)), ("enumeration", None)):
        check_equivalence(n, g, domain, method=method)
        start = time.thread_time()
        assert check_equivalence(n, g, domain, method=method).equivalent is True
        seconds[method, domain is None] = time.thread_time() - start
    # CPU seconds, far above what it takes: the benchmark measures, this guards against another order.
    assert seconds["structural", True] < 0.5
    assert seconds["enumeration", False] < 3


# Exact deviations


def pairs_on_the_line(seed):
    rng = np.random.default_rng(seed)
    family = rng.choice([None, *degenerate.FAMILIES])
    while True:
        f, low, high = degenerate.draw_case(rng, family)
        if len(low) == 1:
            break
    if rng.random() < 0.5:
        return rng, f, disguised(f, rng), low[0], high[0]
    while True:
        g, other, _ = degenerate.draw_case(rng, family)
        if len(other) == 1:
            return rng, f, g, low[0], high[0]


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_deviation_on_the_line_is_that_of_the_oracle(seed):
    _, f, g, low, high = pairs_on_the_line(seed)
    expected = exact.deviation_on_line(f, g, Fraction(low), Fraction(high))
    for method in ("auto", "enumeration"):
        report = check_equivalence(to_network(f), to_network(g), Box([low], [high]), method=method)
        assert report.exact
        assert report.max_deviation == expected
        assert report.equivalent is (expected == 0)
        if expected:
            x = report.witness
            difference = exact.evaluate(f, x)[report.output] - exact.evaluate(g, x)[report.output]
            assert low <= x[0] <= high
            assert abs(difference) == expected


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_deviation_on_unbounded_domains_is_that_of_the_oracle(seed):
    _, f, g, low, _ = pairs_on_the_line(seed)
    half = Polytope([[-1.0]], [-low])
    for domain, start in ((None, None), (half, Fraction(low))):
        expected = exact.deviation_on_line(f, g, start, None)
        report = check_equivalence(to_network(f), to_network(g), domain, method="enumeration")
        assert report.exact
        assert report.max_deviation == (math.inf if expected is None else expected)
        if expected is None:
            check_ray(f, g, report)


def check_ray(f, g, report):
    """Follow the ray: far out the difference grows from step to step."""
    x, ray = report.witness, report.ray
    assert any(ray)
    sizes = []
    for step in (10**9, 2 * 10**9, 3 * 10**9):
        point = [a + step * r for a, r in zip(x, ray, strict=True)]
        pairs = zip(exact.evaluate(f, point), exact.evaluate(g, point), strict=True)
        sizes.append(max(abs(a - b) for a, b in pairs))
    assert sizes[0] < sizes[1] < sizes[2]


def small_planar_network(rng, units=2):
    def rows(n, m):
        return [[float(v) for v in rng.choice([-2, -1, -0.5, 0, 0.5, 1, 1, 3], m)] for _ in range(n)]

    kinds = [RELU, ([0], [-1, 1], 0), ([0], [0.25, 1], 0), ([0], [1.5, 1], 0)]
    first = [kinds[int(k)] for k in rng.integers(len(kinds), size=units)]
    layers = [("affine", rows(units, 2), rows(1, units)[0]), ("scalar", first)]
    if rng.random() < 0.5:
        layers += [("affine", rows(2, units), rows(1, 2)[0]), ("max", [[0, 1]])]
    else:
        layers += [("affine", rows(1, units), rows(1, 1)[0]), ("scalar", [HARDTANH])]
    return [*layers, ("affine", [[1.0], [-0.5]], [0.25, 0])]


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_deviation_in_the_plane_is_that_of_the_oracle(seed):
    rng = np.random.default_rng(seed)
    f = small_planar_network(rng)
    g = small_planar_network(rng) if rng.random() < 0.7 else disguised(f, rng)
    low, high = Fraction(-1), Fraction(2)
    expected = exact.deviation_in_box(f, g, low, high)
    report = check_equivalence(to_network(f), to_network(g), Box(-1, 2), method="enumeration")
    assert report.exact
    assert report.max_deviation == expected
    if expected:
        pairs = zip(exact.evaluate(f, report.witness), exact.evaluate(g, report.witness), strict=True)
        assert [abs(a - b) for a, b in pairs][report.output] == expected


@pytest.mark.parametrize("layer", [0, 2, 4])
def test_one_weight_changed_by_a_trillionth(layer):
    for seed in range(3):
        f = he_network([1, 9, 8, 1], seed)
        g = perturbed(f, layer, unit=0)
        expected = exact.deviation_on_line(raw(f), raw(g), Fraction(-1), Fraction(1))
        report = check_equivalence(f, g, Box(-1, 1))
        assert report.exact
        assert report.max_deviation == expected
    f = he_network([2, 3, 2, 1], 7, bias=0.5)
    g = perturbed(f, layer, unit=0)
    expected = exact.deviation_in_box(raw(f), raw(g), Fraction(-1), Fraction(1))
    assert expected
    assert check_equivalence(f, g, Box(-1, 1)).max_deviation == expected


@pytest.mark.slow
@pytest.mark.parametrize("layer", [2, 4])
def test_one_weight_changed_inside_a_wide_network(layer):
    f = he_network([2, 64, 64, 1], 3)
    g = perturbed(f, layer, unit=1)
    report = check_equivalence(f, g, Box(-1, 1))
    assert report.equivalent is False
    assert report.exact
    assert report.max_deviation < 1e-9
    x = np.array([report.witness], dtype=object)
    assert abs(f.evaluate(x, exact=True) - g.evaluate(x, exact=True))[0, 0] == report.max_deviation


def perturbed(network, layer, unit):
    layers = list(network.layers)
    weight = layers[layer].weight.copy()
    weight[unit % len(weight), 0] += 2.0**-40
    layers[layer] = Affine(weight, layers[layer].bias)
    return PLNetwork(tuple(layers), network.input_dim)


def raw(network):
    out = []
    for layer in network.layers:
        if isinstance(layer, Affine):
            out.append(("affine", layer.weight.tolist(), layer.bias.tolist()))
        else:
            out.append(("scalar", [RELU] * layer.n_units))
    return out


def test_equality_that_no_layer_shows():
    twice = PLNetwork((ScalarPWL.relu(1), ScalarPWL.relu(1)), 1)
    once = PLNetwork((ScalarPWL.relu(1),), 1)
    assert check_equivalence(twice, once, method="structural").equivalent is None
    report = check_equivalence(twice, once)
    assert report.equivalent is True
    assert report.method == "enumeration"
    assert report.max_deviation == 0
    nested = [("affine", [[1, 0], [0, 1], [1, 1]], [0, 0, 1]), ("max", [[0, 1], [2]]), ("max", [[0, 1]])]
    flat = [nested[0], ("max", [[0, 1, 2]])]
    assert check_equivalence(to_network(nested), to_network(flat)).equivalent is True


def test_equal_on_a_part_only():
    f = PLNetwork((Affine([[1.0]], [5.0]), ScalarPWL.relu(1)), 1)
    g = PLNetwork((Affine([[1.0]], [5.0]),), 1)
    inside = check_equivalence(f, g, Box(-1, 1))
    assert inside.equivalent is True
    assert inside.max_deviation == 0
    assert check_equivalence(f, g, Box(-7, 1)).max_deviation == 2
    everywhere = check_equivalence(f, g)
    assert everywhere.max_deviation == math.inf
    assert everywhere.ray == (Fraction(-1),)
    assert check_equivalence(f, g, Polytope([[-1.0]], [5.0])).equivalent is True
    assert check_equivalence(f, g, Polytope([[-1.0]], [5.5])).max_deviation == Fraction(1, 2)


def test_bounded_difference_on_an_unbounded_domain():
    step = PLNetwork((Affine([[1.0], [1.0]], [0, -3]), ScalarPWL.relu(2), Affine([[1, -1]], [0])), 1)
    zero = PLNetwork((Affine([[0.0]], [0.0]),), 1)
    report = check_equivalence(step, zero)
    assert report.equivalent is False
    assert report.max_deviation == 3
    assert report.exact
    assert report.ray is None
    assert check_equivalence(step, zero, Polytope([[1.0]], [2.0])).max_deviation == 2


def test_largest_over_all_outputs():
    f = PLNetwork((Affine(np.eye(3), np.zeros(3)), ScalarPWL.relu(3)), 3)
    g = PLNetwork((Affine(np.eye(3), np.zeros(3)), ScalarPWL.leaky_relu([0.5, 0.75, 0.25])), 3)
    report = check_equivalence(f, g, Box(-2, 2))
    assert (report.max_deviation, report.output) == (Fraction(3, 2), 1)
    assert report.witness[1] == -2


def test_slices_and_segments():
    f = PLNetwork((Affine(np.eye(2), np.zeros(2)), ScalarPWL.relu(2), Affine([[1, 1]], [0])), 2)
    g = PLNetwork((Affine([[1.0, 1.0]], [0.0]), ScalarPWL.relu(1)), 2)
    # On the diagonal both are 2 relu(t); across it they differ by relu(t) + relu(-t).
    assert check_equivalence(f, g, Segment([-1, -1], [2, 2])).equivalent is True
    assert check_equivalence(f, g, Slice([0, 0], [[1, -1]], -3, 2)).max_deviation == 3
    assert check_equivalence(f, g).max_deviation == math.inf
    report = check_equivalence(f, g, Segment([0, 0], [1, -1]))
    assert report.max_deviation == 1
    assert report.witness == (1, -1)


def test_more_dimensions_against_corners():
    # Sums of functions of single coordinates: the maximum is found by hand.
    f = PLNetwork((Affine(np.eye(4), np.zeros(4)), ScalarPWL.relu(4), Affine([[1, 1, 1, 1]], [0])), 4)
    g = PLNetwork((Affine(np.eye(4), np.zeros(4)), ScalarPWL.absolute(4), Affine([[1, 1, 1, 1]], [0])), 4)
    report = check_equivalence(f, g, Box(-1, 2), method="enumeration")
    assert report.max_deviation == 4
    assert report.witness == (-1,) * 4


# Budgets and bounds


@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1))
def test_bounds_hold_the_exact_deviation(seed):
    _, f, g, low, high = pairs_on_the_line(seed)
    expected = exact.deviation_on_line(f, g, Fraction(low), Fraction(high))
    report = check_equivalence(
        to_network(f), to_network(g), Box([low], [high]), method="branch_and_bound", max_regions=40
    )
    assert report.lower <= expected <= report.upper
    assert report.equivalent is (False if report.lower else None if report.upper else True)


def test_budget_gives_a_bracket():
    f, g = he_network([4, 24, 24, 2], 1), he_network([4, 24, 24, 2], 2)
    report = check_equivalence(f, g, Box(-1, 1), max_regions=300)
    assert report.equivalent is False
    assert report.max_deviation is None
    assert not report.exact
    assert 0 < report.lower < report.upper < math.inf
    assert report.method == "branch_and_bound"
    tight = check_equivalence(f, g, Box(-1, 1), max_regions=3000, method="branch_and_bound")
    assert tight.upper - tight.lower < report.upper - report.lower
    with pytest.raises(EngineError, match="max_seconds > 0"):
        check_equivalence(f, g, max_seconds=0)


def test_undecided_is_said():
    twice = PLNetwork((ScalarPWL.relu(1), ScalarPWL.relu(1)), 1)
    once = PLNetwork((ScalarPWL.relu(1),), 1)
    report = check_equivalence(twice, once, Box(-1, 2), method="branch_and_bound", max_regions=50)
    assert report.equivalent is None
    assert report.max_deviation is None
    assert not report.exact
    assert report.lower == 0 < report.upper < 1
    assert "not decided" in str(report)
    with pytest.raises(IncompleteResultError, match="between 0 and"):
        bool(report)


def test_bracket_on_a_polytope_with_slanted_sides():
    f = PLNetwork((Affine([[1.0, 1.0]], [0.0]), ScalarPWL.relu(1)), 2)
    g = PLNetwork((Affine([[0.0, 0.0]], [0.0]),), 2)
    triangle = Polytope([[1.0, 2.0], [-1.0, 0.0], [0.0, -1.0]], [2.0, 0.0, 0.0])
    assert check_equivalence(f, g, triangle).max_deviation == 2
    report = check_equivalence(f, g, triangle, method="branch_and_bound", max_regions=2000)
    assert report.lower <= 2 <= report.upper < 2.1


# Recession


@pytest.mark.parametrize("family", FAMILIES)
def test_recession_network_is_the_limit(family, rng):
    for _ in range(4):
        f, low, _ = degenerate.draw_case(rng, family)
        far = recession_network(to_network(f))
        ray = [Fraction(int(v)) for v in rng.integers(-5, 6, len(low))]
        t = Fraction(10) ** 30
        first, second = (exact.evaluate(f, [s * r for r in ray])[0] for s in (t, 2 * t))
        assert far.evaluate(np.array([ray], dtype=object), exact=True)[0, 0] == (second - first) / t


# What is refused


def test_refusals():
    one, two = PLNetwork((ScalarPWL.relu(1),), 1), PLNetwork((ScalarPWL.relu(2),), 2)
    with pytest.raises(DimensionError, match="same number of inputs, got 1 and 2"):
        check_equivalence(one, two)
    wide = PLNetwork((Affine([[1.0], [1.0]], [0, 0]),), 1)
    with pytest.raises(DimensionError, match="same number of outputs, got 1 and 2"):
        check_equivalence(one, wide)
    with pytest.raises(DimensionError, match="takes 2 inputs"):
        check_equivalence(two, two, Box([0], [1]))
    with pytest.raises(DomainError, match="Expected a domain"):
        check_equivalence(one, one, (-1, 1))
    with pytest.raises(EngineError, match="Expected method among"):
        check_equivalence(one, one, method="guess")
    with pytest.raises(NetworkError, match="finite numbers"):
        check_equivalence(one, PLNetwork((Affine([[math.nan]], [0.0]),), 1))


def test_networks_that_jump():
    winner = PLNetwork((LocalWinner([[0, 1]], 2),), 2)
    report = check_equivalence(winner, winner)
    assert report.equivalent is True
    assert report.method == "structural"
    turned = PLNetwork((Affine([[0, 1], [1, 0]], [0, 0]), LocalWinner([[0, 1]], 2)), 2)
    report = check_equivalence(winner, turned, Box(-1, 1))
    assert report.equivalent is False
    assert report.max_deviation is None
    assert report.lower > 0
    # Exchanged twice it differs only where both inputs are equal.
    back = PLNetwork((*turned.layers, Affine([[0, 1], [1, 0]], [0, 0])), 2)
    report = check_equivalence(winner, back, Box(-1, 1))
    assert report.equivalent is not True
    assert "jump" in report.reason


def test_result_does_not_depend_on_the_search(rng):
    f, g = he_network([2, 6, 1], 1), he_network([2, 6, 1], 2)
    reports = [check_equivalence(f, g, Box(-1, 1), rng=seed) for seed in (None, 1, rng)]
    assert len({report.max_deviation for report in reports}) == 1


def test_report_in_words():
    f, g = PLNetwork((ScalarPWL.relu(1),), 1), PLNetwork((ScalarPWL.absolute(1),), 1)
    assert "largest deviation 2 " in str(check_equivalence(f, g, Box(-2, 1)))
    assert "equal everywhere" in str(check_equivalence(f, f))
    unbounded = check_equivalence(f, g)
    assert "largest deviation inf" in str(unbounded)
    assert unbounded.method == "recession"
    assert plnet.PLNetError in NetworkError.__mro__
