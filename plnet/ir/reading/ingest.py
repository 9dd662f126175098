"""`as_network`: a torch module becomes a `PLNetwork`."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import nn
from torch.fx import Graph

from plnet.errors import DimensionError, IngestError
from plnet.ir.network import PLNetwork
from plnet.ir.reading.chain import linearise
from plnet.ir.reading.shapes import infer_input_size
from plnet.ir.reading.trace import double_copy, trace, walk
from plnet.ir.reading.verify import verify
from plnet.ir.reading.walk import refuse_modules

__all__ = ["as_network"]

_TRACING = threading.Lock()
"""torch.fx changes `torch.nn.Module` itself while it traces, so only one thread may do it at a time."""


def as_network(module: nn.Module | PLNetwork, input_shape: int | Sequence[int] | None = None) -> PLNetwork:
    """Read a torch module as an exact piecewise-linear network.

    Parameters
    ----------
    module : torch.nn.Module or PLNetwork
        A network passes through. A module is traced with torch.fx in evaluation mode; it
        is not changed, and its mode, type, device and gradients stay as they are.
    input_shape : int or sequence of int, optional
        Shape of one input, without the batch. By default a vector, whose size is that of
        the first layer that fixes one.

    Returns
    -------
    PLNetwork
        Its output is the module's, flattened.

    Raises
    ------
    NotPiecewiseLinearError
        If a part is smooth, or multiplies two values that depend on the input.
    UnsupportedLayerError
        If a part has no handler, or the control flow depends on the data.
    DimensionError
        If shapes do not fit.
    NetworkError
        If a weight is not finite, or a layer is empty.
    IngestError
        If `module` is something else, its input shape cannot be found, or the network
        read does not agree with the module on a batch of points.

    Notes
    -----
    The network is the real-arithmetic function of the stored weights; those of a float32
    module are taken over exactly. Three things are rounded once to float64 and then
    belong to the definition: the scale γ/√(v+ε) of batch normalisation, the reciprocal of a
    constant divisor, and constants that the forward computes from parameters. Averages are
    exact: a sum divided by an integer. Convolutions stay kernels and are never written as a
    matrix. Skips become a chain by carrying values along as further units. Forward hooks are
    refused, apart from those of torch.nn.utils (pruning, weight norm).

    Examples
    --------
    >>> from torch import nn
    >>> import plnet.ir
    >>> plnet.ir.as_network(nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)))
    PLNetwork(2 → 8 → 1, 8 units)
    """
    shape = _check_shape(input_shape)
    if isinstance(module, PLNetwork):
        if shape is not None and math.prod(shape) != module.input_dim:
            raise DimensionError(
                f"Expected input_shape to hold {module.input_dim} numbers as this network's input, got "
                f"{shape}."
            )
        return module
    if not isinstance(module, nn.Module):
        what = (
            f"the class {module.__name__}; make an instance"
            if isinstance(module, type)
            else repr(type(module))
        )
        raise IngestError(f"Expected a torch.nn.Module or a PLNetwork, got {what}.")
    with _TRACING:
        return _read(module, shape)


def _read(module: nn.Module, shape: tuple[int, ...] | None) -> PLNetwork:
    twin = double_copy(_unwrapped(module))
    root, graph, defaults = trace(twin)
    if shape is None:
        shape = (_input_size(root, graph),)
    operations, start, end = walk(root, graph, defaults, shape)
    inputs, outputs = operations.atoms(start).ravel(), operations.atoms(end).ravel()
    layers = linearise(operations.ops, inputs, outputs)
    network = PLNetwork(layers, len(inputs), shape if len(shape) != 1 else None)
    verify(network, twin, shape)
    return network


def _input_size(root: nn.Module, graph: Graph) -> int:
    try:
        return infer_input_size(root, graph)
    except IngestError:
        # A layer that cannot be read at all is the better news.
        refuse_modules(root, graph)
        raise


def _unwrapped(module: nn.Module) -> nn.Module:
    """Return the module that is meant inside the wrappers of torch.compile and of parallel training."""
    inner = getattr(module, "_orig_mod", None)
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner = module.module
    return module if inner is None else _unwrapped(inner)


def _check_shape(input_shape: Any) -> tuple[int, ...] | None:
    if input_shape is None:
        return None
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else (input_shape,)
    if not shape or not all(
        isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0 for n in shape
    ):
        raise DimensionError(
            "Expected input_shape to be a positive integer or a sequence of them, such as (1, 28, 28), "
            f"without the batch; got {input_shape!r}."
        )
    return tuple(int(n) for n in shape)
