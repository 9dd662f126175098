"""Exact Lipschitz constants: against brute force over regions, dense samples, hand-made networks."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import degenerate
import numpy as np
import oracle
import pytest
from helpers import he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import plnet
from plnet.errors import EngineError
from plnet.ir import Affine, PLNetwork, ScalarPWL
from plnet.regions.measures.operator_norms import _corners_of_sum, is_definite, root_bracket, spectral_bracket

DIAMOND = PLNetwork((Affine(np.eye(2), [0, 0]), ScalarPWL.absolute(2), Affine([[1, 1]], [0])), 2)


def test_sum_of_absolute_values():
    complex_ = plnet.enumerate_regions(DIAMOND, plnet.Box(-2, 2))
    assert complex_.lipschitz(1).exact == 1
    assert complex_.lipschitz(2).squared == 2
    assert complex_.lipschitz(math.inf).exact == 2
    assert complex_.lipschitz(2).lower <= math.sqrt(2) <= complex_.lipschitz(2).upper
    assert float(complex_.lipschitz(1)) == 1.0


def test_only_regions_inside_the_domain_count():
    # relu(5 (x - 3)) is steep outside of the box only.
    network = PLNetwork((Affine([[1.0], [5.0]], [0, -15]), ScalarPWL.relu(2), Affine([[1, 1]], [0])), 1)
    for p in (1, 2, math.inf):
        assert plnet.enumerate_regions(network, plnet.Box(-2, 2)).lipschitz(p).upper == 1.0
        assert plnet.enumerate_regions(network, plnet.Box(-2, 4)).lipschitz(p).upper == 6.0


@pytest.mark.parametrize("family", degenerate.FAMILIES)
def test_constants_are_those_of_all_exact_regions(family):
    rng = np.random.default_rng(6)
    for _ in range(4):
        layers, low, high = degenerate.draw_case(rng, family)
        gradients = [cell.outputs[0][:-1] for cell in oracle.cells(layers, low, high)]
        complex_ = plnet.enumerate_regions(to_network(layers), plnet.Box(low, high))
        # The dual norm of a gradient is its Lipschitz constant.
        assert complex_.lipschitz(1, 0).exact == max(max(map(abs, g)) for g in gradients)
        assert complex_.lipschitz(math.inf, 0).exact == max(sum(map(abs, g)) for g in gradients)
        assert complex_.lipschitz(2, 0).squared == max(sum(x * x for x in g) for g in gradients)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, math.inf]))
def test_no_pair_of_points_is_steeper(seed, p):
    network = he_network((3, 6, 5, 2), seed, 0.3)
    rng = np.random.default_rng(seed)
    plane = plnet.Slice(rng.normal(size=3), rng.normal(size=(2, 3)))
    constant = plnet.enumerate_regions(network, plane).lipschitz(p)
    x = plane.chart(3).embed(rng.uniform(-1, 1, (400, 2)))
    y = plane.chart(3).embed(rng.uniform(-1, 1, (400, 2)))
    rise = np.linalg.norm(network.evaluate(x) - network.evaluate(y), ord=p, axis=1)
    run = np.linalg.norm(x - y, ord=p, axis=1)
    assert (rise <= constant.upper * run * (1 + 1e-9)).all()


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_near_a_point_of_the_steepest_region_it_is_attained(seed):
    network = he_network((3, 6, 5, 2), seed, 0.3)
    rng = np.random.default_rng(seed)
    complex_ = plnet.enumerate_regions(network, plnet.Slice(rng.normal(size=3), rng.normal(size=(2, 3))))
    constant = complex_.lipschitz()
    angles = np.linspace(0, np.pi, 4001)
    # Directions that are evenly spread in the plane itself, not in its oblique coordinates.
    upper = np.linalg.qr(complex_.chart.directions, mode="r")
    t = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ np.linalg.inv(upper).T
    rise = np.linalg.norm(t @ complex_.gradients[constant.region].T, axis=1)
    run = np.linalg.norm(t @ complex_.chart.directions.T, axis=1)
    assert constant.lower <= constant.upper <= constant.lower * (1 + 1e-9)
    assert (rise / run).max() == pytest.approx(constant.lower, rel=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 3))
def test_norms_on_slices_are_those_of_linear_programs(seed, d):
    rng = np.random.default_rng(seed)
    network = PLNetwork((Affine(rng.normal(size=(1, 4)), [0.0]),), 4)
    directions = rng.normal(size=(d, 4))
    complex_ = plnet.enumerate_regions(network, plnet.Slice(np.zeros(4), directions))
    gradient = complex_.gradients[0, 0]
    # max g t such that the p-norm of x = directions^T t is at most 1.
    largest = linprog(
        -gradient,
        np.concatenate([directions.T, -directions.T]),
        np.ones(8),
        bounds=[(None, None)] * d,
    )
    assert complex_.lipschitz(math.inf).upper == pytest.approx(-largest.fun, rel=1e-7)
    sums = linprog(
        np.concatenate([-gradient, np.zeros(4)]),
        np.block([[directions.T, -np.eye(4)], [-directions.T, -np.eye(4)], [np.zeros(d), np.ones(4)]]),
        np.concatenate([np.zeros(8), [1.0]]),
        bounds=[(None, None)] * (d + 4),
    )
    assert complex_.lipschitz(1).upper == pytest.approx(-sums.fun, rel=1e-7)


def test_several_outputs_have_operator_norms():
    weight = np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]])
    complex_ = plnet.enumerate_regions(PLNetwork((Affine(weight, np.zeros(3)),), 2), plnet.Box(-1, 1))
    assert complex_.lipschitz(1).exact == Fraction(25, 4)
    assert complex_.lipschitz(math.inf).exact == 7
    # The greater root of l^2 - tr l + det of the 2 x 2 matrix W^T W = [[10.25, -9.875], [-9.875, 20.0625]].
    trace, determinant = 10.25 + 20.0625, 10.25 * 20.0625 - 9.875**2
    expected = math.sqrt((trace + math.sqrt(trace**2 - 4 * determinant)) / 2)
    found = complex_.lipschitz()
    assert found.lower <= expected * (1 + 1e-15)
    assert found.upper >= expected * (1 - 1e-15)
    assert found.upper - found.lower < 1e-11
    assert complex_.lipschitz(2, 1).squared == 25


def test_many_regions_with_the_same_constant():
    network = PLNetwork(
        (Affine(np.eye(3), np.zeros(3)), ScalarPWL.absolute(3), Affine(np.ones((1, 3)), [0])), 3
    )
    complex_ = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    assert complex_.lipschitz().squared == 3
    assert complex_.lipschitz(math.inf).exact == 3


def test_brackets_are_proved():
    gram = np.array([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(3)]], dtype=object)
    matrix = np.array([[Fraction(1), Fraction(2)], [Fraction(0), Fraction(5)]], dtype=object)
    lower, upper = spectral_bracket(matrix, gram)
    assert is_definite(upper * gram - matrix.T @ matrix)
    assert not is_definite(lower * gram - matrix.T @ matrix)
    assert not is_definite(np.array([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]], dtype=object))
    assert root_bracket(Fraction(4), Fraction(4)) == (2.0, 2.0)
    low, high = root_bracket(Fraction(2), Fraction(2))
    assert Fraction(low) ** 2 < 2 < Fraction(high) ** 2
    assert high == math.nextafter(low, 2)
    for exponent in (-401, -300, 300, 401):
        number = 2 * Fraction(10) ** exponent
        low, high = root_bracket(number, number)
        assert Fraction(low) ** 2 < number < Fraction(high) ** 2
        assert high == math.nextafter(low, math.inf)
    assert root_bracket(Fraction(10) ** 700, Fraction(10) ** 700) == (sys.float_info.max, math.inf)
    assert root_bracket(Fraction(0), Fraction(0)) == (0.0, 0.0)


def test_other_norms_are_refused():
    with pytest.raises(EngineError, match="1, 2 or inf"):
        plnet.enumerate_regions(DIAMOND, plnet.Box(-1, 1)).lipschitz(3)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_turning_a_line_finds_the_corners_of_all_pairs(seed):
    """In the plane the corners come from a sweep, elsewhere from all choices of rows."""
    rng = np.random.default_rng(seed)
    rows = [[Fraction(x) for x in row] for row in rng.integers(-2, 3, (6, 2)).tolist()]
    rows = [row for row in rows if any(row)] + [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]
    corners = _corners_of_sum(rows, 2)
    for v in corners:
        assert sum(abs(r[0] * v[0] + r[1] * v[1]) for r in rows) == 1
    expected = set()
    for r in rows:
        normal = (-r[1], r[0])
        size = sum(abs(q[0] * normal[0] + q[1] * normal[1]) for q in rows)
        expected.add(
            frozenset({(normal[0] / size, normal[1] / size), (-normal[0] / size, -normal[1] / size)})
        )
    assert {frozenset({tuple(v), tuple(-x for x in v)}) for v in corners} == expected
