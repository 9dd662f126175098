"""Handlers of convolutions, of padding and of whatever else only copies entries of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from plnet.errors import DimensionError, UnsupportedLayerError
from plnet.ir.convolution import Convolution
from plnet.ir.handlers import arithmetic as ar
from plnet.ir.handlers.registry import function_handler, module_handler
from plnet.ir.handlers.symbols import BATCH, Graph, Symbol
from plnet.ir.handlers.windows import convolution_axis, padded_positions, transposed_axis, windows

__all__ = ["grid_atoms", "per_axis"]

_CONVOLUTION = "Affine (a convolution, kept as such)"


def grid_atoms(graph: Graph, x: Symbol, dim: int) -> np.ndarray:
    """Return the atoms of one sample, shape (channels, *sizes) with `dim` sizes.

    Raises
    ------
    DimensionError
        If the tensor has another number of dimensions.
    """
    atoms = graph.atoms(x)
    if atoms.ndim != dim + 1:
        raise DimensionError(
            f"{graph.name}: expected one input of shape (channels, {', '.join(['size'] * dim)}), got "
            f"{atoms.shape}. Give input_shape, for example as_network(module, input_shape=(3, 32, 32))."
        )
    return atoms


def per_axis(value: Any, dim: int) -> list[int]:
    """Return an argument that is one number or one for each axis as a list."""
    listed = list(value) if isinstance(value, Sequence) else [value]
    return [int(v) for v in (listed * dim if len(listed) == 1 else listed)]


def convolve(
    graph: Graph, x: Symbol, weight: torch.Tensor, bias: Any, axes: Sequence[np.ndarray], groups: int
) -> Symbol:
    """Emit a convolution with a weight (out, in / groups, *taps) and a window table for each axis."""
    atoms = grid_atoms(graph, x, len(axes))
    channels, *sizes = atoms.shape
    n_out, n_in = weight.shape[:2]
    if channels != n_in * groups:
        raise DimensionError(
            f"{graph.name}: expected {n_in * groups} channels, got one input of shape {atoms.shape}. Check "
            "input_shape."
        )
    shape = (n_out, *(len(axis) for axis in axes))
    if min(shape) < 1:
        raise DimensionError(
            f"{graph.name}: the kernel {tuple(weight.shape[2:])} does not fit into one input of shape "
            f"{atoms.shape}, padding included."
        )
    kernel = weight.detach().double().numpy().reshape(groups, n_out // groups, n_in, -1)
    offset = np.zeros(n_out) if bias is None else bias.detach().double().numpy()
    layer = Convolution(kernel, windows(axes, sizes), int(np.prod(sizes)), offset, graph.name)
    return graph.emit(layer, atoms, shape)


@module_handler(nn.Conv1d, nn.Conv2d, nn.Conv3d, becomes=_CONVOLUTION, resizes=True)
def convolution(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Any stride, padding, padding mode, dilation and number of groups."""
    dim = module.weight.ndim - 2
    # Torch lists the padding from the last axis to the first, before and after.
    pads = module._reversed_padding_repeated_twice
    pairs = [(pads[2 * i], pads[2 * i + 1]) for i in range(dim)][::-1]
    axes = _axes(graph, x, module.weight, pairs, module.stride, module.dilation, module.padding_mode)
    return convolve(graph, x, module.weight, module.bias, axes, module.groups)


def _axes(
    graph: Graph,
    x: Symbol,
    weight: torch.Tensor,
    pairs: Sequence[tuple[int, int]],
    stride: Any,
    dilation: Any,
    mode: str = "zeros",
) -> list[np.ndarray]:
    kernel = list(weight.shape[2:])
    sizes = grid_atoms(graph, x, len(kernel)).shape[1:]
    steps, spread = per_axis(stride, len(kernel)), per_axis(dilation, len(kernel))
    return [
        convolution_axis(padded_positions(n, *pair, mode), k, s, d)
        for n, pair, k, s, d in zip(sizes, pairs, kernel, steps, spread, strict=True)
    ]


@function_handler(F.conv1d, F.conv2d, F.conv3d, becomes=_CONVOLUTION, resizes=True)
def convolution_function(
    graph: Graph,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Symbol:
    """Convolution with a constant kernel."""
    ar.refuse_product(graph, input, weight)
    _require_constant_bias(graph, bias)
    kernel = weight.shape[2:]
    spread = per_axis(dilation, len(kernel))
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(spread, kernel, strict=True)]
        pairs = [(t // 2, t - t // 2) for t in total]
    else:
        pairs = [(p, p) for p in per_axis(0 if padding == "valid" else padding, len(kernel))]
    axes = _axes(graph, input, weight, pairs, stride, spread)
    return convolve(graph, input, weight, bias, axes, groups)


def _require_constant_bias(graph: Graph, bias: Any) -> None:
    if ar.is_data(bias):
        raise UnsupportedLayerError(f"{graph.name}: expected a constant bias, got {ar.describe(bias)}.")


@module_handler(
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, becomes=_CONVOLUTION, resizes=True
)
def transposed_convolution(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Transposed convolution."""
    options = (module.stride, module.padding, module.output_padding, module.dilation)
    return _transposed(graph, x, module.weight, module.bias, options, module.groups)


@function_handler(
    F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d, becomes=_CONVOLUTION, resizes=True
)
def transposed_convolution_function(
    graph: Graph,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Symbol:
    """Transposed convolution with a constant kernel."""
    ar.refuse_product(graph, input, weight)
    _require_constant_bias(graph, bias)
    return _transposed(graph, input, weight, bias, (stride, padding, output_padding, dilation), groups)


def _transposed(
    graph: Graph, x: Symbol, weight: torch.Tensor, bias: Any, options: Sequence[Any], groups: int
) -> Symbol:
    kernel = list(weight.shape[2:])
    sizes = grid_atoms(graph, x, len(kernel)).shape[1:]
    listed = zip(*(per_axis(option, len(kernel)) for option in options), strict=True)
    axes = [transposed_axis(n, k, *option) for n, k, option in zip(sizes, kernel, listed, strict=True)]
    # (in, out / groups, *taps) to (out, in / groups, *taps).
    parts = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    return convolve(graph, x, parts, bias, axes, groups)


@module_handler(
    *(nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ReflectionPad1d, nn.ReflectionPad2d),
    *(nn.ReplicationPad1d, nn.ReplicationPad2d, nn.CircularPad1d, nn.CircularPad2d),
    becomes="nothing, or constants",
    resizes=True,
)
def padding_module(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Padding of all kinds."""
    kinds = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}
    name = next((mode for kind, mode in kinds.items() if type(module).__name__.startswith(kind)), "constant")
    return pad(graph, x, module.padding, name, getattr(module, "value", 0.0))


@function_handler(F.pad, becomes="nothing, or constants", resizes=True)
def pad(graph: Graph, input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Symbol:
    """Pad the last dimensions; pairs are listed from the last one on."""
    x = input
    graph.atoms(x)
    listed = [int(p) for p in pad]
    if len(listed) // 2 >= x.ids.ndim:
        raise UnsupportedLayerError(f"{graph.name}: expected padding of feature dimensions, got {listed}.")
    ids = x.ids
    outside = torch.zeros(ids.shape, dtype=torch.bool)
    for axis in range(len(listed) // 2):
        dim = ids.ndim - 1 - axis
        before, after = listed[2 * axis], listed[2 * axis + 1]
        places = padded_positions(ids.shape[dim], before, after, "zeros" if mode == "constant" else mode)
        index = torch.from_numpy(np.maximum(places, 0))
        ids, outside = ids.index_select(dim, index), outside.index_select(dim, index)
        shape = [1] * ids.ndim
        shape[dim] = -1
        outside = outside | torch.from_numpy(places < 0).reshape(shape)
    if bool(outside.any()):
        fill = graph.constant(torch.full((BATCH, 1), float(value or 0.0), dtype=torch.float64))
        ids = torch.where(outside, fill.ids.reshape(BATCH, *([1] * (ids.ndim - 1))), ids)
    return Symbol(ids)


@module_handler(nn.Upsample, nn.UpsamplingNearest2d, becomes="nothing (repeats entries)", resizes=True)
def upsample(graph: Graph, module: nn.Upsample, x: Symbol) -> Symbol:
    """Nearest neighbours only."""
    return interpolate(graph, x, module.size, module.scale_factor, module.mode)


@function_handler(F.interpolate, becomes="nothing (repeats entries)", resizes=True)
def interpolate(
    graph: Graph, input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", **_: Any
) -> Symbol:
    """Nearest neighbours only."""
    if not mode.startswith("nearest"):
        raise UnsupportedLayerError(
            f"{graph.name}: expected mode 'nearest', got {mode!r}, whose factors are rounded by torch. Use "
            "'nearest', or a transposed convolution with explicit weights."
        )
    # Atoms are whole numbers far below 2**53, which float64 copies exactly.
    return Symbol(F.interpolate(input.ids.double(), size, scale_factor, mode).long())


@module_handler(nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, becomes="nothing", resizes=True)
def shuffle(graph: Graph, module: nn.Module, x: Symbol) -> Symbol:
    """Rearrangements of entries."""
    return Symbol(module(x.ids.double()).long())
