"""Convexity, decided exactly, against an independent program; and the pieces of convex functions."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from convexity_oracle import check_witness, convex_by_vertices, first_output, minus
from degenerate import FAMILIES, draw_case
from helpers import to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from torch import nn

import plnet
from plnet.errors import (
    DimensionError,
    DomainError,
    EngineError,
    IncompleteResultError,
    NotConvexError,
    NotPiecewiseLinearError,
)
from plnet.ir import Affine, PLNetwork, ScalarPWL, as_network
from plnet.maxout import MaxAffine, is_concave, is_convex, max_affine_of, maxout_to_relu
from plnet.maxout.convexity.search import find_witness
from plnet.maxout.convexity.structure import structural_convexity
from plnet.networks import LocalWinnerTakeAll

RELU = ([0], [0, 1], 0)


def convex_network(rng, d, concave=False):
    """Draw a raw input-convex network: from the second layer on no weight is negative."""
    widths = rng.integers(1, 5, size=2)
    first = rng.integers(-3, 4, size=(widths[0], d))
    second = rng.integers(0, 3, size=(widths[1], widths[0]))
    last = rng.integers(0, 3, size=(1, widths[1]))
    return [
        ("affine", first.tolist(), rng.integers(-2, 3, size=widths[0]).tolist()),
        ("scalar", [([0], [-1, 1], 0)] * int(widths[0])),
        ("affine", second.tolist(), rng.integers(-2, 3, size=widths[1]).tolist()),
        ("scalar", [RELU] * int(widths[1])),
        ("affine", (-last if concave else last).tolist(), [0]),
    ]


def disguised(layers, rng):
    """Write a convex network so that the signs of its weights prove nothing: add and subtract a unit."""
    kind, weight, bias = layers[0]
    assert kind == "affine"
    extra = rng.integers(-2, 3, size=len(weight[0])).tolist()
    first = ("affine", [*weight, extra], [*bias, 1])
    scalar = ("scalar", [*layers[1][1], RELU])
    second = ("affine", [[*row, 0] for row in layers[2][1]] + [[0] * len(weight) + [1]], [*layers[2][2], 0])
    third = ("scalar", [*layers[3][1], RELU])
    # The unit reaches the output twice, with the weights 2 and -2, by a repeated row.
    twice = (
        "affine",
        [*np.eye(len(second[1])).tolist(), [0] * (len(second[1]) - 1) + [1]],
        [0] * (len(second[1]) + 1),
    )
    last = ("affine", [[*layers[4][1][0], 2, -2]], layers[4][2])
    return [first, scalar, second, third, twice, last]


# Against the oracle


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, *FAMILIES]))
@settings(max_examples=20)
def test_random_networks_against_the_oracle(seed, family):
    rng = np.random.default_rng(seed)
    layers, low, high = draw_case(rng, family)
    layers = first_output(layers)
    network, box = to_network(layers), plnet.Box(low, high)
    for decide, raw, sign in ((is_convex, layers, 1), (is_concave, minus(layers), -1)):
        report = decide(network, box)
        assert report.holds is convex_by_vertices(raw, low, high)
        if not report.holds:
            check_witness(report.witness, layers, sign, low, high)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2), st.booleans())
@settings(max_examples=30)
def test_convex_networks_in_disguise(seed, d, perturbed):
    rng = np.random.default_rng(seed)
    layers = disguised(convex_network(rng, d), rng)
    if perturbed:
        kind, weight, bias = layers[-1]
        layers[-1] = (kind, [[*weight[0][:-1], weight[0][-1] - 2.0**-40]], bias)
    network, low, high = to_network(layers), [-3] * d, [3] * d
    truth = convex_by_vertices(layers, low, high)
    assert truth or perturbed
    report = is_convex(network, plnet.Box(low, high))
    assert report.holds is truth
    assert report.method != "structure"
    if not truth:
        check_witness(report.witness, layers, 1, low, high)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2), st.booleans())
@settings(max_examples=30)
def test_signs_of_weights_are_a_proof(seed, d, concave):
    rng = np.random.default_rng(seed)
    layers = convex_network(rng, d, concave)
    proved = structural_convexity(to_network(layers))
    assert proved[1 if concave else 0].all()
    flip = minus(layers) if concave else layers
    assert convex_by_vertices(flip, [-3] * d, [3] * d)


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, *FAMILIES]))
@settings(max_examples=30)
def test_signs_of_weights_never_prove_what_is_false(seed, family):
    layers, low, high = draw_case(np.random.default_rng(seed), family)
    layers = first_output(layers)
    convex, concave = structural_convexity(to_network(layers))
    assert not convex[0] or convex_by_vertices(layers, low, high)
    assert not concave[0] or convex_by_vertices(minus(layers), low, high)


def test_signs_of_weights_do_not_prove_a_w():
    # | |x| - 1 | bends downwards at 0: a convex function of a convex value must rise.
    w = [("affine", [[1]], [0]), ("scalar", [([0], [-1, 1], 0)]), ("affine", [[1]], [-1])]
    w += [("scalar", [([0], [-1, 1], 0)])]
    assert [bool(part[0]) for part in structural_convexity(to_network(w))] == [False, False]
    assert [bool(part[0]) for part in structural_convexity(to_network(minus(w)))] == [False, False]
    check_witness(is_convex(to_network(w)).witness, w, 1)
    # A maximum of concave values is not concave: max(-|x|, -|x - 4|).
    roofs = [("affine", [[1], [1]], [0, -4]), ("scalar", [([0], [1, -1], 0)] * 2), ("max", [[0, 1]])]
    assert [bool(part[0]) for part in structural_convexity(to_network(roofs))] == [False, False]


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_walls_decide_in_every_dimension(d):
    rng = np.random.default_rng(d)
    function = MaxAffine(rng.normal(size=(5, d)), rng.normal(size=5))
    rectified = as_network(maxout_to_relu(function.to_module()))
    report = is_convex(rectified)
    assert report.holds
    assert report.method == "walls"
    assert report.n_walls > report.n_regions - 2
    # One kink too many, far away and tiny, that no random segment finds.
    dented = with_dent(rectified, rng.normal(size=d), 1e6, 2.0**-30)
    assert find_witness(dented, plnet.Space(d).chart(d), 1, np.random.default_rng(0)) is None
    failing = is_convex(dented)
    assert failing.holds is False
    assert failing.method == "walls"
    assert failing.witness.gap > 0
    exact = [
        dented.evaluate(np.array([p], dtype=object), exact=True)[0, 0] for p in points_of(failing.witness)
    ]
    assert exact == list(failing.witness.values)


def points_of(witness):
    return witness.start, witness.middle, witness.end


def with_dent(network, normal, distance, depth):
    """Subtract ``depth * relu(normal . x - distance)`` from a network with one output, side by side."""
    negative = PLNetwork(
        (
            Affine(normal[None], np.array([-distance])),
            ScalarPWL.relu(1),
            Affine(np.array([[depth]]), np.zeros(1)),
        ),
        network.input_dim,
    )
    from plnet.equivalence import difference_network

    return difference_network(network, negative)


# By hand


def test_activations():
    for slope in (-2.0, -0.3, 0.0, 1.0, 1 - 2**-53):
        assert is_convex(nn.LeakyReLU(slope)) == True  # noqa: E712
    for slope in (1.0, 1 + 2**-52, 1.7):
        assert is_concave(nn.LeakyReLU(slope))
    report = is_convex(nn.LeakyReLU(1 + 2**-52))
    assert report == False  # noqa: E712
    assert report.method == "search"
    assert "above the chord" in str(report)
    assert not is_convex(nn.Hardtanh())
    assert not is_concave(nn.Hardtanh())


def test_the_domain_matters():
    hard = nn.Hardtanh()
    assert is_convex(hard, plnet.Box(-5, 1))
    assert is_concave(hard, plnet.Box(-1, 5))
    assert not is_convex(hard, plnet.Box(-5, 1.001))
    assert is_convex(hard, plnet.Polytope([[1.0]], [1.0]))
    assert not is_convex(hard, plnet.Polytope([[-1.0]], [0.0]))


def test_a_slice_of_a_saddle():
    saddle = PLNetwork((Affine(np.eye(2), np.zeros(2)), ScalarPWL.absolute(2), Affine([[1, -1]], [0])), 2)
    assert not is_convex(saddle)
    assert is_convex(saddle, plnet.Slice([0, 0], [[2, 1]]))
    assert is_concave(saddle, plnet.Slice([0, 0], [[1, 2]]))
    assert is_convex(saddle, plnet.Segment([0.0, 0.0], [1.0, 1.0]))


def test_outputs():
    both = PLNetwork((Affine([[1], [-1]], [0, 0]), ScalarPWL.relu(2), Affine([[1, 0], [-1, -1]], [0, 0])), 1)
    assert is_convex(both, output=0)
    assert is_concave(both, output=1)
    assert is_convex(both, output=[1.0, 2.0]).holds is False
    assert is_concave(both, output=[2.0, 1.0])  # The identity.
    assert is_convex(both, output=[1.0, -1.0])
    with pytest.raises(DimensionError, match="2 outputs"):
        is_convex(both)


def test_rounding_makes_no_witness():
    # An affine function in disguise: in floating point its chords miss it by a rounding error.
    weight = np.array([[0.1, -0.1], [0.7, -0.7]])
    layers = (
        Affine(np.array([[0.3], [-0.3]]), np.zeros(2)),
        ScalarPWL.relu(2),
        Affine(weight, np.zeros(2)),
        Affine(np.array([[1 / 3, 1 / 7]]), np.zeros(1)),
    )
    disguise = PLNetwork(layers, 1)
    assert is_convex(disguise).method == "walls"
    assert is_convex(disguise)
    assert is_concave(disguise)
    assert max_affine_of(disguise).pieces == 1


def test_an_affine_function_is_both():
    assert is_convex(nn.Linear(3, 1))
    assert is_concave(nn.Linear(3, 1))
    assert max_affine_of(nn.Linear(3, 1)).pieces == 1


def test_large_input_convex_network_needs_no_enumeration():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 1))
    with torch.no_grad():
        for layer in (module[2], module[4]):
            layer.weight.abs_()
    report = is_convex(module)
    assert report
    assert report.method == "structure"


def test_many_dimensions():
    # A box of 14 dimensions has too many corners to list; all of R^n has not.
    rng = np.random.default_rng(0)
    function = MaxAffine(rng.integers(-3, 4, size=(3, 14)), [0, 1, -1])
    rectified = maxout_to_relu(function.to_module())
    report = is_convex(rectified, plnet.Box(-1, 1))
    assert report
    assert "on all of R^n" in report.reason
    assert max_affine_of(rectified, plnet.Box(-1, 1)).slopes.tolist() == sorted(function.slopes.tolist())
    assert not is_concave(rectified, plnet.Box(-1, 1))


def test_refusals_and_budgets():
    with pytest.raises(EngineError, match="jumps"):
        is_convex(nn.Sequential(nn.Linear(2, 4), LocalWinnerTakeAll(2)), output=0)
    with pytest.raises(NotPiecewiseLinearError):
        is_convex(nn.Sequential(nn.Linear(2, 2), nn.GELU()), output=0)
    with pytest.raises(DomainError, match="Expected a domain"):
        is_convex(nn.Hardtanh(), (-1, 1))
    for domain in (plnet.Box([0, 0], [1, 1]), plnet.Space(2), plnet.Segment([0.0, 1.0], [1.0, 1.0])):
        with pytest.raises(DimensionError, match="takes 1 inputs"):
            is_convex(nn.ReLU(), domain)
    rectified = maxout_to_relu(MaxAffine([[1, 2], [3, -1], [0, 0], [-2, -2]], [0, 1, 0, 1]).to_module())
    report = is_convex(rectified, max_regions=2)
    assert report.holds is None
    assert "undecided" in str(report)
    with pytest.raises(IncompleteResultError, match="not decided"):
        bool(report)
    with pytest.raises(IncompleteResultError):
        max_affine_of(rectified, max_regions=2)


# The pieces of convex functions


def random_function(rng, d, k):
    return MaxAffine(rng.integers(-6, 7, size=(k, d)), rng.integers(-9, 4, size=k))


def needed_pieces(function):
    """Return the pieces on the upper hull of the points (slope, offset), by scipy."""
    rows = {}
    for slope, offset in zip(function.slopes.tolist(), function.offsets.tolist(), strict=True):
        rows[tuple(slope)] = max(offset, rows.get(tuple(slope), offset))
    points = np.array([[float(x) for x in (*slope, offset)] for slope, offset in rows.items()])
    hull = ConvexHull(points)
    upper = hull.equations[:, -2] > 1e-9
    kept = set(hull.simplices[upper].ravel().tolist())
    return {tuple(map(int, points[i])) for i in kept}


@pytest.mark.parametrize("d", [1, 2, 3])
def test_pieces_are_the_upper_hull_and_no_more(d):
    rng = np.random.default_rng(10 + d)
    for _ in range(4):
        function = random_function(rng, d, 12)
        for network in (function, function.to_module(), as_network(function.to_module())):
            found = max_affine_of(network)
            rows = {
                (*map(int, a), int(c))
                for a, c in zip(found.slopes.tolist(), found.offsets.tolist(), strict=True)
            }
            assert rows == needed_pieces(function)


def test_pieces_of_a_relu_form_are_the_pieces():
    # Tangent planes of |x|^2 at different points are all needed: each is the greatest at its own point.
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(-8, 9, size=(5, 2)), axis=0) / 4
    function = MaxAffine(2 * points, -(points**2).sum(axis=1))
    found = max_affine_of(maxout_to_relu(function.to_module()))
    assert found.slopes.tolist() == sorted(function.slopes.tolist())
    assert set(found.offsets.tolist()) == set(function.offsets.tolist())
    for x in rng.normal(size=(20, 2)):
        expected = max(
            sum(
                (Fraction(a) * Fraction(b) for a, b in zip(2 * p, x, strict=True)),
                -sum(Fraction(a) ** 2 for a in p),
            )
            for p in points
        )
        assert found([x], exact=True)[0] == expected


def test_pieces_on_a_domain_and_on_a_slice():
    function = MaxAffine([[-1, 0], [0, 0], [1, 0], [0, 1]], [0, Fraction(1, 3), 0, -1])
    assert max_affine_of(function).pieces == 4
    assert max_affine_of(function, plnet.Box([-5, -5], [0, 1])).slopes.tolist() == [[-1, 0], [0, 0]]
    on_line = max_affine_of(function, plnet.Slice([0, 0], [[2, 0]], -1, 1))
    assert on_line.slopes.tolist() == [[-2], [0], [2]]
    assert on_line.offsets.tolist() == [0, Fraction(1, 3), 0]


def test_a_function_that_is_not_convex_has_no_pieces():
    with pytest.raises(NotConvexError, match="above the chord") as caught:
        max_affine_of(nn.Hardtanh())
    assert caught.value.witness.gap > 0
    assert max_affine_of(nn.Hardtanh(), plnet.Box(-3, 1)).pieces == 2
