"""Exact extrema: against all corners of an independent decomposition, linear programs, by hand."""

from __future__ import annotations

import itertools
from fractions import Fraction

import degenerate
import numpy as np
import oracle
import pytest
from helpers import cross, he_network, to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import plnet
from plnet.errors import DimensionError, EngineError, IncompleteResultError
from plnet.ir import Affine, PLNetwork, ScalarPWL


def best_corners(layers, low, high, output=0):
    """Return least and greatest output over all exact corners of the oracle's cells."""
    values = [
        sum((g * x for g, x in zip(cell.outputs[output][:-1], corner, strict=True)), cell.outputs[output][-1])
        for cell in oracle.cells(layers, low, high)
        for corner in cell.vertices
    ]
    return min(values), max(values)


@pytest.mark.parametrize("family", degenerate.FAMILIES)
def test_extrema_are_those_of_all_exact_corners(family):
    rng = np.random.default_rng(5)
    for _ in range(4):
        layers, low, high = degenerate.draw_case(rng, family)
        network = to_network(layers)
        found = plnet.enumerate_regions(network, plnet.Box(low, high)).extrema(0)
        assert (found.minimum.value, found.maximum.value) == best_corners(layers, low, high)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 2), st.sampled_from([0.0, 0.1, 1.0]))
def test_extrema_of_random_networks_are_attained_and_not_exceeded(seed, d, bias):
    network = he_network((d, 6, 5, 2), seed, bias)
    weights = [1.0, -0.5]
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).extrema(weights)
    for extremum in (found.minimum, found.maximum):
        values = network.evaluate(np.array([extremum.input], dtype=object), exact=True)[0]
        assert values[0] - values[1] / 2 == extremum.value
        assert all(-1 <= x <= 1 for x in extremum.input)
    points = np.random.default_rng(seed).uniform(-1, 1, (2000, d))
    sampled = network.evaluate(points) @ weights
    assert found.minimum.value - Fraction(1, 10**9) <= Fraction(float(sampled.min()))
    assert found.maximum.value + Fraction(1, 10**9) >= Fraction(float(sampled.max()))


@pytest.mark.parametrize("d", [3, 4])
def test_extrema_in_more_dimensions_are_those_of_linear_programs(d):
    network = he_network((d, 6, 4, 1), 3, 0.3)
    complex_ = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    best = []
    for sign in (1, -1):
        values = []
        for i in range(len(complex_)):
            sides = complex_.halfspaces(i)
            gradient = sign * complex_.gradients[i, 0]
            program = linprog(-gradient, sides.A, sides.b, bounds=[(None, None)] * d)
            values.append(sign * (-program.fun + sign * complex_.offsets[i, 0]))
        best.append(max(values) if sign > 0 else min(values))
    found = complex_.extrema()
    assert float(found.maximum.value) == pytest.approx(best[0], abs=1e-8)
    assert float(found.minimum.value) == pytest.approx(best[1], abs=1e-8)


def test_constant_pieces_and_values_that_are_no_floats():
    # max(x/3, 0) with weights that are floats near 1/3: the greatest value has no short form.
    network = PLNetwork((Affine([[1 / 3]], [0]), ScalarPWL.relu(1), Affine([[0.1]], [0.7])), 1)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).extrema()
    assert found.maximum.value == Fraction(0.1) * Fraction(1 / 3) + Fraction(0.7)
    assert found.minimum.value == Fraction(0.7)


def test_many_regions_share_the_least_value():
    network = PLNetwork((Affine(np.eye(2), [-0.5, -0.5]), ScalarPWL.relu(2), Affine([[1, 1]], [0.3])), 2)
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).extrema()
    assert found.minimum.value == Fraction(0.3)
    assert found.maximum.value == 1 + Fraction(0.3)
    assert found.maximum.point == (1, 1)


def test_unbounded_output_gives_the_ray():
    complex_ = plnet.enumerate_regions(cross())
    found = complex_.extrema([1.0, 1.0])
    assert found.minimum.value == 0
    assert found.maximum.value == float("inf")
    assert not found.maximum.bounded
    ray = [float(x) for x in found.maximum.ray]
    assert cross().evaluate(np.array([ray]) * 100).sum() > 99
    assert found.maximum.point is None


def test_bounded_output_on_all_of_space():
    # -|x| - |y| has a greatest value on the plane, and no least one.
    network = PLNetwork((Affine(np.eye(2), [0, -3]), ScalarPWL.absolute(2), Affine([[-1, -1]], [2])), 2)
    found = plnet.enumerate_regions(network).extrema()
    assert found.maximum.value == 2
    assert found.maximum.point == (0, 3)
    assert found.minimum.value == -float("inf")


def test_along_a_line_in_every_region():
    # The output depends on x only, so every region contains whole lines.
    network = PLNetwork((Affine([[1, 0, 0]], [0]), ScalarPWL.absolute(1)), 3)
    found = plnet.enumerate_regions(network).extrema()
    assert found.minimum.value == 0
    assert found.maximum.value == float("inf")
    assert found.maximum.ray[0] != 0


def test_coordinates_of_a_slice():
    points = [[0.1, 0.2, 0.3], [0.7, -0.4, 0.5], [-0.3, 0.6, 0.9]]
    network = he_network((3, 6, 6, 1), 1)
    complex_ = plnet.enumerate_regions(network, plnet.Slice.through(points))
    found = complex_.extrema().maximum
    assert network.evaluate(np.array([found.input], dtype=object), exact=True)[0, 0] == found.value
    exact = [[Fraction(x) for x in row] for row in points]
    s, t = found.point
    expected = [a + s * (b - a) + t * (c - a) for a, b, c in zip(*exact, strict=True)]
    assert list(found.input) == expected


def test_greatest_value_of_a_hypercube_of_absolute_values():
    d = 4
    network = PLNetwork(
        (Affine(np.eye(d), np.zeros(d)), ScalarPWL.absolute(d), Affine(np.ones((1, d)), [0])), d
    )
    found = plnet.enumerate_regions(network, plnet.Box(-1, 1)).extrema()
    assert found.maximum.value == d
    assert found.maximum.point in set(itertools.product([Fraction(-1), Fraction(1)], repeat=d))


def test_wrong_outputs_are_refused():
    complex_ = plnet.enumerate_regions(he_network((2, 3, 3), 0), plnet.Box(-1, 1))
    with pytest.raises(DimensionError, match="output=0 to 2"):
        complex_.extrema()
    with pytest.raises(DimensionError, match="outputs 0 to 2"):
        complex_.extrema(3)
    with pytest.raises(DimensionError, match="3 finite weights"):
        complex_.extrema([1.0, np.nan, 0.0])


def test_partial_complexes_and_jumps_are_refused():
    part = plnet.enumerate_regions(he_network((2, 20, 20, 1), 0), plnet.Box(-1, 1), max_regions=1)
    if not part.complete:
        with pytest.raises(IncompleteResultError, match="extrema"):
            part.extrema()
    from plnet.ir.layers import LocalWinner

    jumping = PLNetwork((LocalWinner([[0, 1]], 2),), 2)
    with pytest.raises(EngineError, match="jumps"):
        plnet.enumerate_regions(jumping, plnet.Box(-1, 1)).extrema(0)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_numbers_beyond_the_range_of_floats(size):
    # relu(size x) * size + size: the greatest value is size^2 + size, of which floats know nothing.
    network = PLNetwork((Affine([[size]], [0.0]), ScalarPWL.relu(1), Affine([[size]], [size])), 1)
    complex_ = plnet.enumerate_regions(network, plnet.Box(-1, 1))
    found = complex_.extrema()
    assert found.maximum.value == Fraction(size) ** 2 + Fraction(size)
    assert found.minimum.value == Fraction(size)
    assert complex_.lipschitz().squared == Fraction(size) ** 4
    assert complex_.lipschitz(1).exact == Fraction(size) ** 2
    assert complex_.lipschitz(1).lower <= Fraction(size) ** 2
    assert len(complex_.level_set(2 * size)) == (1 if size > 1 else 0)
