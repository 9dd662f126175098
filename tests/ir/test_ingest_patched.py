"""Modules whose forward, or a method it calls, is not that of their class."""

from __future__ import annotations

from types import MethodType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_modules import linear

from plnet.errors import IngestError, UnsupportedLayerError
from plnet.ir import Affine, GroupMax, PLNetwork, ScalarPWL, as_network
from plnet.ir.reading.verify import verify


def clipped(module: nn.Module, at: float) -> nn.Module:
    """Replace the forward of one instance by one that clips."""
    module.forward = MethodType(lambda self, x: torch.clamp(x, 0, at), module)  # type: ignore[method-assign]
    return module


@pytest.mark.parametrize("place", ["inside", "outermost", "smooth class"])
def test_a_replaced_forward_is_traced(place: str):
    module = clipped(nn.Sigmoid() if place == "smooth class" else nn.ReLU(), 1e6)
    network = as_network(module if place == "outermost" else nn.Sequential(module), 1)
    points = np.array([[-1.0], [7.0], [3e6]])
    assert network.evaluate(points).ravel().tolist() == [0.0, 7.0, 1e6]


def test_a_replaced_forward_of_the_outermost_module_is_traced():
    module = nn.Sequential(nn.Identity())
    module.forward = MethodType(lambda self, x: self[0](x).abs(), module)  # type: ignore[method-assign]
    assert as_network(module, 1).evaluate([[-2.0]]).tolist() == [[2.0]]


def _rectified(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return torch.relu(F.conv1d(x, 2 * weight, bias))


class Rectified(nn.Conv1d):
    def _conv_forward(self, x, weight, bias):
        return _rectified(x, weight, bias)


@pytest.mark.parametrize("how", ["instance", "subclass"])
def test_a_replaced_method_that_the_forward_calls_is_traced(how: str):
    module = (Rectified if how == "subclass" else nn.Conv1d)(1, 1, 1)
    if how == "instance":
        module._conv_forward = _rectified  # type: ignore[assignment, method-assign]
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.bias.fill_(-1.0)
    network = as_network(nn.Sequential(module), (1, 2))
    assert network.evaluate([[1.0, -1.0]]).tolist() == [[5.0, 0.0]]


def test_a_forward_with_weights_of_another_module_is_refused():
    module = linear(2, 2)
    original = module.forward
    module.forward = lambda x: 2 * original(x)  # type: ignore[method-assign]
    with pytest.raises(UnsupportedLayerError, match="not a member of this module"):
        as_network(nn.Sequential(module))


class Scaled(nn.Module):
    """The rectifier of a multiple of the input."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.scale * x)


@pytest.mark.parametrize("at", [1e6, 1e12, 1e-7])
@pytest.mark.parametrize("kind", ["scalar", "maxout"])
@pytest.mark.parametrize("gain", [1.0, 1e5])
def test_points_lie_on_both_sides_of_distant_walls(at: float, kind: str, gain: float):
    scaled = Affine([[gain]], [0.0])
    if kind == "scalar":
        layers = (scaled, ScalarPWL.hardtanh(1, 0.0, at))
    else:
        # max(z, 0) - max(z - at, 0)
        split = Affine([[gain], [0.0], [gain]], [0.0, 0.0, -at])
        layers = (split, GroupMax([[0, 1], [2, 1]], 3), Affine([[1.0, -1.0]], [0.0]))
    with pytest.raises(IngestError, match="another function"):
        verify(PLNetwork(layers, 1), Scaled(gain), (1,))


def test_walls_where_floats_end_are_no_reason_to_refuse():
    module = nn.Sequential(linear(1, 1), nn.ReLU(), linear(1, 1), nn.Hardtanh(-1e200, 1e200), linear(1, 1))
    with torch.no_grad():
        for i in (0, 2, 4):
            module[i].double().weight.fill_(1e90)  # type: ignore[union-attr, operator]
    assert as_network(module).n_units == 2
