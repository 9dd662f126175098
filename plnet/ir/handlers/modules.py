"""Handlers of torch modules: what each becomes in the intermediate representation."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from plnet.errors import DimensionError, UnsupportedLayerError
from plnet.ir.handlers import arithmetic as ar
from plnet.ir.handlers import functions as fn
from plnet.ir.handlers.registry import as_function, function_handler, module_handler
from plnet.ir.handlers.symbols import Graph, Symbol
from plnet.ir.layers import GroupMax, LocalWinner, ScalarPWL
from plnet.networks.modules import AbsoluteValue, CReLU, GroupedMaximum, Maxout, PiecewiseLinear
from plnet.networks.winners import GroupedWinner, LocalWinnerTakeAll

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


_ONE_BREAKPOINT = "ScalarPWL with breakpoint 0"
_TWO_BREAKPOINTS = "ScalarPWL with two breakpoints"
_LIMITS = ("min_val", "max_val")

as_function(fn.relu, nn.ReLU, becomes=_ONE_BREAKPOINT)
as_function(fn.absolute, AbsoluteValue, becomes=_ONE_BREAKPOINT)
as_function(fn.leaky_relu, nn.LeakyReLU, options=["negative_slope"], becomes=_ONE_BREAKPOINT)
as_function(fn.prelu, nn.PReLU, options=["weight"], becomes=_ONE_BREAKPOINT)
# ReLU6 is a Hardtanh from 0 to 6.
as_function(ar.clamp, nn.Hardtanh, nn.ReLU6, options=_LIMITS, becomes=_TWO_BREAKPOINTS)
as_function(
    fn.threshold,
    nn.Threshold,
    options=["threshold", "value"],
    becomes="ScalarPWL with one breakpoint, where value = threshold",
)
as_function(
    fn.hardsigmoid,
    nn.Hardsigmoid,
    becomes="Affine, ScalarPWL with two breakpoints, Affine (divided by 6 exactly)",
)
as_function(fn.softshrink, nn.Softshrink, options=["lambd"], becomes=_TWO_BREAKPOINTS)
as_function(fn.rrelu, nn.RReLU, options=["lower", "upper"], becomes=_ONE_BREAKPOINT)


@module_handler(CReLU, becomes="Affine, ScalarPWL with breakpoint 0", resizes=True)
def concatenated_relu(graph: Graph, module: CReLU, x: Symbol) -> Symbol:
    """relu(x) and relu(-x), one after the other along a dimension."""
    negative = ar.scale(graph, x, -1.0)
    return fn.relu(graph, Symbol(torch.cat([x.ids, negative.ids], dim=module.dim)))


@module_handler(LocalWinnerTakeAll, becomes="LocalWinner (jumps)")
def local_winner(graph: Graph, module: LocalWinnerTakeAll, x: Symbol) -> Symbol:
    """Groups of neighbouring channels."""
    atoms = graph.atoms(x)
    if atoms.ndim == 0 or atoms.shape[0] % module.group_size:
        raise DimensionError(
            f"{graph.name}: expected a number of channels that {module.group_size} divides, got one input of "
            f"shape {atoms.shape}."
        )
    places = np.arange(atoms.size).reshape(-1, module.group_size, *atoms.shape[1:])
    groups = np.moveaxis(places, 1, -1).reshape(-1, module.group_size)
    return graph.emit(LocalWinner(groups, atoms.size, graph.name), atoms, atoms.shape)


@module_handler(GroupedWinner, becomes="LocalWinner (jumps)")
def grouped_winner(graph: Graph, module: GroupedWinner, x: Symbol) -> Symbol:
    """The stored groups."""
    atoms = graph.atoms(x)
    return graph.emit(LocalWinner(module.groups.numpy(), atoms.size, graph.name), atoms, atoms.shape)


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


@module_handler(
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    becomes="Affine (minus mean), Affine (scale, rounded once, plus shift)",
)
def batch_norm(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Running statistics; the scale γ/√(v+ε) is rounded once to float64, nothing else is.

    Entries of dimension 1 share a scale.
    """
    if module.running_mean is None or module.running_var is None:
        raise UnsupportedLayerError(
            f"{graph.name} ({type(module).__name__}): expected running statistics, got "
            "track_running_stats=False, so the network depends on the whole batch. Train with "
            "track_running_stats=True."
        )
    return _normalise(
        graph, x, module.running_mean, module.running_var, module.weight, module.bias, module.eps
    )


@function_handler(F.batch_norm, becomes="Affine (minus mean), Affine (scale, rounded once, plus shift)")
def batch_norm_function(
    graph: Graph,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Symbol:
    """Batch normalisation with fixed statistics."""
    if training or running_mean is None or running_var is None:
        raise UnsupportedLayerError(
            f"{graph.name}: expected fixed statistics when evaluating, got training={training}, which makes "
            "the network depend on the whole batch. Pass training=self.training and running statistics."
        )
    return _normalise(graph, input, running_mean, running_var, weight, bias, eps)


def _normalise(
    graph: Graph, x: Symbol, mean: torch.Tensor, variance: torch.Tensor, weight: Any, bias: Any, eps: float
) -> Symbol:
    scale = batch_norm_scale(weight, variance, eps)
    beta = torch.zeros_like(mean) if bias is None else bias.detach()
    spread = [
        ar.per_entry(graph, ar.align(graph, x, c.double().reshape(-1, *([1] * (len(x.shape) - 2))))[1])
        for c in (mean.detach(), torch.from_numpy(scale), beta)
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
