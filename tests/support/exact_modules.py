"""Torch modules evaluated in exact fractions, straight from their parameters; no code of the library."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from torch import nn

from plnet.maxout import ElementwiseMaxout
from plnet.networks import Maxout, SparseLinear

Point = list[Fraction]


def evaluate_module(module: nn.Module, point: Sequence[Any]) -> Point:
    """Return the output of a sequential network at one input; only ReLU and maxout are known."""
    values = [Fraction(x) for x in point]
    parts = list(module) if isinstance(module, nn.Sequential) else [module]
    for part in parts:
        values = _apply(part, values)
    return values


def _apply(part: Any, x: Point) -> Point:
    if isinstance(part, ElementwiseMaxout):
        units = zip(part.groups.tolist(), part.weight.tolist(), part.bias.tolist(), strict=True)
        return [
            max(Fraction(w) * x[i] + Fraction(b) for i, w, b in zip(group, weight, bias, strict=True))
            for group, weight, bias in units
        ]
    if isinstance(part, Maxout):
        units = zip(part.weight.tolist(), part.bias.tolist(), strict=True)
        return [max(_row(w, b, x) for w, b in zip(weight, bias, strict=True)) for weight, bias in units]
    if isinstance(part, nn.Linear):
        return [_row(w, b, x) for w, b in zip(part.weight.tolist(), part.bias.tolist(), strict=True)]
    if isinstance(part, SparseLinear):
        return _sparse(part, x)
    if isinstance(part, nn.ReLU):
        return [max(value, Fraction(0)) for value in x]
    raise AssertionError(f"unexpected module {type(part).__name__}")


def _row(weight: list[float], bias: float, x: Point) -> Fraction:
    return sum((Fraction(w) * value for w, value in zip(weight, x, strict=True)), Fraction(bias))


def _sparse(part: SparseLinear, x: Point) -> Point:
    starts, inputs, values = part.starts.tolist(), part.inputs.tolist(), part.values.tolist()
    rows = zip(starts[:-1], starts[1:], part.divisors.tolist(), part.bias.tolist(), strict=True)
    out = []
    for begin, end, divisor, bias in rows:
        terms = (Fraction(values[j]) * x[inputs[j]] for j in range(begin, end))
        out.append(sum(terms, Fraction(0)) / divisor + Fraction(bias))
    return out
