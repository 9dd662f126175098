"""Skips, branches and random programs become chains, exactly."""

from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_modules import Forward, assert_same_function, densely_connected, linear, maxout_by_hand, ready

from plnet.ir import GroupMax, ScalarPWL, as_network


def relu_fractions(values):
    return [max(v, Fraction(0)) for v in values]


def linear_fractions(layer, values):
    weight, bias = layer.weight.detach().double().tolist(), layer.bias.detach().double().tolist()
    return [
        sum(Fraction(w) * v for w, v in zip(row, values, strict=True)) + Fraction(b)
        for row, b in zip(weight, bias, strict=True)
    ]


def plus(first, second):
    return [a + b for a, b in zip(first, second, strict=True)]


def _residual(m, x):
    h = m.block(x) + x
    return m.out(torch.relu(m.block(h) + h))


def _residual_fractions(m, x):
    def block(v):
        return linear_fractions(m.block[2], relu_fractions(linear_fractions(m.block[0], v)))

    h = plus(block(x), x)
    return linear_fractions(m.out, relu_fractions(plus(block(h), h)))


def _dense_fractions(m, x):
    one = x + relu_fractions(linear_fractions(m.a, x))
    two = one + relu_fractions(linear_fractions(m.b, one))
    return linear_fractions(m.out, two)


def _concatenated_relu(m, x):
    z = m.a(x)
    return m.out(torch.cat([F.relu(z), F.relu(-z)], 1))


def _concatenated_relu_fractions(m, x):
    z = linear_fractions(m.a, x)
    return linear_fractions(m.out, relu_fractions(z) + relu_fractions([-v for v in z]))


def _maxout_fractions(m, x):
    z = linear_fractions(m.a, x)
    h = [abs(max(z[:3])), abs(max(z[3:]))]
    return plus(linear_fractions(m.out, h), [-x[0]])


def _branches(m, x):
    return m.out(torch.cat([m.a(x).relu(), m.b(x).abs().clamp(max=0.75)], dim=1)) * 0.5


def _branches_fractions(m, x):
    left = relu_fractions(linear_fractions(m.a, x))
    right = [min(abs(v), Fraction(0.75)) for v in linear_fractions(m.b, x)]
    return [v / 2 for v in linear_fractions(m.out, left + right)]


GRAPHS = {
    "residual with a shared block": (
        _residual,
        _residual_fractions,
        lambda: {"block": nn.Sequential(linear(3, 5), nn.ReLU(), linear(5, 3)), "out": linear(3, 2)},
        # Carried units have no breakpoint, and each addition is part of the layer before it.
        ["Affine", "ScalarPWL", "Affine"] * 2 + ["Affine", "ScalarPWL", "Affine"][1:],
        (5, 5, 3),
    ),
    "densely connected": (
        densely_connected,
        _dense_fractions,
        lambda: {"a": linear(3, 4), "b": linear(7, 2), "out": linear(9, 2)},
        ["Affine", "ScalarPWL", "Affine", "ScalarPWL", "Affine"],
        (4, 2),
    ),
    "concatenated relu": (
        _concatenated_relu,
        _concatenated_relu_fractions,
        lambda: {"a": linear(3, 4), "out": linear(8, 2)},
        ["Affine", "ScalarPWL", "Affine"],
        (8,),
    ),
    "maxout by hand": (
        maxout_by_hand,
        _maxout_fractions,
        lambda: {"a": linear(3, 6), "out": linear(2, 1)},
        ["Affine", "GroupMax", "Affine", "GroupMax", "Affine"],
        (2, 2),
    ),
    "two branches": (
        _branches,
        _branches_fractions,
        lambda: {"a": linear(3, 2), "b": linear(3, 3), "out": linear(5, 2)},
        None,
        None,
    ),
}


@pytest.mark.parametrize(("forward", "fractions", "parts", "kinds", "widths"), GRAPHS.values(), ids=GRAPHS)
def test_skips_and_branches_are_exact(forward, fractions, parts, kinds, widths):
    module = ready(Forward(forward, **parts()), seed=3)
    network = as_network(module)
    points = torch.randn(7, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    found = network.evaluate(points.numpy(), exact=True)
    for row, point in zip(found.tolist(), points.tolist(), strict=True):
        assert row == fractions(module, [Fraction(v) for v in point])
    assert_same_function(network, module)
    if kinds is not None:
        assert [type(layer).__name__ for layer in network.layers] == kinds
        assert network.hidden_widths == widths


def test_units_stand_where_their_inputs_stand():
    network = as_network(Forward(lambda m, x: torch.cat([x[:, :1], x[:, 1:].relu()], 1)), 3)
    assert [type(layer) for layer in network.layers] == [ScalarPWL]
    assert network.layers[0].n_pieces.tolist() == [1, 2, 2]


def test_maxima_of_different_sizes_stay_apart():
    # One padded layer would repeat a member of the smaller groups.
    module = Forward(lambda m, x: torch.cat([x[:, :3].amax(1, True), x[:, 3:].amax(1, True)], 1))
    network = as_network(module, 5)
    assert_same_function(network, module)
    maxima = [layer for layer in network.layers if isinstance(layer, GroupMax)]
    assert [layer.groups.shape[1] for layer in maxima] == [3, 2]
    assert [layer.n_pieces.tolist() for layer in maxima] == [[3, 1, 1], [2, 1]]


def test_affine_layers_merge_only_where_nothing_is_rounded():
    plain = as_network(ready(nn.Sequential(linear(3, 3), linear(3, 3))))
    assert len(plain.layers) == 2
    twice = nn.Sequential(linear(3, 3, bias=False), linear(3, 3, bias=False))
    for layer in twice:
        nn.init.eye_(layer.weight)
    assert len(as_network(twice).layers) == 2
    scaled = as_network(ready(Forward(lambda m, x: m.fc(x) * 0.1, fc=linear(3, 3))))
    assert len(scaled.layers) == 2
    negated = as_network(ready(Forward(lambda m, x: -m.fc(x), fc=linear(3, 3))))
    assert len(negated.layers) == 1
    shifted = as_network(ready(Forward(lambda m, x: m.fc(x) + 1, fc=linear(3, 3))))
    assert len(shifted.layers) == 2
    without = as_network(ready(Forward(lambda m, x: m.fc(x) + 1, fc=linear(3, 3, bias=False))))
    assert len(without.layers) == 1


def test_repeated_entries_are_not_added_in_float():
    # The sum of the floats 0.1 and 0.2 is no float; the exact network must keep the two columns apart.
    fc = linear(2, 1, bias=False).double()
    fc.weight.data = torch.tensor([[0.1, 0.2]], dtype=torch.float64)
    network = as_network(Forward(lambda m, x: m.fc(x[:, [0, 0]]), fc=fc), 1)
    assert network.evaluate([[1.0]], exact=True)[0, 0] == Fraction(0.1) + Fraction(0.2)


def test_nothing_dead_is_carried():
    def forward(m, x):
        unused = torch.relu(m.big(x))
        _ = unused.sum(1)
        return torch.relu(m.small(x))

    network = as_network(ready(Forward(forward, big=linear(2, 50), small=linear(2, 3))))
    assert [layer.n_out for layer in network.layers] == [3, 3]


OPERATIONS = (
    *("linear", "relu", "abs", "clamp", "add", "sub", "neg", "scale", "cat", "slice", "flip", "max", "min"),
)


def _operands(values, rng):
    """Choose two earlier values, cut to a common length."""
    first, second = (values[i] for i in rng.integers(0, len(values), 2))
    size = min(len(first), len(second))
    return first[:size], second[:size]


def _step(kind, values, rng, weights, exact):
    """Apply one operation to columns (lists of numbers or tensors), the same in fractions and in torch."""
    number = (lambda v: Fraction(float(v))) if exact else float
    largest, smallest = (max, min) if exact else (torch.maximum, torch.minimum)
    zero = Fraction(0) if exact else torch.zeros_like(values[0][0])
    first, second = _operands(values, rng)
    if kind == "linear":
        return [sum((number(w) * v for w, v in zip(row, first, strict=False)), zero) for row in weights]
    if kind == "relu":
        return [largest(v, zero) for v in first]
    if kind == "abs":
        return [abs(v) for v in first]
    if kind == "clamp":
        return [min(max(v, Fraction(-1)), Fraction(0.5)) if exact else v.clamp(-1.0, 0.5) for v in first]
    if kind in {"add", "sub"}:
        sign = 1 if kind == "add" else -1
        return [a + b if sign == 1 else a - b for a, b in zip(first, second, strict=True)]
    if kind == "neg":
        return [-v for v in first]
    if kind == "scale":
        return [v * number(weights[0, 0]) for v in first]
    if kind == "cat":
        return (first + second)[:6]
    if kind == "slice":
        return first[len(first) // 2 :]
    if kind == "flip":
        return first[::-1]
    return [(largest if kind == "max" else smallest)(a, b) for a, b in zip(first, second, strict=True)]


def _program(kinds, columns, seed, exact):
    """Run a program on columns; which values it combines depends on the seed only."""
    rng = np.random.default_rng(seed)
    values = [columns]
    for kind in kinds:
        weights = rng.standard_normal((3, 6))
        values.append(_step(kind, values, rng, weights, exact))
    return values[-1] + values[int(rng.integers(len(values)))]


@settings(max_examples=60)
@given(kinds=st.lists(st.sampled_from(OPERATIONS), max_size=9), seed=st.integers(0, 2**20))
def test_random_programs_are_exact(kinds, seed):
    module = Forward(
        lambda m, x: torch.stack(_program(kinds, [x[:, i] for i in range(3)], seed, exact=False), dim=1)
    )
    network = as_network(module, 3)
    points = np.random.default_rng(seed).standard_normal((3, 3))
    for found, point in zip(network.evaluate(points, exact=True).tolist(), points.tolist(), strict=True):
        assert found == _program(kinds, [Fraction(v) for v in point], seed, exact=True)
