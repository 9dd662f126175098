"""Handlers of linear functions and methods: products with constants, sums, and moving entries."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from plnet.errors import NotPiecewiseLinearError, UnsupportedLayerError
from plnet.ir.handlers import arithmetic as ar
from plnet.ir.handlers.registry import function_handler, structural
from plnet.ir.handlers.symbols import Graph, Symbol

__all__: list[str] = []


@function_handler(F.linear, becomes="Affine")
def linear(graph: Graph, input: Any, weight: Any, bias: Any = None) -> Symbol:
    """Apply a weight (n_out, n_in) and a bias."""
    ar.refuse_product(graph, input, weight)
    if ar.is_data(bias):
        return ar.add(graph, ar.linear(graph, input, weight, None, synthetic=False), bias)
    return ar.linear(graph, input, weight, bias, synthetic=False)


@function_handler(operator.matmul, torch.matmul, torch.mm, methods=("matmul", "mm"), becomes="Affine")
def matmul(graph: Graph, input: Any, other: Any) -> Symbol:
    """Multiply by a constant matrix (n_in, n_out) or vector (n_in,) from the right."""
    ar.refuse_product(graph, input, other)
    if not ar.is_data(input) or other.ndim > 2:
        raise UnsupportedLayerError(
            f"{graph.name}: expected data @ constant matrix, got {ar.describe(input)} @ "
            f"{ar.describe(other)}. Write the product with the batch on the left, or use "
            "torch.nn.functional.linear."
        )
    if other.ndim == 1:
        out = ar.linear(graph, input, other[None], None, synthetic=False)
        return Symbol(out.ids[..., 0])
    return ar.linear(graph, input, other.T, None, synthetic=False)


@function_handler(operator.add, torch.add, methods=("add",), becomes="Affine")
def add(graph: Graph, input: Any, other: Any, *, alpha: float = 1.0) -> Symbol:
    """Sum of two tensors, or of a tensor and a constant."""
    return _sum(graph, input, other, float(alpha))


@function_handler(operator.sub, torch.sub, torch.subtract, methods=("sub",), becomes="Affine")
def sub(graph: Graph, input: Any, other: Any, *, alpha: float = 1.0) -> Symbol:
    """Difference of two tensors, or of a tensor and a constant."""
    return _sum(graph, input, other, -float(alpha))


def _sum(graph: Graph, x: Any, y: Any, factor: float) -> Symbol:
    if abs(factor) != 1.0:
        # A constant times alpha is rounded by torch, too; data gets a layer of its own.
        y = (
            mul(graph, y, abs(factor))
            if ar.is_data(y)
            else torch.as_tensor(y, dtype=torch.float64) * abs(factor)
        )
    return ar.add(graph, x, y, 1.0 if factor >= 0 else -1.0)


@function_handler(operator.neg, torch.neg, torch.negative, methods=("neg", "negative"), becomes="Affine")
def neg(graph: Graph, input: Any) -> Symbol:
    """-x."""
    return ar.scale(graph, input, -1.0)


@function_handler(operator.pos, torch.positive, methods=("positive",), becomes="nothing")
def positive(graph: Graph, input: Any) -> Symbol:
    """+x."""
    return input


@function_handler(operator.mul, torch.mul, torch.multiply, methods=("mul", "multiply"), becomes="Affine")
def mul(graph: Graph, input: Any, other: Any) -> Symbol:
    """Product with a constant."""
    ar.refuse_product(graph, input, other)
    data, constant = (input, other) if ar.is_data(input) else (other, input)
    data, constant = ar.align(graph, data, constant)
    return ar.scale(graph, data, ar.per_entry(graph, constant))


@function_handler(
    operator.truediv,
    torch.div,
    torch.divide,
    torch.true_divide,
    methods=("div", "divide"),
    becomes="Affine; 1 / constant is rounded once to float64",
)
def div(graph: Graph, input: Any, other: Any, *, rounding_mode: str | None = None) -> Symbol:
    """Quotient by a constant."""
    if rounding_mode is not None or ar.is_data(other):
        raise NotPiecewiseLinearError(
            f"{graph.name}: expected division of the data by a constant, got {ar.describe(input)} over "
            f"{ar.describe(other)}{'' if rounding_mode is None else f' with rounding {rounding_mode!r}'}; "
            "this is not piecewise linear. Remove it from the network."
        )
    data, constant = ar.align(graph, input, other)
    with np.errstate(divide="ignore"):
        # A zero divisor gives an infinite factor, which the layer check reports by name.
        factor = 1.0 / ar.per_entry(graph, constant)
    return ar.scale(graph, data, factor)


@function_handler(torch.sum, methods=("sum",), becomes="Affine")
def sum_(graph: Graph, input: Any, dim: Any = (), keepdim: bool = False) -> Symbol:
    """Sum over feature dimensions."""
    return ar.reduce_sum(graph, input.ids, dim, keepdim)


@function_handler(torch.mean, methods=("mean",), becomes="Affine (sum, divided exactly)")
def mean(graph: Graph, input: Any, dim: Any = (), keepdim: bool = False) -> Symbol:
    """Mean over feature dimensions: the exact sum and the exact factor."""
    return ar.reduce_sum(graph, input.ids, dim, keepdim, mean=True)


def _like(make: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Return a handler that makes constants of the input's shape."""
    return lambda graph, input, **_: make(input.shape, dtype=torch.float64)


def _sized(make: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Return a handler that makes constants of a size of their own."""
    return lambda graph, input, *size, **_: make(*size, dtype=torch.float64)


function_handler(torch.zeros_like, becomes="a constant")(_like(torch.zeros))
function_handler(torch.ones_like, becomes="a constant")(_like(torch.ones))
function_handler(methods=("new_zeros",), becomes="a constant")(_sized(torch.zeros))
function_handler(methods=("new_ones",), becomes="a constant")(_sized(torch.ones))


@function_handler(methods=("double", "requires_grad_"), becomes="nothing")
def unchanged(graph: Graph, input: Any, *_: Any) -> Any:
    """The network is read in float64, so these change nothing."""
    return input


structural(
    *(torch.flatten, torch.ravel, torch.reshape, torch.squeeze, torch.unsqueeze, torch.unflatten),
    *(torch.transpose, torch.swapaxes, torch.permute, torch.movedim, torch.flip, torch.roll),
    *(torch.narrow, torch.select, torch.index_select, torch.chunk, torch.split, torch.unbind),
    *(torch.tensor_split, torch.cat, torch.concat, torch.concatenate, torch.stack, torch.hstack),
    *(torch.clone, operator.getitem),
    methods=(
        *("flatten", "view", "reshape", "view_as", "reshape_as", "squeeze", "unsqueeze", "unflatten"),
        *("transpose", "swapaxes", "permute", "movedim", "flip", "roll", "narrow", "select", "index_select"),
        *("chunk", "split", "unbind", "tensor_split", "expand", "expand_as", "repeat"),
        *("contiguous", "clone", "detach"),
    ),
)
