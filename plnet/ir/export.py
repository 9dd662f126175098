"""Back to torch: a `PLNetwork` becomes an `nn.Sequential` in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.errors import IngestError
from plnet.ir.convolution import Convolution
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine, StackedAffine
from plnet.networks.modules import AbsoluteValue, GroupedMaximum, Maxout, PiecewiseLinear
from plnet.networks.operators import GatheredConvolution, SparseLinear, StackedLinear
from plnet.networks.winners import GroupedWinner

__all__ = ["to_sequential"]


def to_sequential(network: PLNetwork) -> nn.Sequential:
    """Return a torch module that computes the network, in float64.

    Parameters
    ----------
    network : PLNetwork

    Returns
    -------
    torch.nn.Sequential
        One module for each layer: Linear, ReLU, LeakyReLU, PReLU, Hardtanh, AbsoluteValue,
        PiecewiseLinear, GroupedMaximum or GroupedWinner; SparseLinear, GatheredConvolution or
        StackedLinear for affine layers that are not stored as a matrix; an affine layer whose rows
        a maximum takes in order becomes one Maxout. It begins with Flatten where one input is
        more than a vector.

    Raises
    ------
    IngestError
        If `network` is not a PLNetwork.

    Notes
    -----
    Nothing is rounded: `plnet.as_network` of the result has the same layers.

    Examples
    --------
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> from plnet.ir.export import to_sequential
    >>> to_sequential(PLNetwork((Affine([[1.0, 2.0]], [0.0]), ScalarPWL.relu(1)), 2))
    Sequential(
      (0): Linear(in_features=2, out_features=1, bias=True)
      (1): ReLU()
    )
    """
    if not isinstance(network, PLNetwork):
        raise IngestError(f"Expected a PLNetwork, got {type(network).__name__}. Use plnet.as_network first.")
    modules: list[nn.Module] = [] if network.input_shape is None else [nn.Flatten()]
    layers = list(network.layers)
    while layers:
        layer = layers.pop(0)
        behind = layers[0] if layers else None
        if isinstance(layer, Affine) and layer.is_dense and _is_maxout(behind):
            layers.pop(0)
            assert isinstance(behind, GroupMax)
            modules.append(_maxout(layer, behind))
        else:
            modules.append(_module(layer))
    return nn.Sequential(*modules)


def _module(layer: Layer) -> nn.Module:
    if isinstance(layer, SparseAffine):
        divisors = np.ones(layer.n_out, np.int64) if layer.divisors is None else layer.divisors
        tensors = (layer.starts, layer.inputs, layer.values, layer.bias, divisors)
        return SparseLinear(layer.n_in, *(torch.tensor(array) for array in tensors))
    if isinstance(layer, Convolution):
        kernel, table, bias = (torch.tensor(a) for a in (layer.kernel, layer.table, layer.channel_bias))
        return GatheredConvolution(kernel, table, layer.positions_in, bias)
    if isinstance(layer, StackedAffine):
        inputs = [torch.tensor(index) for index in layer.inputs]
        return StackedLinear([_module(part) for part in layer.parts], inputs, layer.n_in)
    if isinstance(layer, Affine):
        linear = nn.utils.skip_init(nn.Linear, layer.n_in, layer.n_out, dtype=torch.float64)
        return _fill(linear, layer.weight, layer.bias)
    if isinstance(layer, LocalWinner):
        return GroupedWinner(torch.tensor(layer.groups))
    if isinstance(layer, GroupMax):
        return GroupedMaximum(torch.tensor(layer.groups))
    return _activation(layer)


def _is_maxout(layer: Layer | None) -> bool:
    if not isinstance(layer, GroupMax) or isinstance(layer, LocalWinner):
        return False
    return layer.groups.shape[1] > 1 and np.array_equal(layer.groups.ravel(), np.arange(layer.n_in))


def _maxout(affine: Affine, maximum: GroupMax) -> nn.Module:
    units, pieces = maximum.groups.shape
    module = nn.utils.skip_init(Maxout, affine.n_in, units, pieces, dtype=torch.float64)
    return _fill(module, affine.weight.reshape(units, pieces, -1), affine.bias.reshape(units, pieces))


@torch.no_grad()
def _fill(module: Any, weight: np.ndarray, bias: np.ndarray) -> nn.Module:
    module.weight.copy_(torch.tensor(weight))
    module.bias.copy_(torch.tensor(bias))
    return module


def _activation(layer: ScalarPWL) -> nn.Module:
    points, slopes, anchors = layer.breakpoints, layer.slopes, layer.anchors
    kinked = points.shape[1] == 1 and not points.any() and not anchors.any()
    if kinked and (slopes[:, 1] == 1).all():
        below = slopes[:, 0]
        if (below == 0).all():
            return nn.ReLU()
        if (below == -1).all():
            return AbsoluteValue()
        if (below == below[0]).all():
            return nn.LeakyReLU(float(below[0]))
        prelu = nn.PReLU(len(below), dtype=torch.float64)
        with torch.no_grad():
            prelu.weight.copy_(torch.tensor(below))
        return prelu
    if points.shape[1] == 2 and np.isfinite(points).all() and (slopes == [0.0, 1.0, 0.0]).all():
        low, high = points[0]
        if (points == [low, high]).all() and (anchors == low).all():
            return nn.Hardtanh(float(low), float(high))
    return PiecewiseLinear(torch.tensor(points), torch.tensor(slopes), torch.tensor(anchors))
