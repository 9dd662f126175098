"""Differences of two maxout units: exact everywhere, fewest pieces on the line, certified rounding."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import oracle
import pytest
import torch
from degenerate import FAMILIES, draw_case
from exact_modules import evaluate_module
from helpers import to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from wild_networks import wild_network

import plnet
from plnet.equivalence import difference_network
from plnet.errors import EngineError, IncompleteResultError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL, as_network
from plnet.maxout import MaxAffine, difference_of_maxouts
from plnet.maxout.conversion.rational_layers import difference_network_of
from plnet.networks import LocalWinnerTakeAll, Maxout


def first_output(layers):
    width = len(layers[-1][1])
    return [*layers, ("affine", [[1] + [0] * (width - 1)], [0])]


def scaled_down(rng, d):
    """Draw a network whose numbers are of ordinary size."""
    return first_output(wild_network(rng, d))


def relu_network(widths, seed):
    torch.manual_seed(seed)
    parts = []
    for n_in, n_out in pairwise(widths):
        parts += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*parts[:-1]).double()


def one_function(f, g):
    """Prove that two networks agree on R^n."""
    complex_ = plnet.enumerate_regions(difference_network(f, g))
    assert complex_.exact
    return all(not any(part.any() for part in complex_.exact_map(i)) for i in range(len(complex_)))


METHODS = ["auto", "walls", "layers"]


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, *FAMILIES]), st.sampled_from(METHODS))
@settings(max_examples=20)
def test_random_networks_at_all_corners(seed, family, method):
    rng = np.random.default_rng(seed)
    layers, low, high = draw_case(rng, family)
    layers = first_output(layers)
    network = to_network(layers)
    found = difference_of_maxouts(network, plnet.Box(low, high), method=method)
    cells = oracle.cells(layers, low, high)
    # Both sides are affine inside a cell of f that g and h do not cut, so corners and centres are enough
    # where they do not, and a strong test where they do.
    for cell in cells:
        centre = [sum(column) / len(cell.vertices) for column in zip(*cell.vertices, strict=True)]
        for point in (*cell.vertices, centre):
            (expected,), _ = oracle.evaluate(layers, point)
            assert found([point], exact=True)[0] == expected
    assert found.n_regions == len(cells)
    if found.method == "layers":
        assert max(found.g.pieces, found.h.pieces) <= len(cells)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(max_examples=10)
def test_networks_of_every_shape_on_all_of_space(seed, d):
    rng = np.random.default_rng(seed)
    layers = scaled_down(rng, d)
    network = to_network(layers, d)
    if int(plnet.count_regions(network)) > 60:
        return
    g, h = difference_of_maxouts(network)
    for _ in range(8):
        point = [Fraction(int(x), 101) for x in rng.integers(-500, 501, size=d)]
        (expected,), _ = oracle.evaluate(layers, point)
        assert g([point], exact=True)[0] - h([point], exact=True)[0] == expected


@pytest.mark.parametrize("method", ["walls", "layers"])
@pytest.mark.parametrize("widths", [(1, 4, 3, 1), (2, 4, 1), (2, 3, 3, 1), (3, 3, 1)])
def test_the_difference_is_the_same_function_everywhere(widths, method):
    module = relu_network(widths, 2)
    found = difference_of_maxouts(module, method=method)
    assert one_function(as_network(module), found.to_network())
    wrong = MaxAffine(found.g.slopes, [*found.g.offsets[:-1], found.g.offsets[-1] + Fraction(1, 10**30)])
    assert not one_function(as_network(module), difference_network_of(wrong, found.h))


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, *FAMILIES]))
@settings(max_examples=40)
def test_on_the_line_the_pieces_are_the_fewest(seed, family):
    rng = np.random.default_rng(seed)
    layers, low, high = draw_case(rng, family)
    if len(low) > 1:
        return
    layers = first_output(layers)
    cells = sorted(oracle.cells(layers, low, high), key=lambda cell: min(cell.vertices))
    slopes = [cell.outputs[0][0] for cell in cells]
    up = sum(a < b for a, b in pairwise(slopes))
    down = sum(a > b for a, b in pairwise(slopes))
    found = difference_of_maxouts(to_network(layers), plnet.Box(low, high))
    assert (found.g.pieces, found.h.pieces) == (up + 1, down + 1)
    assert found.fewest


def test_identities_of_the_line():
    g, h = difference_of_maxouts(nn.Hardtanh())
    assert (g.slopes.tolist(), g.offsets.tolist()) == ([[0], [1]], [-1, 0])
    assert (h.slopes.tolist(), h.offsets.tolist()) == ([[0], [1]], [0, -1])
    g, h = difference_of_maxouts(nn.LeakyReLU(1.7))
    assert g.slopes.tolist() == [[0]]
    assert h.slopes.tolist() == [[-Fraction(1.7)], [-1]]


def test_a_convex_function_needs_one_unit():
    function = MaxAffine([[1, 2], [3, -1], [0, 0]], [0, 1, 0])
    g, h = difference_of_maxouts(function.to_module())
    assert g.pieces == 3
    assert h.pieces == 1
    assert not h.slopes.any()
    found = difference_of_maxouts(as_network(function.to_module()), output=[-1.0])
    assert (found.g.pieces, found.h.pieces) == (1, 3)


def test_two_units_that_are_given_are_found_again():
    torch.manual_seed(5)
    module = nn.Sequential(Maxout(2, 2, 4), nn.Linear(2, 1)).double()
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([[1.0, -1.0]]))
    found = difference_of_maxouts(module)
    assert found.pieces <= 8
    assert found.pieces < difference_of_maxouts(module, method="walls").pieces


def test_common_bends_are_taken_out():
    # max(x, y) - max(0, x + y), with a kink at x + 2 y = 1 that is added and subtracted.
    units = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [0.0, 0.0]])
    offsets = np.array([0.0, 0.0, 0.0, 0.0, -1.0, 0.0])
    plain = PLNetwork(
        (Affine(units, offsets), GroupMax([[0, 1], [2, 3], [4, 5]], 6), Affine([[1.0, -1.0, 0.0]], [0.0])), 2
    )
    added = Affine([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [5.0, 5.0])
    disguised = PLNetwork((*plain.layers[:2], added, ScalarPWL.identity(2), Affine([[1.0, -1.0]], [0.0])), 2)
    for network in (plain, disguised):
        found = difference_of_maxouts(network, method="layers")
        assert (found.g.pieces, found.h.pieces) == (2, 2)
        assert one_function(network, found.to_network())


def test_fractions_of_averages_are_kept():
    module = nn.Sequential(nn.AvgPool1d(3), nn.Flatten(), nn.ReLU())
    network = as_network(module, (1, 3))
    found = difference_of_maxouts(network)
    assert found.g.slopes.tolist() == [[0, 0, 0], [Fraction(1, 3)] * 3]
    assert one_function(network, found.to_network())
    assert found.module_deviation == math.inf
    boxed = difference_of_maxouts(network, plnet.Box(0, 1))
    assert boxed.module_deviation == 3 * abs(Fraction(1, 3) - Fraction(1 / 3))


@pytest.mark.parametrize("seed", range(4))
def test_the_module_is_as_near_as_certified(seed):
    module = relu_network((2, 4, 3, 1), seed)
    box = plnet.Box(-1, 1)
    found = difference_of_maxouts(module, box)
    bound, rounded = found.module_deviation, found.to_module()
    rng = np.random.default_rng(seed)
    points = [[Fraction(x) for x in row] for row in rng.uniform(-1, 1, size=(40, 2)).tolist()]
    points += [[Fraction(a), Fraction(b)] for a in (-1, 1) for b in (-1, 1)]
    source = as_network(module)
    for point in points:
        exact = source.evaluate(np.array([point], dtype=object), exact=True)[0, 0]
        assert abs(evaluate_module(rounded, point)[0] - exact) <= bound
    assert bound < 1e-14
    assert bound > 0
    assert [type(part) for part in rounded] == [Maxout, nn.Linear]
    assert all(parameter.requires_grad for parameter in rounded.parameters())


def test_rounded_slopes_on_unbounded_domains():
    third = MaxAffine([[Fraction(1, 3)], [0]], [0, 0])
    assert difference_of_maxouts(third, plnet.Polytope([[-1.0]], [0.0])).module_deviation == math.inf
    assert difference_of_maxouts(third, plnet.Polytope([[1.0]], [-1.0])).module_deviation == 0
    strip = MaxAffine([[Fraction(1, 3), 0], [0, 1]], [0, Fraction(1, 7)])
    found = difference_of_maxouts(strip, plnet.Polytope([[1.0, 0.0], [-1.0, 0.0]], [3.0, 1.0]))
    slope, offset = (abs(x - Fraction(float(x))) for x in (Fraction(1, 3), Fraction(1, 7)))
    assert found.module_deviation == max(3 * slope, offset)


def test_a_module_without_rounding():
    found = difference_of_maxouts(nn.ReLU6())
    assert found.module_deviation == 0
    assert evaluate_module(found.to_module(), [Fraction(20, 3)]) == [6]


def test_domains_with_coordinates():
    saddle = PLNetwork((Affine(np.eye(2), np.zeros(2)), ScalarPWL.absolute(2), Affine([[1, -1]], [0])), 2)
    found = difference_of_maxouts(saddle, plnet.Segment([-1.0, 2.0], [3.0, 2.0]))
    # |x| - 2 along x = 4 t - 1.
    assert found([[Fraction(1, 4)], [0], [1]], exact=True).tolist() == [-2, -1, 1]
    assert (found.g.pieces, found.h.pieces) == (2, 1)


def test_refusals():
    with pytest.raises(EngineError, match="method"):
        difference_of_maxouts(nn.ReLU(), method="wang")
    with pytest.raises(EngineError, match="jumps"):
        difference_of_maxouts(nn.Sequential(nn.Linear(2, 4), LocalWinnerTakeAll(2)), output=0)
    with pytest.raises(IncompleteResultError, match="max_regions"):
        difference_of_maxouts(relu_network((2, 8, 1), 0), max_regions=3)
    with pytest.raises(IncompleteResultError):
        difference_of_maxouts(relu_network((2, 40, 40, 1), 0), max_seconds=0.2)
