"""Maxout, the multilayer perceptron builder and the initialisers."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special
from torch import nn

import plnet.networks
from plnet.errors import ConfigError
from plnet.networks import (
    MLP,
    AbsoluteValue,
    GroupedMaximum,
    Maxout,
    PiecewiseLinear,
    constant_bias_,
    he_,
    initialise,
    mlp,
    torch_generator,
    variance_gain,
    xavier_,
)

PIECEWISE_LINEAR = ["relu", "abs", "leaky_relu", "prelu", "hardtanh", "relu6", "maxout", "identity"]
SMOOTH = ["elu", "gelu", "sigmoid", "tanh"]


def parameters_equal(first, second):
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_maxout_is_the_maximum_of_its_affine_pieces(rng):
    layer = Maxout(4, 3, pieces=5, dtype=torch.float64)
    x = torch.from_numpy(rng.standard_normal((2, 7, 4)))
    expected = (torch.einsum("ijk,abk->abij", layer.weight, x) + layer.bias).max(dim=-1).values
    assert layer.weight.shape == (3, 5, 4)
    assert layer.bias.shape == (3, 5)
    torch.testing.assert_close(layer(x), expected)


def test_maxout_without_bias_and_its_text():
    layer = Maxout(2, 3, 4, bias=False)
    assert layer.bias is None
    assert repr(layer) == "Maxout(2, 3, pieces=4, bias=False)"
    assert layer(torch.zeros(1, 2)).tolist() == [[0.0, 0.0, 0.0]]
    assert layer.weight.abs().max() <= 1 / math.sqrt(2)


def test_maxout_passes_gradients_to_the_winning_piece():
    layer = Maxout(1, 1, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[1.0], [-1.0]]]))
        layer.bias.zero_()
    layer(torch.tensor([[3.0]])).sum().backward()
    assert layer.weight.grad.flatten().tolist() == [3.0, 0.0]


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1.5, 1, 1), (True, 1, 1)])
def test_maxout_refuses_impossible_sizes(sizes):
    with pytest.raises(ConfigError, match="of Maxout to be a positive integer, got"):
        Maxout(*sizes)


def test_fixed_functions():
    x = torch.tensor([[-2.0], [-1.0], [0.0], [0.5], [1.0], [4.0]])
    function = PiecewiseLinear(
        torch.tensor([[-1.0, 1.0]]), torch.tensor([[2.0, 0.0, -3.0]]), torch.tensor([5.0])
    )
    assert function(x).ravel().tolist() == [3.0, 5.0, 5.0, 5.0, 5.0, -4.0]
    affine = PiecewiseLinear(torch.empty(1, 0), torch.tensor([[2.0]]), torch.tensor([1.0]))
    assert affine(x).ravel().tolist() == [-3.0, -1.0, 1.0, 2.0, 3.0, 9.0]
    inf = math.inf
    mixed = PiecewiseLinear(
        torch.tensor([[0.0, inf], [inf, inf], [0.0, 1.0]]),
        torch.tensor([[0.0, 1.0, 7.0], [1.0, 7.0, 7.0], [0.0, 1.0, 0.0]]),
        torch.tensor([0.0, 0.0, 0.0]),
    )
    assert mixed(torch.tensor([[-3.0, -3.0, -3.0], [3.0, 3.0, 3.0]])).tolist() == [[0, -3, 0], [3, 3, 1]]
    assert AbsoluteValue()(torch.tensor([-2.0])).item() == 2.0
    assert GroupedMaximum(torch.tensor([[0, 2], [1, 1]]))(torch.tensor([[1.0, 9.0, 4.0]])).tolist() == [
        [4, 9]
    ]


@pytest.mark.parametrize("activation", PIECEWISE_LINEAR + SMOOTH)
def test_mlp_has_the_layers_that_were_asked_for(activation):
    network = mlp([5, 4, 3, 2], activation, rng=0, batch_norm=True, dropout=0.25)
    assert isinstance(network, MLP)
    assert network.widths == (5, 4, 3, 2)
    assert network.activation == activation
    assert isinstance(network[-1], nn.Linear)
    assert sum(isinstance(m, nn.BatchNorm1d) for m in network) == 2
    assert [m.p for m in network if isinstance(m, nn.Dropout)] == [0.25, 0.25]
    assert network.eval()(torch.zeros(3, 5)).shape == (3, 2)


def test_mlp_options_reach_the_modules():
    assert mlp([2, 3, 1], "leaky_relu", slope=-0.5, rng=0)[1].negative_slope == -0.5
    assert mlp([2, 3, 1], "prelu", slope=1.5, rng=0)[1].weight.item() == 1.5
    assert mlp([2, 3, 1], "maxout", pieces=4, rng=0)[0].pieces == 4
    assert mlp([2, 3, 1], "maxout", rng=0)[0].pieces == 2
    assert all(p.ndim > 1 for p in mlp([2, 3, 1], bias=False, rng=0).parameters())
    assert mlp([2, 3, 1], dtype=torch.float64, rng=0)[0].weight.dtype == torch.float64
    positive = mlp([2, 3, 1], positive_bias=0.1, rng=0)
    assert positive[0].bias.tolist() == pytest.approx([0.1] * 3)
    assert positive[2].bias.tolist() == [0.0]
    assert mlp([2, 400, 1], bias_std=2.0, rng=0)[0].bias.std().item() == pytest.approx(2.0, rel=0.2)


def test_widths_may_come_from_numpy():
    assert mlp(np.array([2, 3, 1]), rng=0).widths == (2, 3, 1)


def test_a_slice_of_an_mlp_is_an_mlp_without_widths():
    part = mlp([2, 3, 1], rng=0)[:2]
    assert isinstance(part, MLP)
    assert part.widths is None


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([2, 3, 1], "rleu"), {}, r"one of relu, abs, .* got 'rleu'\. Did you mean 'relu'\?"),
        (([2, 3, 1], "leakyrelu"), {}, r"Did you mean 'leaky_relu'\?"),
        (([2, 3, 1], None), {}, "one of relu, abs"),
        (([2, 3, 1], "relu"), {"slope": 0.1}, "'relu' has no option slope .* leaky_relu, prelu"),
        (([2, 3, 1], "relu"), {"pieces": 2}, "'relu' has no option pieces .* maxout"),
        (([2, 3, 1], "maxout"), {"pieces": 0}, "pieces to be a positive integer, got 0"),
        (([2, 3, 1], "leaky_relu"), {"slope": math.nan}, "slope to be a finite number"),
        (([2],), {}, r"at least two positive integers .*, got \[2\]"),
        (([2, 0, 1],), {}, "at least two positive integers"),
        (([2, 2.5, 1],), {}, "at least two positive integers"),
        ((7,), {}, "at least two positive integers"),
        (([2, 3, 1],), {"dropout": 1.0}, r"probability in \[0, 1\), got 1.0"),
        (([2, 3, 1],), {"initialiser": "hee"}, r"one of default, he, .* Did you mean 'he'\?"),
        (([2, 3, 1],), {"positive_bias": 0.1, "bias_std": 1.0}, "positive_bias or bias_std, got both"),
        (([2, 3, 1],), {"positive_bias": 0.1, "bias": False}, "with bias=False"),
        (([2, 3, 1],), {"bias_std": -1.0}, "bias_std to be finite and at least 0"),
        (([2, 3, 1],), {"rng": "seed"}, "rng to be a non-negative integer, .* got str 'seed'"),
        (([2, 3, 1],), {"rng": -1}, "rng to be a non-negative integer"),
        (([2, 3, 1],), {"rng": True}, "rng to be a non-negative integer"),
    ],
)
def test_mlp_refuses(arguments, options, message):
    with pytest.raises(ConfigError, match=message):
        mlp(*arguments, **options)


@given(
    seed=st.integers(0, 2**70),
    global_seed=st.integers(0, 2**32),
    activation=st.sampled_from(PIECEWISE_LINEAR),
    initialiser=st.sampled_from(["default", "he", "he_uniform", "xavier", "xavier_normal"]),
)
def test_mlp_depends_on_rng_only(seed, global_seed, activation, initialiser):
    torch.manual_seed(global_seed)
    state = torch.get_rng_state()
    first = mlp([3, 4, 2], activation, initialiser=initialiser, rng=seed)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(global_seed + 1)
    again = mlp([3, 4, 2], activation, initialiser=initialiser, rng=np.random.SeedSequence(seed))
    assert parameters_equal(first, again)
    other = mlp([3, 4, 2], activation, initialiser=initialiser, rng=seed + 1)
    assert not parameters_equal(first, other)


def test_sources_of_randomness():
    assert parameters_equal(
        mlp([3, 4, 2], rng=np.random.default_rng(5)), mlp([3, 4, 2], rng=np.random.default_rng(5))
    )
    generator = np.random.default_rng(5)
    assert not parameters_equal(mlp([3, 4, 2], rng=generator), mlp([3, 4, 2], rng=generator))
    assert not parameters_equal(mlp([3, 4, 2]), mlp([3, 4, 2]))
    source = torch.Generator().manual_seed(1)
    assert torch_generator(source) is source
    # An integer must not be spawned from: the same sequence gives the same stream again.
    sequence = np.random.SeedSequence(3)
    assert parameters_equal(mlp([3, 4, 2], rng=sequence), mlp([3, 4, 2], rng=sequence))


def test_the_seed_gives_the_same_network_in_both_precisions():
    single = mlp([5, 6, 2], "maxout", rng=4)
    double = mlp([5, 6, 2], "maxout", rng=4, dtype=torch.float64)
    assert all(
        torch.equal(a, b.float()) for a, b in zip(single.parameters(), double.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    ("pieces", "second_moment"),
    [(1, 1.0), (2, 1.0), (3, 1.2756644477), (4, 1.5513288954), (5, 1.8000204360)],
)
def test_maxout_gain_matches_the_published_constants(pieces, second_moment):
    # Tseran and Montúfar 2021 (their code prints 0.5555 for five pieces).
    assert variance_gain("maxout", pieces=pieces) == pytest.approx(1 / second_moment, abs=1e-10)


def test_maxout_gain_closed_forms():
    root = math.sqrt(3)
    assert variance_gain("maxout", pieces=3) == pytest.approx(2 * math.pi / (root + 2 * math.pi), rel=1e-14)
    assert variance_gain("maxout", pieces=4) == pytest.approx(math.pi / (root + math.pi), rel=1e-14)


def test_maxout_gain_of_high_rank_against_sampling(rng):
    sample = rng.standard_normal((200_000, 12)).max(axis=1)
    assert 1 / variance_gain("maxout", pieces=12) == pytest.approx((sample**2).mean(), rel=0.01)


@pytest.mark.parametrize(
    ("activation", "options", "expected"),
    [
        ("relu", {}, 2.0),
        ("abs", {}, 1.0),
        ("identity", {}, 1.0),
        ("leaky_relu", {}, 1.99980),
        ("leaky_relu", {"slope": 0.25}, 1.88235),
        ("prelu", {}, 1.88235),
    ],
)
def test_gain_of_scalar_activations(activation, options, expected):
    assert variance_gain(activation, **options) == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize("activation", ["hardtanh", "relu6", *SMOOTH])
def test_gain_by_quadrature_keeps_the_mean_square(activation, rng):
    module = mlp([1, 1, 1], activation, rng=0)[1]
    z = torch.from_numpy(rng.standard_normal(400_000))
    assert module(z).square().mean().item() * variance_gain(activation) == pytest.approx(1.0, abs=0.02)


def test_hardtanh_gain_by_another_quadrature():
    inner = integrate.quad(lambda z: z * z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi), -1, 1)[0]
    expected = 1 / (inner + 2 * special.ndtr(-1.0))
    assert variance_gain("hardtanh") == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_he_and_xavier_variances(distribution):
    weight = he_(torch.empty(300, 200), "leaky_relu", slope=0.25, distribution=distribution, rng=1)
    assert weight.var().item() * 200 == pytest.approx(1.88235, rel=0.03)
    pieces = he_(torch.empty(60, 5, 200), "maxout", distribution=distribution, rng=1)
    assert pieces.var().item() * 200 == pytest.approx(0.5555, rel=0.03)
    glorot = xavier_(torch.empty(300, 200), distribution=distribution, rng=1)
    assert glorot.var().item() * 250 == pytest.approx(1.0, rel=0.03)
    if distribution == "uniform":
        assert glorot.abs().max() <= math.sqrt(6 / 500)


def test_he_refuses():
    with pytest.raises(ConfigError, match='"normal" or "uniform", got \'cauchy\''):
        he_(torch.empty(2, 2), distribution="cauchy")
    with pytest.raises(ConfigError, match="Did you mean 'relu'"):
        variance_gain("rellu")


def test_constant_bias_keeps_the_gradient_flag():
    layer = nn.Linear(2, 3)
    constant_bias_(layer.bias)
    assert layer.bias.tolist() == pytest.approx([0.1] * 3)
    assert layer.bias.requires_grad


def test_initialise_takes_the_gain_of_the_activation_behind_each_layer():
    network = nn.Sequential(
        nn.Linear(400, 300), nn.BatchNorm1d(300), nn.ReLU(), nn.Linear(300, 300), AbsoluteValue(),
        nn.Dropout(), Maxout(300, 100, 5), nn.Linear(100, 300), nn.LeakyReLU(1.0), nn.Linear(300, 300),
    )  # fmt: skip
    initialise(network, "he", rng=0)
    gains = [m.weight.var().item() * m.weight.shape[-1] for m in network if isinstance(m, nn.Linear | Maxout)]
    # The last layer has no activation behind it and takes the one before.
    assert gains == pytest.approx([2.0, 1.0, 0.5555, 1.0, 1.0], rel=0.05)
    assert all(not m.bias.any() for m in network if isinstance(m, nn.Linear | Maxout))


def test_default_scheme_is_that_of_linear():
    layer = initialise(nn.Linear(50, 2000), "default", rng=0)
    for tensor in (layer.weight, layer.bias):
        assert tensor.abs().max().item() <= 1 / math.sqrt(50)
        assert tensor.var().item() * 150 == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(("variance", "ratio"), [("he", 1.0), (None, 2.0**-20)])
def test_he_keeps_the_mean_square_through_twenty_layers(variance, ratio):
    # seed claims: one draw gives 0.75 for 2/n and 6.2e-7 for 1/n (expected 9.5e-7).
    network = mlp([256] * 21, initialiser="he", rng=2, dtype=torch.float64)
    if variance is None:
        for layer in network:
            if isinstance(layer, nn.Linear):
                layer.weight.data /= math.sqrt(2)
    x = torch.randn(64, 256, generator=torch_generator(0), dtype=torch.float64)
    found = (network(x).square().mean() / x.square().mean()).item()
    assert ratio / 4 < found < ratio * 4


def test_importing_the_package_imports_no_torch():
    code = "import sys, plnet.networks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = plnet.networks.nonsense
