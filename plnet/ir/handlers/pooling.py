"""Handlers of pooling: averages divided exactly, and maxima over windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from plnet.errors import DimensionError, UnsupportedLayerError
from plnet.ir.handlers import arithmetic as ar
from plnet.ir.handlers.convolution import grid_atoms, per_axis
from plnet.ir.handlers.registry import function_handler, module_handler, module_key
from plnet.ir.handlers.symbols import Graph, Symbol
from plnet.ir.handlers.windows import adaptive_axis, pooling_axis, windows
from plnet.ir.layers import GroupMax

__all__: list[str] = []

_AVERAGE = "Affine (sum, divided exactly)"


def _spread(table: np.ndarray, channels: int, positions: int) -> np.ndarray:
    """Repeat a window table for each channel; -1 stays."""
    shifted = table + np.arange(channels)[:, None, None] * positions
    return np.where(table >= 0, shifted, -1).reshape(-1, table.shape[1])


def _check_shape(graph: Graph, atoms: np.ndarray, axes: Sequence[np.ndarray]) -> tuple[int, ...]:
    shape = (atoms.shape[0], *(len(axis) for axis in axes))
    if min(shape) < 1:
        raise DimensionError(f"{graph.name}: the window does not fit into one input of shape {atoms.shape}.")
    return shape


def _maximum(graph: Graph, x: Symbol, axes: Sequence[np.ndarray]) -> Symbol:
    atoms = grid_atoms(graph, x, len(axes))
    shape = _check_shape(graph, atoms, axes)
    table = _spread(windows(axes, atoms.shape[1:]), atoms.shape[0], math.prod(atoms.shape[1:]))
    if (table < 0).all(axis=1).any():
        raise DimensionError(f"{graph.name}: a window lies in the padding only, so its maximum is -inf.")
    # Padding never wins: left out, and its place taken by another member of the window.
    last = table.shape[1] - 1 - (table[:, ::-1] >= 0).argmax(axis=1)
    groups = np.where(table >= 0, table, table[np.arange(len(table)), last][:, None])
    inputs, places = np.unique(atoms.ravel()[groups], return_inverse=True)
    layer = GroupMax(places.reshape(groups.shape), len(inputs), graph.name)
    return graph.emit(layer, inputs, shape)


def _refuse_indices(graph: Graph, wanted: bool) -> None:
    if wanted:
        raise UnsupportedLayerError(
            f"{graph.name}: expected return_indices=False; positions of a maximum are no continuous function "
            "of the input."
        )


def _max_axes(graph: Graph, x: Symbol, dim: int, options: Sequence[Any], ceil_mode: bool) -> list[np.ndarray]:
    kernel, stride, padding, dilation = options
    stride = kernel if stride is None or stride == [] else stride
    sizes = grid_atoms(graph, x, dim).shape[1:]
    listed = zip(*(per_axis(value, dim) for value in (kernel, stride, padding, dilation)), strict=True)
    return [
        pooling_axis(n, size, step, pad, spread, ceil_mode)
        for n, (size, step, pad, spread) in zip(sizes, listed, strict=True)
    ]


@module_handler(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, becomes="GroupMax", resizes=True)
def max_pool(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Maximum over windows; padding never wins."""
    _refuse_indices(graph, module.return_indices)
    dim = _dim(module)
    options = (module.kernel_size, module.stride, module.padding, module.dilation)
    return _maximum(graph, x, _max_axes(graph, x, dim, options, module.ceil_mode))


def _dim(module: nn.Module) -> int:
    """Return the number of axes that a pool works on, which its registered type names."""
    return int(str(getattr(module_key(module), "__name__", "")).removesuffix("d")[-1])


def _max_pool_function(dim: int) -> Any:
    def handler(
        graph: Graph,
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Symbol:
        _refuse_indices(graph, return_indices)
        options = (kernel_size, stride, padding, dilation)
        return _maximum(graph, input, _max_axes(graph, input, dim, options, ceil_mode))

    return handler


_MAX_POOLS = (
    (F.max_pool1d, torch.max_pool1d),
    (F.max_pool2d, torch.max_pool2d),
    (F.max_pool3d, torch.max_pool3d),
)
for _axes, _functions in enumerate(_MAX_POOLS, 1):
    function_handler(*_functions, becomes="GroupMax", resizes=True)(_max_pool_function(_axes))


def _average(graph: Graph, x: Symbol, axes: Sequence[np.ndarray], divisors: Any = None) -> Symbol:
    atoms = grid_atoms(graph, x, len(axes))
    shape = _check_shape(graph, atoms, axes)
    table = _spread(windows(axes, atoms.shape[1:]), atoms.shape[0], math.prod(atoms.shape[1:]))
    by = (table >= 0).sum(axis=1) if divisors is None else np.tile(divisors, atoms.shape[0])
    return ar.average(graph, atoms.ravel(), table, by.astype(np.int64), shape)


@module_handler(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, becomes=_AVERAGE, resizes=True)
def average_pool(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """The exact sum over each window, divided by an integer."""
    options = (module.kernel_size, module.stride, module.padding)
    divisor = getattr(module, "divisor_override", None)
    return _average_pool(graph, x, _dim(module), options, module.ceil_mode, module.count_include_pad, divisor)


def _average_pool(
    graph: Graph,
    x: Symbol,
    dim: int,
    options: Sequence[Any],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Symbol:
    kernel, stride, padding = options
    axes = _max_axes(graph, x, dim, (kernel, stride, padding, 1), ceil_mode)
    if divisor is not None:
        if divisor < 0:
            raise UnsupportedLayerError(f"{graph.name}: expected a positive divisor, got {divisor}.")
        return _average(graph, x, axes, np.full(math.prod(len(axis) for axis in axes), divisor))
    if not count_include_pad:
        return _average(graph, x, axes)
    sizes = grid_atoms(graph, x, dim).shape[1:]
    stride = kernel if stride is None or stride == [] else stride
    listed = zip(*(per_axis(value, dim) for value in (kernel, stride, padding)), strict=True)
    lengths = []
    for n, axis, (k, s, p) in zip(sizes, axes, listed, strict=True):
        starts = np.arange(len(axis)) * s - p
        # The last window may reach beyond the padding, which does not count.
        lengths.append(np.minimum(starts + k, n + p) - starts)
    counts = lengths[0]
    for other in lengths[1:]:
        counts = np.multiply.outer(counts, other)
    return _average(graph, x, axes, counts.ravel())


def _average_pool_function(dim: int) -> Any:
    def handler(
        graph: Graph,
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Symbol:
        options = (kernel_size, stride, padding)
        return _average_pool(graph, input, dim, options, ceil_mode, count_include_pad, divisor_override)

    return handler


for _axes, _function in enumerate((F.avg_pool1d, F.avg_pool2d, F.avg_pool3d), 1):
    function_handler(_function, becomes=_AVERAGE, resizes=True)(_average_pool_function(_axes))


def _adaptive_axes(graph: Graph, x: Symbol, dim: int, output_size: Any) -> list[np.ndarray]:
    sizes = grid_atoms(graph, x, dim).shape[1:]
    listed = list(output_size) if isinstance(output_size, Sequence) else [output_size] * dim
    return [adaptive_axis(n, n if m is None else int(m)) for n, m in zip(sizes, listed, strict=True)]


@module_handler(
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, becomes=_AVERAGE, resizes=True
)
def adaptive_average_pool(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Averages over windows that share the input evenly."""
    return _average(graph, x, _adaptive_axes(graph, x, _dim(module), module.output_size))


@module_handler(
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d, becomes="GroupMax", resizes=True
)
def adaptive_max_pool(graph: Graph, module: Any, x: Symbol) -> Symbol:
    """Maxima over windows that share the input evenly."""
    _refuse_indices(graph, module.return_indices)
    return _maximum(graph, x, _adaptive_axes(graph, x, _dim(module), module.output_size))


def _adaptive_function(dim: int, reduce: Any) -> Any:
    def handler(graph: Graph, input: Any, output_size: Any, return_indices: bool = False) -> Symbol:
        _refuse_indices(graph, return_indices)
        return reduce(graph, input, _adaptive_axes(graph, input, dim, output_size))

    return handler


for _axes, _function in enumerate((F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d), 1):
    function_handler(_function, becomes=_AVERAGE, resizes=True)(_adaptive_function(_axes, _average))
_ADAPTIVE_MAX_POOLS = (
    (F.adaptive_max_pool1d, torch.adaptive_max_pool1d),
    (F.adaptive_max_pool2d,),
    (F.adaptive_max_pool3d,),
)
for _axes, _functions in enumerate(_ADAPTIVE_MAX_POOLS, 1):
    function_handler(*_functions, becomes="GroupMax", resizes=True)(_adaptive_function(_axes, _maximum))
