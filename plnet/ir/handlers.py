"""Handlers of torch modules: what each becomes in the intermediate representation."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.errors import UnsupportedLayerError
from plnet.ir import arithmetic as ar
from plnet.ir import functions as fn
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.ir.registry import module_handler
from plnet.ir.symbols import Graph, Symbol
from plnet.networks.modules import AbsoluteValue, GroupedMaximum, Maxout, PiecewiseLinear

__all__ = ["INPUT_SIZES", "batch_norm_scale"]

INPUT_SIZES: dict[type[nn.Module], str] = {
    nn.Linear: "in_features",
    Maxout: "in_features",
    nn.BatchNorm1d: "num_features",
}
"""Attribute that holds the number of inputs of one sample, for modules that fix it."""


@module_handler(nn.Linear, becomes="Affine")
def linear(graph: Graph, module: nn.Linear, x: Symbol) -> Symbol:
    """Weight and bias as they are stored."""
    return ar.linear(graph, x, module.weight, module.bias, synthetic=False)


@module_handler(nn.ReLU, becomes="ScalarPWL with breakpoint 0")
def relu(graph: Graph, module: nn.ReLU, x: Symbol) -> Symbol:
    """max(0, x)."""
    return fn.relu(graph, x)


@module_handler(AbsoluteValue, becomes="ScalarPWL with breakpoint 0")
def absolute(graph: Graph, module: AbsoluteValue, x: Symbol) -> Symbol:
    """|x|."""
    return fn.absolute(graph, x)


@module_handler(nn.LeakyReLU, becomes="ScalarPWL with breakpoint 0")
def leaky_relu(graph: Graph, module: nn.LeakyReLU, x: Symbol) -> Symbol:
    """Any slope, also negative or above 1."""
    return fn.leaky_relu(graph, x, module.negative_slope)


@module_handler(nn.PReLU, becomes="ScalarPWL with breakpoint 0")
def prelu(graph: Graph, module: nn.PReLU, x: Symbol) -> Symbol:
    """One slope for all, or one for each channel."""
    return fn.prelu(graph, x, module.weight)


@module_handler(nn.Hardtanh, nn.ReLU6, becomes="ScalarPWL with two breakpoints")
def hardtanh(graph: Graph, module: nn.Hardtanh, x: Symbol) -> Symbol:
    """Clipping; ReLU6 is a Hardtanh from 0 to 6."""
    return ar.clamp(graph, x, module.min_val, module.max_val)


@module_handler(nn.Threshold, becomes="ScalarPWL with one breakpoint, where value = threshold")
def threshold(graph: Graph, module: nn.Threshold, x: Symbol) -> Symbol:
    """Refused where it jumps."""
    return fn.threshold(graph, x, module.threshold, module.value)


@module_handler(PiecewiseLinear, becomes="ScalarPWL")
def piecewise_linear(graph: Graph, module: PiecewiseLinear, x: Symbol) -> Symbol:
    """The stored functions, one for each feature."""
    tensors = (module.breakpoints, module.slopes, module.anchors)
    points, slopes, anchors = (t.detach().double().numpy() for t in tensors)
    layer = ScalarPWL(points, slopes, anchors, graph.name)
    atoms = graph.atoms(x)
    if atoms.shape != (layer.n_in,):
        raise UnsupportedLayerError(f"{graph.name}: expected {layer.n_in} features, got shape {atoms.shape}.")
    return ar.scalar(graph, x, lambda _: layer)


@module_handler(GroupedMaximum, becomes="GroupMax")
def grouped_maximum(graph: Graph, module: GroupedMaximum, x: Symbol) -> Symbol:
    """The stored groups."""
    atoms = graph.atoms(x)
    groups = module.groups.numpy()
    return graph.emit(GroupMax(groups, atoms.size, graph.name), atoms, (len(groups),))


@module_handler(Maxout, becomes="Affine, GroupMax")
def maxout(graph: Graph, module: Maxout, x: Symbol) -> Symbol:
    """All affine pieces, then the maximum over each unit's."""
    bias = None if module.bias is None else module.bias.flatten()
    pieces = ar.linear(graph, x, module.weight.flatten(0, 1), bias, synthetic=False)
    ids = pieces.ids.unflatten(-1, (module.out_features, module.pieces))
    return ar.reduce_max(graph, ids, -1, False)


@module_handler(
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, becomes="nothing"
)
def identity(graph: Graph, module: nn.Module, x: Symbol) -> Symbol:
    """Dropout is the identity when evaluating."""
    return x


@module_handler(nn.Flatten, nn.Unflatten, becomes="nothing")
def reshape(graph: Graph, module: nn.Module, x: Symbol) -> Symbol:
    """Row-major order, as everywhere in torch."""
    return Symbol(module(x.ids))


@module_handler(nn.BatchNorm1d, becomes="Affine (minus mean), Affine (scale, rounded once, plus shift)")
def batch_norm(graph: Graph, module: nn.BatchNorm1d, x: Symbol) -> Symbol:
    """Running statistics; the scale γ/√(v+ε) is rounded once to float64, nothing else is.

    Entries of dimension 1 share a scale.
    """
    if module.running_mean is None or module.running_var is None:
        raise UnsupportedLayerError(
            f"{graph.name} ({type(module).__name__}): expected running statistics, got "
            "track_running_stats=False, so the network depends on the whole batch. Train with "
            "track_running_stats=True."
        )
    scale = batch_norm_scale(module.weight, module.running_var, module.eps)
    beta = torch.zeros_like(module.running_mean) if module.bias is None else module.bias.detach()
    spread = [
        ar.per_entry(graph, ar.align(graph, x, c.double().reshape(-1, *([1] * (len(x.shape) - 2))))[1])
        for c in (module.running_mean, torch.from_numpy(scale), beta)
    ]
    centred = ar.shift(graph, x, -spread[0], synthetic=False)
    return ar.scale(graph, centred, spread[1], spread[2], synthetic=False)


def batch_norm_scale(weight: Any, variance: torch.Tensor, eps: float) -> np.ndarray:
    """Return γ/√(v+ε) of each channel, rounded once to float64.

    Parameters
    ----------
    weight : torch.Tensor or None, shape (channels,)
        γ; 1 if missing.
    variance : torch.Tensor, shape (channels,)
    eps : float
        The ε of the module, a float64.
    """
    gamma = np.ones(len(variance)) if weight is None else weight.detach().double().numpy()
    with localcontext() as context:
        # 60 digits leave no doubt in the rounding to 17.
        context.prec = 60
        pairs = zip(gamma.tolist(), variance.double().tolist(), strict=True)
        return np.array([_scale(g, v, eps) for g, v in pairs], dtype=np.float64)


def _scale(gamma: float, variance: float, eps: float) -> float:
    total = Decimal(variance) + Decimal(eps)
    # NaN, infinite or negative statistics give NaN, which the layer check reports by name.
    if not total.is_finite() or total <= 0 or not Decimal(gamma).is_finite():
        return float("nan")
    return float(Decimal(gamma) / total.sqrt())
