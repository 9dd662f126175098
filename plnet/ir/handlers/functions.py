"""Handlers of nonlinear functions and tensor methods, as torch.fx records them."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from plnet.errors import NotPiecewiseLinearError, UnsupportedLayerError
from plnet.ir.handlers import arithmetic as ar
from plnet.ir.handlers.registry import function_handler
from plnet.ir.handlers.symbols import Graph, Indices, Symbol
from plnet.ir.layers import ScalarPWL

__all__: list[str] = []


class Extremum(NamedTuple):
    """What ``max(dim)`` returns: values, and positions that nothing can be done with."""

    values: Symbol
    indices: Indices


def _require_data(graph: Graph, *values: Any) -> None:
    for value in values:
        if not ar.is_data(value):
            raise UnsupportedLayerError(
                f"{graph.name}: expected a tensor that depends on the input, got {ar.describe(value)}."
            )


@function_handler(F.relu, torch.relu, methods=("relu",), becomes="ScalarPWL with breakpoint 0")
def relu(graph: Graph, input: Any, inplace: bool = False) -> Symbol:
    """max(0, x)."""
    return ar.scalar(graph, input, lambda n: ScalarPWL.relu(n, graph.name))


@function_handler(
    torch.abs,
    torch.absolute,
    operator.abs,
    methods=("abs", "absolute"),
    becomes="ScalarPWL with breakpoint 0",
)
def absolute(graph: Graph, input: Any) -> Symbol:
    """|x|."""
    return ar.scalar(graph, input, lambda n: ScalarPWL.absolute(n, graph.name))


@function_handler(F.leaky_relu, becomes="ScalarPWL with breakpoint 0")
def leaky_relu(graph: Graph, input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Symbol:
    """Slope `negative_slope` below 0."""
    slope = float(negative_slope)
    return ar.scalar(graph, input, lambda n: ScalarPWL.leaky_relu([slope] * n, graph.name))


@function_handler(F.prelu, torch.prelu, methods=("prelu",), becomes="ScalarPWL with breakpoint 0")
def prelu(graph: Graph, input: Any, weight: Any) -> Symbol:
    """Slope `weight` below 0, one for all entries or one for each channel (dimension 1)."""
    _require_data(graph, input)
    if ar.is_data(weight):
        ar.refuse_product(graph, input, weight)
    spread = weight.detach().double()
    if spread.numel() > 1:
        spread = spread.reshape(-1, *([1] * (len(input.shape) - 2)))
    _, spread = ar.align(graph, input, spread)
    slopes = ar.per_entry(graph, spread)
    return ar.scalar(graph, input, lambda n: ScalarPWL.leaky_relu(slopes, graph.name))


@function_handler(F.hardtanh, becomes="ScalarPWL with two breakpoints")
def hardtanh(
    graph: Graph, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Symbol:
    """Clip to [min_val, max_val]."""
    return ar.clamp(graph, input, min_val, max_val)


@function_handler(F.relu6, becomes="ScalarPWL with two breakpoints")
def relu6(graph: Graph, input: Any, inplace: bool = False) -> Symbol:
    """Clip to [0, 6]."""
    return ar.clamp(graph, input, 0.0, 6.0)


@function_handler(
    torch.clamp,
    torch.clip,
    methods=("clamp", "clip"),
    becomes="ScalarPWL with up to two breakpoints; GroupMax for bounds that depend on the input",
)
def clamp(graph: Graph, input: Any, min: Any = None, max: Any = None) -> Symbol:
    """Clip to bounds that are numbers, tensors or missing."""
    _require_data(graph, input)
    return ar.clamp(graph, input, min, max)


@function_handler(torch.clamp_min, methods=("clamp_min",), becomes="ScalarPWL with one breakpoint")
def clamp_min(graph: Graph, input: Any, min: Any) -> Symbol:
    """Clip from below."""
    return ar.clamp(graph, input, low=min)


@function_handler(torch.clamp_max, methods=("clamp_max",), becomes="ScalarPWL with one breakpoint")
def clamp_max(graph: Graph, input: Any, max: Any) -> Symbol:
    """Clip from above."""
    return ar.clamp(graph, input, high=max)


@function_handler(F.threshold, becomes="ScalarPWL with one breakpoint, where continuous")
def threshold(graph: Graph, input: Any, threshold: float, value: float, inplace: bool = False) -> Symbol:
    """X above the threshold, `value` elsewhere; continuous only if both are equal."""
    if threshold != value:
        raise NotPiecewiseLinearError(
            f"{graph.name}: expected threshold and value to be equal, got {threshold} and {value}; the "
            "function jumps there, and plnet treats continuous networks. Use value=threshold, or LeakyReLU."
        )
    return ar.clamp(graph, input, low=threshold)


@function_handler(
    F.hardsigmoid, becomes="Affine, ScalarPWL with two breakpoints, Affine (divided by 6 exactly)"
)
def hardsigmoid(graph: Graph, input: Any, inplace: bool = False) -> Symbol:
    """relu6(x + 3) / 6; a sixth is no float, so the division is a layer of its own."""
    moved = ar.shift(graph, input, np.full(graph.atoms(input).size, 3.0))
    clipped = ar.clamp(graph, moved, 0.0, 6.0)
    atoms = graph.atoms(clipped)
    places = np.arange(atoms.size)[:, None]
    return ar.average(graph, atoms.ravel(), places, np.full(atoms.size, 6), atoms.shape)


@function_handler(F.softshrink, becomes="ScalarPWL with two breakpoints")
def softshrink(graph: Graph, input: Any, lambd: float = 0.5) -> Symbol:
    """Zero between ±lambd, slope 1 outside."""
    reach = float(lambd)
    if reach == 0.0:
        return input
    return ar.scalar(
        graph, input, lambda n: ScalarPWL.uniform(n, [-reach, reach], [1.0, 0.0, 1.0], 0.0, graph.name)
    )


@function_handler(F.rrelu, becomes="ScalarPWL with breakpoint 0")
def rrelu(
    graph: Graph,
    input: Any,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Symbol:
    """When evaluating, slope (lower + upper) / 2 below 0, rounded as torch does."""
    if training:
        raise UnsupportedLayerError(
            f"{graph.name}: expected training=False, got True, which makes the slopes random. Write "
            "`F.rrelu(x, training=self.training)`."
        )
    return leaky_relu(graph, input, (lower + upper) / 2)


@function_handler(
    F.dropout,
    F.dropout1d,
    F.dropout2d,
    F.dropout3d,
    F.alpha_dropout,
    becomes="nothing: dropout is the identity when evaluating",
)
def dropout(graph: Graph, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Symbol:
    """Return the input."""
    if training and p > 0:
        raise UnsupportedLayerError(
            f"{graph.name}: expected dropout to be off when evaluating, got training=True, which makes the "
            "network random. Write `F.dropout(x, p, training=self.training)`."
        )
    return input


@function_handler(torch.maximum, methods=("maximum",), becomes="GroupMax; ScalarPWL against a constant")
def maximum(graph: Graph, input: Any, other: Any) -> Symbol:
    """Larger of two tensors, entry by entry."""
    return ar.maximum(graph, input, other)


@function_handler(torch.minimum, methods=("minimum",), becomes="GroupMax between negations")
def minimum(graph: Graph, input: Any, other: Any) -> Symbol:
    """Smaller of two tensors, entry by entry."""
    return ar.maximum(graph, input, other, sign=-1.0)


@function_handler(torch.amax, methods=("amax",), becomes="GroupMax")
def amax(graph: Graph, input: Any, dim: Any = (), keepdim: bool = False) -> Symbol:
    """Maximum over feature dimensions."""
    return ar.reduce_max(graph, input.ids, dim, keepdim)


@function_handler(torch.amin, methods=("amin",), becomes="GroupMax between negations")
def amin(graph: Graph, input: Any, dim: Any = (), keepdim: bool = False) -> Symbol:
    """Minimum over feature dimensions."""
    return ar.reduce_max(graph, input.ids, dim, keepdim, sign=-1.0)


@function_handler(torch.max, methods=("max",), becomes="GroupMax")
def max_(graph: Graph, input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Maximum of two tensors, or over one feature dimension."""
    return _extremum(graph, input, dim, keepdim, other, 1.0)


@function_handler(torch.min, methods=("min",), becomes="GroupMax between negations")
def min_(graph: Graph, input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Minimum of two tensors, or over one feature dimension."""
    return _extremum(graph, input, dim, keepdim, other, -1.0)


def _extremum(graph: Graph, x: Any, dim: Any, keepdim: bool, other: Any, sign: float) -> Any:
    if isinstance(dim, Symbol | torch.Tensor):
        # torch.max(a, b) has the other tensor where torch.max(a, dim) has the dimension.
        dim, other = None, dim
    if other is not None:
        return ar.maximum(graph, x, other, sign)
    return Extremum(ar.reduce_max(graph, x.ids, () if dim is None else dim, keepdim, sign), Indices())
