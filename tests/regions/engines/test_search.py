"""`search`: references, degenerate families, dimensions above 2, budgets, and what makes it exact."""

from __future__ import annotations

import os
import signal
import threading
from functools import cache
from itertools import product
from math import comb, factorial

import numpy as np
import pytest
from degenerate import FAMILIES, draw_case
from engine_contract import Case, reference_cases
from helpers import cross, expected_patterns, he_network, pattern_set, proper, to_network
from sign_tree import patterns
from sizes import few

import plnet
from plnet.errors import DomainError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL
from plnet.regions.engines.rational import Rational
from plnet.regions.engines.search import Search
from plnet.regions.engines.searching import plan as search_plan

RELU = ([0], [0, 1], 0)
HARDTANH = ([-1, 1], [0, 1, 0], -1)
IDENTITY = ([], [1], 0)
LEAKY = ([0], [0.5, 1], 0)
ENGINES = [Search(), Search(integers=False)]
IDS = ["integers", "floats"]


def _check(network, domain, wanted: set, engine) -> plnet.regions.RegionComplex:
    """Count and enumerate; each point must have the pattern of its region, exactly."""
    count = plnet.count_regions(network, domain, engine=engine)
    found = plnet.enumerate_regions(network, domain, engine=engine)
    assert count == len(wanted) == len(found)
    assert count.exact
    assert found.exact
    assert count.n_undecided == found.n_undecided == 0
    assert pattern_set(found.patterns) == wanted
    return found


def _check_points(found) -> None:
    points = found.points
    at = found.network.pattern_at(found.chart.embed(points))
    np.testing.assert_array_equal(at, found.patterns)


def _layer(weight, bias=None, units=RELU) -> list:
    weight = np.asarray(weight, float)
    bias = np.zeros(len(weight)) if bias is None else np.asarray(bias, float)
    return [("affine", weight.tolist(), bias.tolist()), ("scalar", [units] * len(weight))]


def _count_central(rows) -> int:
    count = plnet.count_regions(to_network(_layer(rows)), engine=Search())
    assert count.exact
    return count.count


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@pytest.mark.parametrize("case", reference_cases(), ids=lambda case: case.name)
def test_reference(case: Case, engine):
    _check_points(_check(case.network, case.domain, case.patterns, engine))


@pytest.mark.parametrize("number", few([2, 4], 1))
@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@pytest.mark.parametrize("kind", [None, *FAMILIES])
def test_special_position_in_one_and_two_dimensions(kind, engine, number):
    for network, domain, wanted in _special_cases(kind, number):
        _check(network, domain, wanted, engine)


@cache
def _special_cases(kind: str | None, number: int) -> list:
    """Draw networks of a family, with the patterns that both engines must find."""
    rng = np.random.default_rng([11, len(kind or "")])
    drawn = [draw_case(rng, kind) for _ in range(number)]
    return [
        (to_network(layers), domain, expected_patterns(layers, domain))
        for layers, low, high in drawn
        for domain in (plnet.Box(low, high), None)
    ]


def _small_network(rng: np.random.Generator, kind: str, d: int) -> list:
    """Draw a network with small integer, rounded or special weights."""
    layers: list = []
    units = {"leaky": LEAKY, "hardtanh": HARDTANH}.get(kind, RELU)
    shapes = ((d, 4), (4, 3)) if d < 5 else ((d, 3), (3, 3))
    for fan_in, fan_out in ((3, 2), (2, 2)) if kind == "hardtanh" else shapes:
        weight, bias = rng.normal(size=(fan_out, fan_in)), rng.normal(size=fan_out)
        if kind == "integers":
            weight, bias = rng.integers(-2, 3, weight.shape), rng.integers(-1, 2, fan_out)
        if kind == "zero bias":
            bias = 0 * bias
        if kind == "repeated":
            weight[1], bias[1] = weight[0], bias[0]
        if kind == "slab":
            weight[1], bias[1] = weight[0], bias[0] + 1e-10
        if kind == "low rank":
            weight = np.round(weight[:, :2] * 8) / 8 @ rng.integers(-2, 3, (2, fan_in))
        if kind == "float32":
            weight, bias = weight.astype(np.float32), bias.astype(np.float32)
        layers += _layer(weight, bias, units)
    return layers


KINDS = ["generic", "integers", "zero bias", "repeated", "slab", "low rank", "float32", "leaky", "hardtanh"]


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@pytest.mark.parametrize(
    ("d", "kind"), few(((d, kind) for d in (3, 4, 5) for kind in KINDS), lambda case: case != (4, "leaky"))
)
def test_small_networks_against_elimination(d, kind, engine):
    if kind == "hardtanh" and d > 3:
        return
    for network, domain, wanted in _small_cases(d, kind):
        _check(network, domain, wanted, engine)


@cache
def _small_cases(d: int, kind: str) -> list:
    """Draw a network, with the patterns in space and in a cube that both engines must find."""
    layers = _small_network(np.random.default_rng([d, len(kind)]), kind, d)
    network = to_network(layers)
    cases = [(network, None, proper(layers, patterns(layers, d)))]
    if d == 3:
        facets = [[s * (i == j) for j in range(d)] + [1] for i in range(d) for s in (1, -1)]
        cases.append((network, plnet.Box(-1, 1), proper(layers, patterns(layers, d, facets))))
    return cases


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_unbounded_polytopes(engine):
    for network, domain, wanted in _unbounded_cases():
        _check(network, domain, wanted, engine)


@cache
def _unbounded_cases() -> list:
    """Return one network on three polytopes, with the patterns that both engines must find."""
    layers = _small_network(np.random.default_rng(3), "generic", 3)
    cases = []
    for A, b in (
        ([[1.0, 0.0, 0.0]], [0.5]),
        ([[1.0, 1.0, 0.0], [-1.0, -1.0, 0.0]], [1.0, 1.0]),
        ([[1.0, 0.3, 0.0], [0.0, -1.0, 0.2], [0.1, 0.0, 1.0], [-1.0, -1.0, -1.0]], [1.0, 0.5, 0.7, -0.2]),
    ):
        facets = [[-x for x in row] + [c] for row, c in zip(A, b, strict=True)]
        wanted = proper(layers, patterns(layers, 3, facets))
        cases.append((to_network(layers), plnet.Polytope(np.array(A), np.array(b)), wanted))
    return cases


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_maxout_and_skips_in_space(engine):
    rng = np.random.default_rng(8)
    first = ("affine", rng.integers(-3, 4, (6, 3)).tolist(), rng.integers(-3, 4, 6).tolist())
    second = ("affine", rng.normal(size=(4, 2)).tolist(), rng.normal(size=4).tolist())
    maxout = [first, ("max", [[0, 1, 2], [3, 4, 5]]), second, ("max", [[0, 1], [2, 3]])]
    _check(to_network(maxout), None, proper(maxout, patterns(maxout, 3)), engine)
    skip = [
        ("affine", [*rng.normal(size=(2, 3)).tolist(), [1, 0, 0], [0, 1, 0], [0, 0, 1]], [0.1, 0.2, 0, 0, 0]),
        ("scalar", [RELU, RELU, IDENTITY, IDENTITY, IDENTITY]),
        ("affine", rng.normal(size=(3, 5)).tolist(), rng.normal(size=3).tolist()),
        ("scalar", [RELU] * 3),
    ]
    _check(to_network(skip), None, proper(skip, patterns(skip, 3)), engine)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_rational_in_three_and_four_dimensions(seed):
    for d, widths, domain in ((3, (5, 4), None), (4, (4, 3), plnet.Box(-1, 1))):
        network = he_network((d, *widths, 1), seed)
        want = plnet.enumerate_regions(network, domain, engine=Rational())
        _check_points(_check(network, domain, pattern_set(want.patterns), Search()))


def test_agrees_with_cells_on_a_slice():
    network = he_network((5, 10, 10, 1), 4)
    domain = plnet.Slice(np.zeros(5), np.eye(2, 5) + 0.1, -2.0, 1.5)
    want = plnet.enumerate_regions(network, domain, engine="cells")
    _check_points(_check(network, domain, pattern_set(want.patterns), Search()))


# Closed formulas and published counts


def test_reflection_arrangements():
    assert _count_central(np.eye(8)) == 2**8
    pairs = [(i, j) for i in range(5) for j in range(i)]
    braid = [[(k == i) - (k == j) for k in range(5)] for i, j in pairs]
    assert _count_central(braid) == factorial(5)
    b3 = np.eye(3).tolist() + [
        [(k == i) + s * (k == j) for k in range(3)] for i in range(3) for j in range(i) for s in (1, -1)
    ]
    assert _count_central(b3) == 2**3 * factorial(3)


@pytest.mark.parametrize(("n", "count"), [(3, 32), (4, 370), pytest.param(5, 11292, marks=pytest.mark.slow)])
def test_resonance_arrangements(n, count):
    assert _count_central([row for row in product((0, 1), repeat=n) if any(row)]) == count


@pytest.mark.parametrize(("m", "d", "count"), [(8, 3, 93), (10, 4, 386), (7, 5, 120)])
def test_general_position(m, d, count):
    rng = np.random.default_rng(m)
    assert count == sum(comb(m, k) for k in range(d + 1))
    assert (
        plnet.count_regions(to_network(_layer(rng.normal(size=(m, d)), rng.normal(size=m))), engine=Search())
        == count
    )


def test_independent_first_layer_in_a_large_space_has_all_patterns():
    rng = np.random.default_rng(0)
    network = to_network(_layer(rng.normal(size=(9, 100)), rng.normal(size=9)))
    found = plnet.enumerate_regions(network, engine=Search())
    assert len(found) == 2**9
    _check_points(found)


def test_dead_network_has_one_region():
    network = PLNetwork((Affine(np.zeros((2, 3)), np.zeros(2)), ScalarPWL.relu(2)), 3)
    assert plnet.count_regions(network, engine=Search()) == 1
    assert plnet.count_regions(network, plnet.Box(0, 1), engine=Search()) == 1


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_mirrored_units_behind_a_constant_are_all_below(engine):
    rng = np.random.default_rng(0)
    layers = [
        *_layer(rng.normal(size=(3, 2))),
        *_layer(rng.normal(size=(1, 3)), units=([0, 6], [0, 1, 0], 0)),
        *_layer([[1.5], [-0.75], [1.25]]),
    ]
    for domain in (None, plnet.Box(-1, 1)):
        found = _check(to_network(layers), domain, expected_patterns(layers, domain), engine)
        assert (found.patterns[found.patterns[:, 3] == 0][:, 4:] == 0).all()


def test_network_without_units_has_one_region():
    network = PLNetwork((Affine(np.eye(3), np.zeros(3)),), 3)
    assert plnet.count_regions(network, engine=Search()) == 1
    assert len(plnet.enumerate_regions(network, plnet.Box(0, 1), engine=Search())) == 1


def test_empty_domain_is_an_error():
    network = he_network((3, 4, 1), 0)
    for b in ([0.0, -1.0], [1.0, -1.0]):
        domain = plnet.Polytope(np.array([[1.0, 0, 0], [-1.0, 0, 0]]), np.array(b))
        with pytest.raises(DomainError, match="empty or flat"):
            plnet.count_regions(network, domain, engine=Search())


def test_wide_groups_and_padding():
    rng = np.random.default_rng(5)
    network = PLNetwork(
        (Affine(rng.normal(size=(7, 3)), rng.normal(size=7)), GroupMax([[0, 1, 2, 3], [4, 4, 5, 6]], 7)), 3
    )
    raw = [("affine", network.layers[0].weight.tolist(), network.layers[0].bias.tolist())]
    raw.append(("max", [[0, 1, 2, 3], [4, 5, 6]]))
    _check(network, None, proper(raw, patterns(raw, 3)), Search())


# What makes it exact


def _pencil() -> list:
    rng = np.random.RandomState(0)
    shift = ("affine", np.eye(3).tolist(), [-0.1, -0.2, -0.3])
    normals = rng.randn(2, 3)
    return [shift, *_layer(rng.randn(7, 2) @ normals)]


def test_rounded_pencil_needs_rationals():
    layers = _pencil()
    want = proper(layers, patterns(layers, 3))
    count = plnet.count_regions(to_network(layers), plnet.Box(-1, 1), engine=Search(integers=False))
    assert count.exact
    assert count.n_fallbacks > 0
    facets = [[s * (i == j) for j in range(3)] + [1] for i in range(3) for s in (1, -1)]
    assert count == len(proper(layers, patterns(layers, 3, facets)))
    assert plnet.count_regions(to_network(layers), engine=Search()) == len(want)


def test_without_error_bounds_a_degenerate_network_is_miscounted(monkeypatch):
    monkeypatch.setattr(search_plan, "UNIT_ROUNDOFF", 0.0)
    monkeypatch.setattr(search_plan, "FLOOR", 0.0)
    wrong = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        shift = ("affine", np.eye(2).tolist(), [-0.1, -0.2])
        layers = [shift, *_layer(rng.normal(size=(6, 2))), *_layer(rng.normal(size=(6, 6)))]
        try:
            count = plnet.count_regions(to_network(layers), plnet.Box(-1, 1), engine=Search(integers=False))
        except ArithmeticError:
            # The rationals meet a cell that does not exist.
            wrong += 1
        else:
            wrong += count.count != len(expected_patterns(layers, plnet.Box(-1, 1)))
    assert wrong > 0


@pytest.mark.parametrize("scale", [1e-200, 1e-320, 1e200])
@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_numbers_at_the_ends_of_the_range(scale, engine):
    rng = np.random.default_rng(2)
    layers = [
        *_layer(rng.normal(size=(3, 2)) * scale, rng.normal(size=3) * scale),
        *_layer(rng.normal(size=(3, 3)), rng.normal(size=3) * scale),
    ]
    for domain in (None, plnet.Box(-1, 1)):
        wanted = expected_patterns(layers, domain)
        count = plnet.count_regions(to_network(layers), domain, engine=engine)
        assert count == len(wanted)
        assert count.exact


def test_integers_in_many_dimensions_do_not_overflow():
    rng = np.random.default_rng(0)
    network = to_network(_layer(np.eye(12) + np.eye(12, k=1) * 3, rng.integers(-9, 9, 12)))
    assert plnet.count_regions(network, engine=Search()) == 2**12


def test_with_error_bounds_it_is_right():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        shift = ("affine", np.eye(2).tolist(), [-0.1, -0.2])
        layers = [shift, *_layer(rng.normal(size=(6, 2))), *_layer(rng.normal(size=(6, 6)))]
        count = plnet.count_regions(to_network(layers), plnet.Box(-1, 1), engine=Search(integers=False))
        assert count == len(expected_patterns(layers, plnet.Box(-1, 1)))
        assert count.exact


# Budgets, threads, interruption

NETWORK = he_network((6, 6, 6, 1), 1)


@pytest.fixture(scope="module")
def whole() -> set:
    return pattern_set(plnet.enumerate_regions(NETWORK, engine=Search()).patterns)


@pytest.mark.parametrize("jobs", [1, 2])
def test_threads_find_the_same(whole, jobs):
    found = plnet.enumerate_regions(NETWORK, engine=Search(work=100), n_jobs=jobs)
    assert pattern_set(found.patterns) == whole
    assert len(found) == len(whole)
    box = plnet.count_regions(NETWORK, plnet.Box(-1, 1), engine=Search(work=100), n_jobs=jobs)
    assert box == plnet.count_regions(NETWORK, plnet.Box(-1, 1), engine=Search())


@pytest.mark.parametrize("jobs", [1, 2])
def test_budget_of_regions(whole, jobs):
    found = plnet.enumerate_regions(NETWORK, engine=Search(), max_regions=50, n_jobs=jobs)
    assert not found.complete
    assert not found.exact
    assert 50 <= len(found) < len(whole)
    assert pattern_set(found.patterns) <= whole
    count = plnet.count_regions(NETWORK, engine=Search(), max_regions=10**9)
    assert count == len(whole)


def test_budget_of_seconds_and_progress():
    network = he_network((20, 11, 11, 11, 1), 0)
    seen = []
    count = plnet.count_regions(network, engine=Search(), max_seconds=0.5, progress=seen.append)
    assert not count.complete
    assert count.seconds < 5
    assert seen
    assert seen == sorted(seen)


def test_interruption_keeps_what_is_known():
    network = he_network((20, 11, 11, 11, 1), 0)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    count = plnet.count_regions(network, engine=Search())
    timer.join()
    assert not count.complete
    assert count.lower > 0


def test_cross_has_points_inside():
    found = plnet.enumerate_regions(cross(), engine=Search())
    assert sorted(map(tuple, np.sign(found.points).tolist())) == [
        (-1, -1),
        (-1, 1),
        (1, -1),
        (1, 1),
    ]
