"""The report on what maxout units express, and max-affine functions themselves."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from exact_modules import evaluate_module
from torch import nn

from plnet.errors import (
    ConfigError,
    DimensionError,
    DomainError,
    IngestError,
    NetworkError,
    NotPiecewiseLinearError,
)
from plnet.ir import PLNetwork
from plnet.maxout import MaxAffine, explain_expressivity
from plnet.maxout.conversion.activation_names import number_text
from plnet.maxout.conversion.rational_layers import Row, exact_affine, expansion
from plnet.maxout.conversion.scalar_units import SignedUnit, function_of_kinks, signed_units
from plnet.maxout.expressivity.explain import greatest_distance

# Reports


@pytest.mark.parametrize("slope", [-2.0, -1.0, -0.3, 0.0, 1 - 2**-53])
def test_rectifiers_up_to_slope_one(slope):
    report = explain_expressivity(slope)
    assert report.one_unit
    assert report.pieces == (2,)
    assert report.weights == ((1, Fraction(slope), 0), (1, 1, 0))
    assert report.deviation == 0
    assert report.witness is None
    assert report.verdict == "one maxout unit with 2 pieces"


def test_the_identity_has_one_piece():
    report = explain_expressivity(1.0)
    assert report.pieces == (1,)
    assert report.formula == "z"
    assert "linear" in str(report)


@pytest.mark.parametrize("slope", [1 + 2**-52, 1.7, Fraction(17, 10), 3])
def test_rectifiers_above_slope_one_are_no_single_unit(slope):
    report = explain_expressivity(slope)
    assert not report.one_unit
    assert report.pieces == (2,)
    assert report.weights == ((-1, -Fraction(slope), 0), (-1, -1, 0))
    assert report.deviation == 0
    # f(-1) = -a, f(0) = 0, f(1) = 1.
    assert report.witness.values == (-Fraction(slope), 0, 1)
    assert report.witness.gap == (Fraction(slope) - 1) / 2
    assert "no single maxout unit" in report.verdict


def test_text_of_the_impossible_case():
    text = str(explain_expressivity(1.7))
    assert "-max(-1.7 z, -z), or (1.7 + 1) z - max(z, 1.7 z)" in text
    assert "the value 0 at z = 0 lies 0.35 above the chord" in text
    assert "Pieces are no layers" in text
    assert "a second layer is not needed" in text
    assert "1 downward kink needs 2 pieces with a minus" in text


def test_distances_are_the_greatest_on_the_line():
    hat = function_of_kinks(
        Fraction(0),
        Fraction(0),
        [(Fraction(-1), Fraction(1)), (Fraction(0), Fraction(-2)), (Fraction(1), Fraction(1))],
    )
    zero = SignedUnit(1, (Fraction(0),), (Fraction(0),))
    assert greatest_distance(hat, [zero]) == 1
    assert greatest_distance(hat, [SignedUnit(1, (Fraction(0),), (Fraction(1, 4),))]) == Fraction(3, 4)
    assert (
        greatest_distance(hat, [SignedUnit(1, (Fraction(0), Fraction(1)), (Fraction(0), Fraction(0)))])
        == math.inf
    )
    assert greatest_distance(hat, signed_units(hat)) == 0


def test_difference_of_two_units():
    report = explain_expressivity(nn.Hardtanh())
    assert report.formula == "max(-1, z) - max(0, z - 1)"
    assert report.pieces == (2, 2)
    assert report.relus == 2
    assert report.witness.gap > 0
    assert explain_expressivity("relu6").formula == "max(0, z) - max(0, z - 6)"


def test_a_network_of_one_variable():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    report = explain_expressivity(module)
    assert report.deviation == 0
    for z in [Fraction(-9), Fraction(-1, 3), Fraction(2, 7), Fraction(11)]:
        assert sum(unit(z) for unit in report.units) == evaluate_module(module, [z])[0]


def test_refusals_in_words():
    with pytest.raises(NotPiecewiseLinearError, match="not piecewise linear"):
        explain_expressivity(nn.GELU())
    with pytest.raises(ConfigError, match="Did you mean 'relu'"):
        explain_expressivity("relux")
    with pytest.raises(DimensionError, match="one variable"):
        explain_expressivity(nn.Linear(2, 1))
    with pytest.raises(DimensionError, match="layer"):
        explain_expressivity("maxout")
    with pytest.raises(NetworkError, match="finite slope"):
        explain_expressivity(float("nan"))
    with pytest.raises(IngestError, match="make an instance"):
        explain_expressivity(nn.ReLU)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(3), "3"),
        (Fraction(-0.3), "-0.3"),
        (Fraction(1, 6), "1/6"),
        (1 + Fraction(1, 2**52), "1 + 2^-52"),
        (-Fraction(1, 2**60), "-2^-60"),
        (Fraction(10**400), "about inf"),
        (Fraction(1, 3) + Fraction(1, 10**9), "about 0.333333"),
    ],
)
def test_numbers_in_words(number, text):
    assert number_text(number) == text


# Max-affine functions


def test_values_of_a_max_affine_function():
    function = MaxAffine([[1, 2], [-1, 0], [Fraction(1, 3), 0]], [0, 1, Fraction(1, 7)])
    points = [[Fraction(1, 2), Fraction(-1, 3)], [3, -3], [-1, -1]]
    expected = [max(x + 2 * y, 1 - x, Fraction(x) / 3 + Fraction(1, 7)) for x, y in points]
    assert function(points, exact=True).tolist() == expected
    np.testing.assert_allclose(function(points), [float(x) for x in expected], rtol=1e-15)
    assert (
        function.active_piece(points).tolist()
        == function.active_piece(points, exact=True).tolist()
        == [1, 2, 1]
    )
    assert len(function) == function.pieces == 3
    assert function.dim == 2
    network = function.to_network()
    assert network.evaluate(np.array(points, dtype=object), exact=True)[:, 0].tolist() == expected


def test_ties_go_to_the_last_piece():
    function = MaxAffine([[1], [-1]], [0, 0])
    assert function.active_piece([0.0]).tolist() == function.active_piece([0], exact=True).tolist() == [1]


def test_rounding_is_known():
    assert MaxAffine([[0.1], [0.5]], [1e-300, 3]).has_float_coefficients
    assert not MaxAffine([[Fraction(1, 3)]], [0]).has_float_coefficients
    assert not MaxAffine([[2**60 + 1]], [0]).has_float_coefficients
    module = MaxAffine([[0.1], [0.5]], [0.25, 3.0]).to_module()
    assert module.weight.tolist() == [[[0.1], [0.5]]]
    assert module.weight.requires_grad
    with pytest.raises(NetworkError, match="beyond the range"):
        MaxAffine([[10**400]], [0]).to_module()


@pytest.mark.parametrize(
    ("slopes", "offsets", "words"),
    [
        (np.zeros((0, 2)), [], "k = 0"),
        ([1.0, 2.0], [0.0, 0.0], r"shape \(k, 1\)"),
        ([[1.0]], [0.0, 1.0], "Expected slopes"),
        ([[float("nan")]], [0.0], "finite slopes"),
        ([[1.0]], [float("inf")], "finite offsets"),
        ([["a"]], [0.0], "numbers"),
    ],
)
def test_max_affine_functions_that_are_none(slopes, offsets, words):
    with pytest.raises(NetworkError, match=words):
        MaxAffine(slopes, offsets)


def test_points_that_are_none():
    function = MaxAffine([[1.0, 2.0]], [0.0])
    with pytest.raises(DimensionError, match="shape"):
        function([1.0, 2.0])
    with pytest.raises(DomainError, match="finite"):
        function([[np.nan, 0.0]])


# Exact affine layers


def test_rational_rows_are_carried_exactly():
    third, huge = Fraction(1, 3), Fraction(2**70 + 2**3 + 1)
    rows = [
        Row({0: third, 1: Fraction(2, 7)}, Fraction(5, 9)),
        Row({1: huge}, Fraction(0.1) + Fraction(1, 2**90)),
        Row({}, Fraction(-7, 11)),
    ]
    network = PLNetwork(exact_affine(rows, 2), 2)
    x, y = Fraction(3, 13), Fraction(-5)
    expected = [third * x + Fraction(2, 7) * y + Fraction(5, 9), huge * y + rows[1].bias, Fraction(-7, 11)]
    assert network.evaluate(np.array([[x, y]], dtype=object), exact=True)[0].tolist() == expected


def test_one_layer_is_enough_for_floats():
    assert len(exact_affine([Row({0: Fraction(0.1)}, Fraction(0.7))], 1)) == 1


@pytest.mark.parametrize("number", [Fraction(1, 3), Fraction(10**400), Fraction(1, 2**1080)])
def test_numbers_that_floats_cannot_add_up_to(number):
    with pytest.raises(NetworkError, match="no sum of float64"):
        expansion(number)


def test_expansions_add_up():
    for number in (
        Fraction(0),
        Fraction(0.1) * Fraction(0.3),
        Fraction(2**200 + 1),
        Fraction(-(2**54) - 1, 2**9),
    ):
        assert sum(map(Fraction, expansion(number)), Fraction(0)) == number


def test_denominators_beyond_integers():
    many = PLNetwork(exact_affine([Row({0: Fraction(1, 3**50)}, Fraction(2, 5**40))], 1), 1)
    assert many.evaluate([[Fraction(1)]], exact=True)[0, 0] == Fraction(1, 3**50) + Fraction(2, 5**40)
    with pytest.raises(NetworkError, match="63 bits"):
        exact_affine([Row({0: Fraction(1, 2**89 - 1)})], 1)
