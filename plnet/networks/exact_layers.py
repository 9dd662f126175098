"""Torch layers from exact fractions; a number that is no float is refused, never rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from plnet.errors import NetworkError
from plnet.networks.modules import Maxout

__all__ = ["Affine", "compose", "linear", "maxout", "stack"]


@dataclass(frozen=True)
class Affine:
    """The exact map ``x -> weight @ x + bias``.

    Parameters
    ----------
    weight : list of list of Fraction, shape (n_out, n_in)
    bias : list of Fraction, shape (n_out,)
    """

    weight: list[list[Fraction]]
    bias: list[Fraction]


def compose(outer: Affine, inner: Affine) -> Affine:
    """Return ``outer(inner(x))``."""
    columns = list(zip(*inner.weight, strict=True))
    weight = [[_dot(row, column) for column in columns] for row in outer.weight]
    bias = [_dot(row, inner.bias) + b for row, b in zip(outer.weight, outer.bias, strict=True)]
    return Affine(weight, bias)


def stack(map_of_one: Affine, copies: int, n_out: int) -> Affine:
    """Apply a map to each of several blocks of inputs, and fill up with zero outputs."""
    size = len(map_of_one.weight[0])
    weight, bias = [], []
    for copy in range(copies):
        for row, b in zip(map_of_one.weight, map_of_one.bias, strict=True):
            weight.append([Fraction(0)] * (copy * size) + row + [Fraction(0)] * ((copies - copy - 1) * size))
            bias.append(b)
    missing = n_out - len(bias)
    return Affine(weight + [[Fraction(0)] * (copies * size)] * missing, bias + [Fraction(0)] * missing)


def linear(affine: Affine) -> nn.Linear:
    """Return a float64 layer."""
    layer: Any = nn.utils.skip_init(
        nn.Linear, len(affine.weight[0]), len(affine.weight), dtype=torch.float64, device="cpu"
    )
    with torch.no_grad():
        layer.weight.copy_(_tensor(affine.weight))
        layer.bias.copy_(_tensor(affine.bias))
    return layer


def maxout(weight: Sequence[Sequence[Sequence[Fraction]]], bias: Sequence[Sequence[Fraction]]) -> Maxout:
    """Return a float64 maxout layer; a unit with fewer pieces repeats its first."""
    pieces = max(map(len, bias))
    full_weight = [[*unit, *[unit[0]] * (pieces - len(unit))] for unit in weight]
    full_bias = [[*unit, *[unit[0]] * (pieces - len(unit))] for unit in bias]
    layer: Any = nn.utils.skip_init(
        Maxout, len(weight[0][0]), len(weight), pieces, dtype=torch.float64, device="cpu"
    )
    with torch.no_grad():
        layer.weight.copy_(_tensor(full_weight))
        layer.bias.copy_(_tensor(full_bias))
    return layer


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _tensor(values: Any) -> torch.Tensor:
    return torch.tensor(_floats(values), dtype=torch.float64)


def _floats(values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [_floats(value) for value in values]
    try:
        rounded = float(values)
    except OverflowError:
        rounded = float("inf")
    if rounded == float("inf") or Fraction(rounded) != values:
        raise NetworkError(
            f"Expected coefficients that are floats, got {values}. The network would be too large for exact "
            "float64 weights: take fewer units or inputs."
        )
    return rounded
