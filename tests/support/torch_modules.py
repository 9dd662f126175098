"""Torch modules for the tests of ingest and export, and the comparison with torch's own forward."""

import copy

import numpy as np
import torch
from torch import nn

from plnet.networks import initialise


class Forward(nn.Module):
    """A module whose forward is the given function of (module, x)."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def ready(module, seed=0):
    """Draw parameters and statistics, so that nothing is zero by accident."""
    generator = torch.Generator().manual_seed(seed)
    initialise(module, "default", rng=seed)
    for part in module.modules():
        if (
            isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)
            and part.running_mean is not None
        ):
            part.running_mean.normal_(generator=generator)
            part.running_var.uniform_(0.2, 3.0, generator=generator)
            if part.weight is not None:
                part.weight.data.normal_(generator=generator)
                part.bias.data.normal_(generator=generator)
        elif isinstance(part, nn.PReLU):
            part.weight.data.normal_(generator=generator)
    return module


def assert_same_function(network, module, seed=1):
    """Compare with torch's own forward in float64 at several scales."""
    shape = network.input_shape or (network.input_dim,)
    generator = torch.Generator().manual_seed(seed)
    for scale in (0.0, 0.1, 1.0, 30.0):
        x = torch.randn(9, *shape, generator=generator, dtype=torch.float64) * scale
        with torch.no_grad():
            expected = copy.deepcopy(module).double().eval()(x).reshape(9, -1).numpy()
        found = network.evaluate(x.reshape(9, -1).numpy())
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * max(scale, 1.0))


def linear(n_in, n_out, bias=True):
    return nn.Linear(n_in, n_out, bias=bias)


def densely_connected(m, x):
    one = torch.cat([x, torch.relu(m.a(x))], dim=1)
    two = torch.cat([one, torch.relu(m.b(one))], dim=1)
    return m.out(two)


def maxout_by_hand(m, x):
    h = m.a(x).view(-1, 2, 3).amax(-1)
    return m.out(torch.maximum(h, -h)) - x[:, :1].min(dim=1, keepdim=True).values
