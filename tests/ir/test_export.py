"""From a network back to torch, and to the same network again."""

import numpy as np
import pytest
import torch
from torch import nn
from torch_modules import Forward, assert_same_function, densely_connected, linear, maxout_by_hand, ready

from plnet.errors import IngestError
from plnet.ir import GroupMax, as_network
from plnet.ir.export import to_sequential
from plnet.networks import AbsoluteValue, GroupedMaximum, Maxout, mlp

EXPORTED = {
    "mlp": lambda: as_network(mlp([3, 4, 4, 2], rng=0)),
    "maxout": lambda: as_network(mlp([3, 4, 4, 2], "maxout", pieces=3, rng=0)),
    "prelu": lambda: as_network(ready(nn.Sequential(linear(3, 4), nn.PReLU(4), AbsoluteValue()))),
    "clipped": lambda: as_network(ready(nn.Sequential(nn.Hardtanh(-2, 0.5), nn.LeakyReLU(0.3))), 3),
    "batch norm": lambda: as_network(ready(mlp([3, 4, 2], batch_norm=True, rng=0))),
    "skips": lambda: as_network(
        ready(Forward(densely_connected, a=linear(3, 4), b=linear(7, 2), out=linear(9, 2)))
    ),
    "carried maxima": lambda: as_network(ready(Forward(maxout_by_hand, a=linear(3, 6), out=linear(2, 1)))),
    "mixed": lambda: as_network(Forward(lambda m, x: torch.cat([x.relu(), x.clamp(-1, 1)], 1) - 1), 2),
    "shape": lambda: as_network(ready(nn.Sequential(nn.Flatten(), linear(6, 2), nn.ReLU())), (2, 3)),
    "empty": lambda: as_network(nn.Identity(), 2),
}  # fmt: skip


@pytest.mark.parametrize("build", EXPORTED.values(), ids=EXPORTED)
def test_export_and_back_is_the_same_network(build):
    network = build()
    module = to_sequential(network)
    assert all(p.dtype == torch.float64 for p in module.parameters())
    again = as_network(module, network.input_shape or network.input_dim)
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in network.layers]
    for first, second in zip(network.layers, again.layers, strict=True):
        for key in ("weight", "bias", "breakpoints", "slopes", "anchors", "groups"):
            if hasattr(first, key):
                assert np.array_equal(getattr(first, key), getattr(second, key))
    points = np.random.default_rng(0).standard_normal((20, network.input_dim))
    assert np.array_equal(network.evaluate(points), again.evaluate(points))
    assert again.input_shape == network.input_shape
    assert_same_function(network, module)


def test_export_uses_the_plain_modules():
    kinds = [type(m) for m in to_sequential(as_network(mlp([3, 4, 2], "maxout", rng=0)))]
    assert kinds == [Maxout, nn.Linear]
    assert [type(m) for m in to_sequential(as_network(mlp([3, 4, 2], rng=0)))] == [
        nn.Linear,
        nn.ReLU,
        nn.Linear,
    ]
    with pytest.raises(IngestError, match=r"Expected a PLNetwork, got Linear\. Use plnet\.as_network first"):
        to_sequential(linear(2, 2))


def test_groups_of_a_grouped_maximum_are_kept():
    network = as_network(GroupedMaximum(torch.tensor([[2, 0], [1, 1]])), 3)
    assert isinstance(network.layers[0], GroupMax)
    assert network.layers[0].groups.tolist() == [[2, 0], [1, 1]]
