"""Equivalence of torch modules: activations, layers, networks, and what cannot be compared."""

from __future__ import annotations

import copy
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

import plnet
from plnet import Box
from plnet.equivalence import check_equivalence, difference_network
from plnet.errors import (
    DimensionError,
    IngestError,
    NetworkError,
    NotPiecewiseLinearError,
)
from plnet.networks import AbsoluteValue, Maxout, mlp


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def test_activations_are_functions_of_one_number():
    assert difference_network(nn.ReLU(), nn.LeakyReLU(0.5)).input_dim == 1
    assert check_equivalence(nn.ReLU(), nn.LeakyReLU(0.0)).equivalent is True
    assert check_equivalence(nn.PReLU(init=-1.0), AbsoluteValue()).equivalent is True
    assert check_equivalence(nn.ReLU6(), nn.Hardtanh(0.0, 6.0)).equivalent is True
    report = check_equivalence(nn.ReLU(), nn.LeakyReLU(0.5), Box([-1.0, -3.0], [1.0, 1.0]))
    assert (report.max_deviation, report.output) == (Fraction(3, 2), 1)
    assert check_equivalence(nn.ReLU(), nn.Hardtanh(0, 6), Box(-9, 9)).max_deviation == 3


def test_sums_of_activations():
    both = Function(lambda x: torch.relu(x) + torch.relu(-x))
    assert check_equivalence(AbsoluteValue(), both).method == "structural"
    clip = Function(lambda x: torch.relu(x + 1) - torch.relu(x - 1) - 1)
    assert check_equivalence(nn.Hardtanh(), clip).equivalent is True
    assert check_equivalence(nn.Hardtanh(), clip, method="enumeration").equivalent is True


def test_maxout_layer_of_a_rectifier_layer():
    relu = nn.Sequential(nn.Linear(3, 4), nn.PReLU(4), nn.Linear(4, 2))
    maxout = nn.Sequential(Maxout(3, 4, 2), nn.Linear(4, 2))
    with torch.no_grad():
        relu[1].weight.copy_(torch.tensor([0.25, -1.0, 0.0, 0.5]))
        weight, bias = relu[0].weight, relu[0].bias
        slopes = relu[1].weight
        maxout[0].weight.copy_(torch.stack([weight, slopes[:, None] * weight], dim=1))
        maxout[0].bias.copy_(torch.stack([bias, slopes * bias], dim=1))
    maxout[1].load_state_dict(relu[2].state_dict())
    report = check_equivalence(relu, maxout)
    # Slopes that are powers of two round nothing.
    assert report.equivalent is True
    assert report.method == "structural"
    with torch.no_grad():
        maxout[0].weight[2, 1, 0] += 2.0**-20
    report = check_equivalence(relu, maxout, Box(-1, 1))
    assert report.equivalent is False
    assert 0 < report.max_deviation < 2.0**-19
    assert report.exact


def test_hidden_units_may_be_permuted_and_scaled():
    torch.manual_seed(0)
    f = mlp([5, 8, 8, 3])
    g = copy.deepcopy(f)
    linear = [layer for layer in g.modules() if isinstance(layer, nn.Linear)]
    order, scale = torch.randperm(8), 2.0 ** torch.randint(-2, 3, (8,))
    with torch.no_grad():
        linear[0].weight.copy_((linear[0].weight * scale[:, None])[order])
        linear[0].bias.copy_((linear[0].bias * scale)[order])
        linear[1].weight.copy_((linear[1].weight / scale)[:, order])
    assert check_equivalence(f, g).method == "structural"
    with torch.no_grad():
        linear[1].weight[3, 3] *= 1.5
    assert check_equivalence(f, g).max_deviation == math.inf


def test_convolutions_and_pooling():
    torch.manual_seed(1)
    f = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    swapped = nn.Sequential(f[0], nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), f[4])
    with torch.no_grad():
        f[4].bias[1] = 0.25
    network = plnet.as_network(f, (1, 6, 6))
    assert check_equivalence(network, copy.deepcopy(f)).method == "structural"
    # ReLU and maximum may change places, but no layer shows it.
    assert check_equivalence(network, swapped, method="structural").equivalent is None
    line = plnet.Segment(np.full(36, -1.0), np.linspace(-1.0, 2.0, 36))
    assert check_equivalence(network, swapped, line).equivalent is True
    other = copy.deepcopy(f)
    with torch.no_grad():
        other[4].bias[1] = 0.5
    report = check_equivalence(network, other, Box(0, 1), max_regions=50)
    assert report.equivalent is False
    assert (report.lower, report.output) == (Fraction(1, 4), 1)


def test_batch_normalisation_and_residuals():
    torch.manual_seed(2)
    body = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).eval()
    skip = Residual(body).eval()
    assert check_equivalence(skip, skip).equivalent is True
    assert check_equivalence(skip, body, Box(-1, 2)).max_deviation == 2


def test_modules_are_not_changed():
    f, g = mlp([2, 4, 1]).train(), mlp([2, 4, 1])
    before = copy.deepcopy(f.state_dict())
    check_equivalence(f, g, Box(-1, 1))
    assert f.training
    assert all(torch.equal(before[key], value) for key, value in f.state_dict().items())


def test_what_cannot_be_compared():
    with pytest.raises(NotPiecewiseLinearError):
        check_equivalence(nn.ReLU(), nn.GELU())
    with pytest.raises(IngestError, match=r"Expected a torch\.nn\.Module or a PLNetwork"):
        check_equivalence(nn.ReLU(), torch.relu)
    with pytest.raises(DimensionError, match="same number of inputs, got 2 and 3"):
        check_equivalence(mlp([2, 4, 1]), mlp([3, 4, 1]))
    with pytest.raises(DimensionError, match="same number of outputs"):
        check_equivalence(mlp([2, 4, 1]), mlp([2, 4, 2]))
    broken = mlp([2, 4, 1])
    with torch.no_grad():
        next(broken.parameters())[0, 0] = math.nan
    with pytest.raises(NetworkError, match="finite"):
        check_equivalence(broken, mlp([2, 4, 1]))


def test_ctrl_c_gives_what_is_known(monkeypatch):
    from plnet.equivalence import decision

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(decision, "enumerate_regions", interrupted)
    report = check_equivalence(mlp([2, 8, 1]), mlp([2, 8, 1]), Box(-1, 1))
    assert report.equivalent is False
    assert 0 < report.lower < report.upper
    assert "interrupted" in report.reason
