"""One layer of lines, counted by their crossings: formulas, exact splitting, and primes that are unlucky."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from helpers import he_network
from hypothesis import given, settings
from hypothesis import strategies as st

import plnet
from plnet import budgets
from plnet.geometry.cells import domain_cell, whole_space
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.regions.control import Control
from plnet.regions.engines.cells import Cells
from plnet.regions.engines.closed import one_layer
from plnet.regions.engines.closed.one_layer import count_lines_inside, count_one_layer
from plnet.regions.engines.closed.residues import enough_residues, some_residues
from plnet.regions.problem import Problem

PLANE = whole_space(2)
DOMAINS = {
    "box": plnet.Box(-2, 2),
    "triangle": plnet.Polytope([[-1, 0], [0, -1], [1, 1]], [1, 1, 1]),
    "wedge": plnet.Polytope([[-1, 1], [-1, -1]], [0, 0]),
    "half-plane": plnet.Polytope([[1, 2]], [1]),
    "strip": plnet.Polytope([[1, 1], [-1, -1]], [1, 2]),
    "plane": plnet.Space(2),
}


def cell_of(domain):
    return domain_cell(domain.chart(2).facets)


def count(lines, cell=PLANE) -> int:
    found = count_lines_inside(cell, lines, Control())
    assert found.complete
    return found.count


def network_of(lines) -> PLNetwork:
    rows = np.array(lines, dtype=float)
    return PLNetwork((Affine(rows[:, :2], rows[:, 2]), ScalarPWL.relu(len(rows))), 2)


def by_formula(lines) -> int:
    """Return Zaslavsky's number for different lines in the plane, from all pairs in rationals."""
    meeting: dict[tuple[Fraction, Fraction], set[int]] = {}
    for (i, (a, b, c)), (j, (e, f, g)) in combinations(enumerate(lines), 2):
        w = a * f - b * e
        if w:
            point = Fraction(b * g - c * f, w), Fraction(c * e - a * g, w)
            meeting.setdefault(point, set()).update((i, j))
    return 1 + len(lines) + sum(len(members) - 1 for members in meeting.values())


@pytest.mark.parametrize("m", [32, 100, 300])
def test_general_position_on_the_plane(m):
    network = he_network((2, m, 1), m, bias=1.0)
    assert plnet.count_regions(network) == 1 + m + m * (m - 1) // 2


@pytest.mark.parametrize("m", [1, 2, 5, 60])
def test_pencils(m):
    lines = [(i, 1, 3 * i - 7) for i in range(m)]
    assert count(lines) == 2 * m
    assert count(lines, cell_of(plnet.Box(-20, 20))) == 2 * m
    # All meet on the right of this box, or on its border.
    assert count(lines, cell_of(plnet.Box([-9, -99], [-5, 999]))) == m + 1
    assert count(lines, cell_of(plnet.Box([-9, -999], [-3, 999]))) == m + 1


@pytest.mark.parametrize(("p", "q"), [(1, 1), (4, 7), (40, 50)])
def test_grids(p, q):
    lines = [(1, 0, i) for i in range(p)] + [(0, 3, 2 * i) for i in range(q)]
    assert count(lines) == (p + 1) * (q + 1)
    assert count([*lines, *lines, *((-a, -b, -c) for a, b, c in lines)]) == (p + 1) * (q + 1)


def test_three_directions_of_parallel_lines():
    n = 12
    lines = [row for i in range(n) for row in ((1, 0, -i), (0, 1, -i), (1, 1, -i))]
    assert count(lines) == by_formula(lines)


def test_lines_that_only_touch_a_polygon():
    square = cell_of(plnet.Box(-1, 1))
    assert count([(1, 0, -1), (0, 1, 1)], square) == 1
    assert count([(1, 1, -2), (1, -1, 2), (1, 0, -3)], square) == 1
    assert count([(1, 1, -2), (1, 1, 0)], square) == 2
    assert count([(1, -1, 0), (1, -2, -1), (2, -1, 1)], square) == 4
    assert count([(0, 0, 5), (0, 0, 0), (1, 0, 0), (-2, 0, 0)], square) == 2
    assert count([]) == count([(0, 0, 1)], square) == 1


def test_large_and_nearly_equal_integers():
    # Three lines through a point, and a fourth that misses it by less than a float can tell.
    big = 10**40
    lines = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (big, -big, 1)]
    assert count(lines) == by_formula(lines) == 10
    square = cell_of(plnet.Box(-1, 1))
    assert count(lines, square) == 10
    # Ends on the boundary that differ by less than a float can tell, in both orders.
    for small, want in ((1, 4), (-1, 3)):
        cross = [(1, 0, 0), (big, big, -big + small)]
        assert count(cross, square) == want


@pytest.mark.parametrize("name", DOMAINS)
@given(
    lines=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=7),
)
@settings(max_examples=40, deadline=None)
def test_small_integers_against_exact_splitting(name, lines):
    domain = DOMAINS[name]
    got = count(lines, PLANE if name == "plane" else cell_of(domain))
    assert plnet.count_regions(network_of(lines), domain, engine="rational") == got


@given(st.sets(st.tuples(*[st.integers(-4, 4)] * 3).filter(lambda f: f[:2] != (0, 0)), max_size=25))
@settings(max_examples=60, deadline=None)
def test_small_integers_against_all_pairs(lines):
    different = sorted({one_layer._primitive(form) for form in lines})
    assert count(list(lines)) == by_formula(different)


PRIMES = some_residues([(0, 1, 0)]).primes.tolist()


@pytest.mark.parametrize("distance", [PRIMES[0], PRIMES[1], PRIMES[0] * PRIMES[1]])
def test_different_points_with_the_same_residue(distance):
    lines = [(0, 1, 0), (1, 0, 0), (1, 0, -distance), (1, 0, -1), (2, 1, 3)]
    assert count(lines) == by_formula(lines)
    undecided = [(1, 0, -distance * k) for k in range(6)]
    lines = [(0, 1, 0), *undecided, (1, 1, 0), (1, -1, 0), (2, 1, 0)]
    assert count(lines) == by_formula(lines)


def test_lines_that_are_parallel_modulo_every_prime_are_counted_in_rationals():
    lines = [(0, 1, 0)]
    primes = enough_residues([(0, 1, PRIMES[0] ** 2)]).primes.tolist()
    lines += [(p, 1, 5 * k + 1) for k, p in enumerate(primes)]
    assert len(enough_residues(lines).primes) <= len(primes)
    assert count(lines) == by_formula(lines)
    lines += [(1, 1, 0), (-1, 1, 0)]
    assert count(lines) == by_formula(lines)


def test_enough_primes_for_the_largest_determinant():
    for largest in (1, 10, 2**31, 10**50):
        lines = [(0, 1, 0), (1, 0, -largest)]
        product = 1
        for prime in enough_residues(lines).primes.tolist():
            product *= prime
        assert product > 6 * largest**3


@pytest.mark.parametrize("name", DOMAINS)
def test_networks_on_all_kinds_of_domains(name):
    rng = np.random.default_rng(3)
    layers = (Affine(rng.normal(size=(20, 2)), rng.normal(size=20)), ScalarPWL.hardtanh(20, -1, 0.5))
    network = PLNetwork(layers, 2)
    got = plnet.count_regions(network, DOMAINS[name])
    assert got.exact
    assert got == plnet.count_regions(network, DOMAINS[name], engine=Cells(visit_all=True))


def test_layers_in_front_without_walls():
    rng = np.random.default_rng(4)
    front = (Affine(rng.normal(size=(4, 2)), rng.normal(size=4)), ScalarPWL.uniform(4, [], [-0.5], 0.25))
    network = PLNetwork(
        (*front, Affine(rng.normal(size=(40, 4)), rng.normal(size=40)), ScalarPWL.relu(40)), 2
    )
    problem = Problem(network, plnet.Box(-1, 1).chart(2))
    found = count_one_layer(problem, Control())
    assert found is not None
    assert found.count == plnet.count_regions(network, plnet.Box(-1, 1), engine=Cells(visit_all=True))


def test_other_networks_are_left_alone():
    for widths in ((2, 40, 3, 1), (2, 5, 1), (3, 40, 1), (1, 40, 1)):
        problem = Problem(he_network(widths, 0), plnet.Box(-1, 1).chart(widths[0]))
        assert count_one_layer(problem, Control()) is None


@pytest.mark.parametrize("pairs", [1, 500, 10**9])
def test_budgets(monkeypatch, pairs):
    monkeypatch.setattr(one_layer, "_PAIRS", pairs)
    network = he_network((2, 64, 1), 1)
    whole = plnet.count_regions(network, engine=Cells(visit_all=True)).count
    seen = []
    assert plnet.count_regions(network, progress=seen.append) == whole
    assert seen == sorted(seen)
    assert seen[-1] == whole
    assert plnet.count_regions(network, max_regions=whole) == whole
    short = plnet.count_regions(network, max_regions=200)
    assert not short.complete
    assert 200 <= short.lower <= whole <= short.upper
    monkeypatch.setattr(budgets, "_SHORTEST", 1e-9)  # Within a thousandth of a second it may be ready.
    late = plnet.count_regions(network, max_seconds=1e-9)
    assert late.complete == (pairs == 10**9)
    assert 1 <= late.lower <= whole


def test_interruption(monkeypatch):
    monkeypatch.setattr(one_layer, "_PAIRS", 500)

    def spent(self, count):
        if count > 300:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(Control, "spent", spent)
    found = plnet.count_regions(he_network((2, 64, 1), 1))
    assert not found.complete
    assert 300 < found.lower < found.upper
