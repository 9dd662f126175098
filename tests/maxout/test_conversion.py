"""Networks as maxout networks and back: exact at every point, with the fewest pieces."""

import copy
import itertools
import math
from fractions import Fraction

import numpy as np
import oracle
import pytest
import torch
from exact_modules import evaluate_module
from helpers import rational_points, to_network
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from wild_networks import wild_network

import plnet
from plnet.equivalence import check_equivalence, difference_network
from plnet.errors import ConfigError, EngineError, NetworkError, NotPiecewiseLinearError
from plnet.ir import Affine, PLNetwork, ScalarPWL, as_network
from plnet.maxout import ElementwiseMaxout, maxout_to_relu, to_maxout
from plnet.networks import LocalWinnerTakeAll, Maxout, SparseLinear

SLOPES = [-2.0, -1.0, -0.3, 0.0, 1.0, 1 + 2**-52, 1.7]


def same_everywhere(f, g):
    """Prove that two networks are one function on R^n: every map of their difference is 0."""
    complex_ = plnet.enumerate_regions(difference_network(f, g))
    assert complex_.exact
    return all(not any(part.any() for part in complex_.exact_map(i)) for i in range(len(complex_)))


# Activations


@pytest.mark.parametrize("slope", SLOPES)
def test_rectifier_of_any_slope_is_one_two_piece_unit(slope):
    module = to_maxout(nn.LeakyReLU(slope))
    for z in [Fraction(-7, 3), Fraction(-1), Fraction(0), Fraction(1, 10**20), Fraction(5, 7)]:
        expected = z if z > 0 else Fraction(slope) * z
        assert evaluate_module(module, [z]) == [expected]
    (row,) = module.conversion.rows
    assert row.pieces == ((1,) if slope == 1 else (2,))
    assert row.signs == ((1,) if slope <= 1 else (-1,))
    assert row.fewest
    assert row.label == "fewest"


def test_weights_of_the_identities():
    relu = to_maxout(nn.ReLU())[0]
    assert relu.weight.tolist() == [[0.0, 1.0]]
    assert relu.bias.tolist() == [[0.0, 0.0]]
    assert to_maxout(nn.LeakyReLU(-1.0))[0].weight.tolist() == [[-1.0, 1.0]]
    hard = to_maxout(nn.Hardtanh())
    assert hard[0].weight.tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert hard[0].bias.tolist() == [[-1.0, 0.0], [0.0, -1.0]]
    assert hard[1].weight.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize(
    ("activation", "pieces"),
    [
        (nn.Hardtanh(), (2, 2)),
        (nn.ReLU6(), (2, 2)),
        (nn.Hardtanh(-0.1, 0.7), (2, 2)),
        (nn.Softshrink(0.3), (2, 2)),
        (nn.Threshold(0.1, 0.1), (2,)),
        (nn.Identity(), (1,)),
    ],
)
def test_other_activations(activation, pieces):
    module = to_maxout(activation)
    assert same_everywhere(as_network(activation, 1), as_network(module, 1))
    rows = module.conversion.rows
    assert sum(len(row.pieces) for row in rows) == (0 if isinstance(activation, nn.Identity) else len(pieces))
    assert all(row.pieces == pieces for row in rows)


def scalar_cases():
    finite = st.floats(-4, 4, allow_nan=False, width=32)
    points = st.lists(finite, min_size=0, max_size=5, unique=True).map(sorted)
    return points.flatmap(
        lambda kinks: st.tuples(
            st.just(kinks), st.lists(finite, min_size=len(kinks) + 1, max_size=len(kinks) + 1), finite
        )
    )


@given(scalar_cases())
@settings(max_examples=40)
def test_any_scalar_function(case):
    kinks, slopes, anchor = case
    network = PLNetwork((ScalarPWL.uniform(1, kinks, slopes, anchor),), 1)
    converted, rectified = to_maxout(network), maxout_to_relu(network)
    points = [Fraction(t) + shift for t in [*kinks, 0.0] for shift in (0, Fraction(1, 3), Fraction(-1, 5))]
    for z in points:
        (expected,), _ = oracle.evaluate([("scalar", [(kinks, slopes, anchor)])], [z])
        assert evaluate_module(converted, [z]) == [expected]
        assert evaluate_module(rectified, [z]) == [expected]
    jumps = [b - a for a, b in itertools.pairwise(slopes) if a != b]
    up, down = sum(j > 0 for j in jumps), sum(j < 0 for j in jumps)
    expected_pieces = (up + 1 if up else 0) + (down + 1 if down else 0) or 1
    found = [row.pieces for row in converted.conversion.rows]
    assert sum(map(sum, found)) == expected_pieces


def test_breakpoints_at_which_nothing_changes():
    network = PLNetwork((ScalarPWL.uniform(1, [0.0, 1.0], [0.0, 1.0, 1.0], 0.0),), 1)
    assert [type(part) for part in maxout_to_relu(network)] == [nn.ReLU]
    (row,) = to_maxout(network).conversion.rows
    assert (row.function, row.pieces) == ("ReLU", (2,))


def test_intercepts_that_are_no_floats_take_one_more_affine_layer():
    network = PLNetwork((ScalarPWL.uniform(1, [0.1, 0.7, 0.9], [0.3, 0.7, 1.1, 1.3], 0.05),), 1)
    module = to_maxout(network)
    assert [type(part).__name__ for part in module][-1] == "ElementwiseMaxout"
    assert not any(type(part).__name__ == "ElementwiseMaxout" for part in list(module)[:-1])
    assert same_everywhere(network, as_network(module, 1))


# Networks


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(max_examples=20)
def test_random_networks_of_every_shape(seed, d):
    rng = np.random.default_rng(seed)
    layers = wild_network(rng, d)
    network = to_network(layers, d)
    converted, rectified = to_maxout(network), maxout_to_relu(network)
    for point in rational_points(rng, d):
        expected, _ = oracle.evaluate(layers, point)
        assert evaluate_module(converted, point) == expected
        assert evaluate_module(rectified, point) == expected


def test_conversions_are_the_same_function_everywhere():
    torch.manual_seed(3)
    module = nn.Sequential(
        nn.Linear(2, 4), nn.LeakyReLU(1.7), nn.Linear(4, 3), nn.Hardtanh(), Maxout(3, 2, 3), nn.Linear(2, 1)
    ).double()
    source = as_network(module)
    assert same_everywhere(source, as_network(to_maxout(module)))
    assert same_everywhere(source, as_network(maxout_to_relu(module)))


def test_a_perturbed_conversion_is_another_function():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    converted = to_maxout(module)
    with torch.no_grad():
        converted[1].weight[0, 1] += 2.0**-40
    assert not same_everywhere(as_network(module), as_network(converted))


def test_residual_network_keeps_its_skip():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = nn.Linear(2, 2), nn.Linear(2, 1)

        def forward(self, x):
            return self.outer(torch.relu(self.inner(x)) + x)

    torch.manual_seed(0)
    module = Residual().double()
    converted = to_maxout(module)
    assert same_everywhere(as_network(module, 2), as_network(converted, 2))
    assert {(row.function, row.pieces) for row in converted.conversion.rows} == {
        ("ReLU", (2,)),
        ("identity", (1,)),
    }


def test_convolutions_stay_convolutions_and_can_be_trained():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU6(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 1)
    ).double()
    converted = to_maxout(module, (1, 6, 6))
    x = torch.randn(5, 1, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(converted(x), module(x), rtol=0, atol=1e-12)
    sizes = {name: tensor.numel() for name, tensor in converted.named_parameters()}
    assert sizes["1.kernel"] == 18
    assert sizes["1.bias"] == 2
    network = as_network(converted, (1, 6, 6))
    points = rational_points(np.random.default_rng(0), 36, 2)
    exact = np.array(points, dtype=object)
    source = as_network(module, (1, 6, 6))
    assert (network.evaluate(exact, exact=True) == source.evaluate(exact, exact=True)).all()


def test_training_changes_every_parameter():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 4), nn.Hardtanh(), nn.Linear(4, 1))
    converted = to_maxout(module)
    before = [parameter.detach().clone() for parameter in converted.parameters()]
    optimiser = torch.optim.SGD(converted.parameters(), lr=0.1)
    x = torch.randn(64, 3, dtype=torch.float64) * 3
    converted(x).square().mean().backward()
    optimiser.step()
    assert len(before) == 6
    assert all(not torch.equal(a, b) for a, b in zip(before, converted.parameters(), strict=True))
    with pytest.raises(AssertionError, match="not close"):
        torch.testing.assert_close(converted(x), module.double()(x))


def test_a_conversion_is_an_ordinary_sequential():
    converted = to_maxout(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    assert converted[1:].conversion.rows == ()
    assert len(converted[1:]) == 2
    assert copy.deepcopy(converted).conversion.n_units == 3
    again = to_maxout(converted)
    assert {type(part) for part in again} <= {nn.Linear, Maxout, ElementwiseMaxout}
    assert check_equivalence(converted, again).equivalent


def test_the_source_is_left_alone():
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    state = {key: value.clone() for key, value in module.state_dict().items()}
    converted = to_maxout(module)
    with torch.no_grad():
        for parameter in converted.parameters():
            parameter.add_(1.0)
    assert module[0].weight.dtype == torch.float32
    assert module.training
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())


def test_maxout_layers_stay_as_they_are():
    layer = Maxout(3, 2, 4)
    converted = to_maxout(layer)
    assert [type(part) for part in converted] == [Maxout]
    assert torch.equal(converted[0].weight, layer.weight.double())
    (row,) = converted.conversion.rows
    assert row.pieces == (4,)
    assert row.fewest


def test_dependent_pieces_are_an_upper_bound():
    layer = Maxout(1, 1, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[-1.0], [0.0], [1.0]]]))
        layer.bias.copy_(torch.tensor([[0.0, -1.0, 0.0]]))
    (row,) = to_maxout(layer).conversion.rows
    assert row.label == "upper bound"
    assert row.reason == "only 2 of the 3 members are ever the greatest"


def test_more_pieces_than_inputs_may_all_be_needed():
    layer = Maxout(1, 2, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]])[:, :, None])
        layer.bias.copy_(torch.tensor([[0.0, 1.0, 0.0, -3.0], [0.0, 0.0, 0.0, 0.0]]))
    first, second = to_maxout(layer).conversion.rows
    assert (first.label, first.count, first.pieces) == ("fewest", 1, (4,))
    assert second.reason == "only 2 of the 4 members are ever the greatest"


@pytest.mark.parametrize("pieces", [1, 2, 3, 4, 5, 8, 9])
def test_a_maximum_of_k_takes_log2_k_layers_of_relus(pieces):
    layer = Maxout(2, 3, pieces)
    rectified = maxout_to_relu(layer)
    assert sum(isinstance(part, nn.ReLU) for part in rectified) == math.ceil(math.log2(pieces))
    assert all(isinstance(part, nn.ReLU | nn.Linear | SparseLinear) for part in rectified)


def test_relu_networks_are_left_as_they_are():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert [type(part) for part in maxout_to_relu(module)] == [nn.Linear, nn.ReLU, nn.Linear]


def test_report_as_text():
    text = str(to_maxout(nn.Sequential(nn.Linear(1, 3), nn.PReLU(init=1.5), nn.Linear(3, 1))).conversion)
    assert "3 x rectifier with slope 1.5 -> -maxout(2) (fewest: 1 downward kink needs 2 pieces" in text
    assert "3 maxout units, 6 pieces" in text


# Fused layers


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(-1.0), nn.LeakyReLU(0.25)])
def test_fusing_is_exact_where_slopes_are_powers_of_two(activation):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 4), activation, nn.Linear(4, 3), activation, nn.Linear(3, 1)).double()
    fused = to_maxout(module, fused=True)
    assert [type(part) for part in fused] == [Maxout, Maxout, nn.Linear]
    assert fused.conversion.deviation == 0
    assert torch.equal(fused[0].weight[:, 1], module[0].weight)
    assert check_equivalence(module, fused).equivalent


@pytest.mark.parametrize("activation", [nn.LeakyReLU(0.1), nn.LeakyReLU(1.7), nn.Hardtanh(-0.3, 0.7)])
def test_fusing_is_as_near_as_certified(activation):
    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Linear(2, 4, dtype=torch.float64), activation, nn.Linear(4, 1, dtype=torch.float64)
    )
    box = plnet.Box(-2, 2)
    fused = to_maxout(module, fused=True, domain=box)
    exact = check_equivalence(module, fused, box).max_deviation
    assert 0 < exact <= fused.conversion.deviation < 1e-14
    assert "differs by at most" in str(fused.conversion)


def test_fusing_on_unbounded_domains():
    module = nn.Sequential(nn.Linear(1, 1, dtype=torch.float64), nn.LeakyReLU(0.1))
    with torch.no_grad():
        module[0].weight.fill_(0.3)
    assert to_maxout(module, fused=True).conversion.deviation == math.inf
    with torch.no_grad():
        module[0].weight.fill_(0.5)
        module[0].bias.fill_(3.0)
    bound = to_maxout(module, fused=True).conversion.deviation
    assert abs(Fraction(0.1) * 3 - Fraction(0.1 * 3.0)) <= bound < 1e-15


def test_fusing_leaves_convolutions_apart():
    module = nn.Sequential(nn.Conv1d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(6, 1))
    fused = to_maxout(module, (1, 4), fused=True)
    assert fused.conversion.deviation == 0
    assert any(isinstance(part, ElementwiseMaxout) for part in fused)


def test_products_beyond_floats_are_not_fused():
    huge = PLNetwork((Affine(np.array([[1e200]]), np.zeros(1)), ScalarPWL.leaky_relu([1e200])), 1)
    assert to_maxout(huge)
    with pytest.raises(NetworkError, match="without fused=True"):
        to_maxout(huge, fused=True)


# Refusals


def test_smooth_activations_are_refused_in_words():
    with pytest.raises(NotPiecewiseLinearError, match="not piecewise linear"):
        to_maxout(nn.Sequential(nn.Linear(2, 2), nn.GELU()))


def test_jumps_are_refused():
    with pytest.raises(EngineError, match="jumps"):
        to_maxout(nn.Sequential(nn.Linear(2, 4), LocalWinnerTakeAll(2)))
    with pytest.raises(EngineError, match="jumps"):
        maxout_to_relu(nn.Sequential(nn.Linear(2, 4), LocalWinnerTakeAll(2)))


def test_coefficients_beyond_floats_are_refused():
    huge = PLNetwork((ScalarPWL.uniform(1, [1e300, 1.5e300], [1e10, 2e10, 0.0], 0.0),), 1)
    with pytest.raises(NetworkError, match="Scale the weights"):
        to_maxout(huge)


@pytest.mark.parametrize(
    "groups", [torch.zeros(0, 2), torch.zeros(2, 0), torch.zeros(3), torch.tensor([[0, 5]])]
)
def test_bad_groups(groups):
    with pytest.raises(ConfigError, match="Expected groups"):
        ElementwiseMaxout(groups, in_features=2)
