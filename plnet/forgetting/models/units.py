"""Activations with hand-written derivatives, on tensors (members, features, batch).

Each unit maps pre-activations z (m, rows, B) to outputs and back: `apply` returns the outputs and
what `pull_back` needs. Both may use the memory of their first argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from plnet.forgetting.models.spec import Architecture

__all__ = ["Unit", "unit_of"]

aten = torch.ops.aten
Tensor: TypeAlias = torch.Tensor


@dataclass(frozen=True)
class Unit:
    """An activation.

    Parameters
    ----------
    apply : callable
        ``apply(z, slope) -> (outputs, saved)``. `slope` is (m, 1, 1), for PReLU only.
    pull_back : callable
        ``pull_back(delta, saved, slope) -> delta_z`` for the gradient `delta` of the outputs.
    slope_terms : callable, optional
        ``slope_terms(delta, saved) -> (m, rows, B)``, the terms of the gradient of the slope.
    """

    apply: Callable[[Tensor, Any], tuple[Tensor, Any]]
    pull_back: Callable[[Tensor, Any, Any], Tensor]
    slope_terms: Callable[[Tensor, Any], Tensor] | None = None


def unit_of(architecture: Architecture) -> Unit:
    """Return the activation of the hidden layers."""
    name, pieces, slope = architecture.activation, architecture.pieces, architecture.slope
    if name == "maxout":
        return Unit(
            lambda z, _: _running_maximum(z, pieces),
            lambda delta, gaps, _: _to_first_winner(delta, gaps),
        )
    if name == "lwta":
        return Unit(lambda z, _: _winners(z, pieces), lambda delta, gates, _: delta.mul_(gates))
    if name == "leaky_relu":
        return Unit(
            lambda z, _: (aten.leaky_relu(z, slope), z),
            lambda delta, z, _: aten.leaky_relu_backward(delta, z, slope, False),
        )
    return _ELEMENTWISE[name]


def _running_maximum(z: Tensor, pieces: int) -> tuple[Tensor, list[Tensor]]:
    """Return the maxima of pieces that lie block behind block, and how far each exceeds the ones before."""
    first, *others = z.chunk(pieces, dim=1)
    gaps, largest = [], first
    for piece in others:
        above = torch.maximum(largest, piece)
        gaps.append(piece.sub_(largest))
        largest = above
    return largest, gaps


def _to_first_winner(delta: Tensor, gaps: list[Tensor]) -> Tensor:
    """Send the gradient of a maximum to the piece that attains it, the first one in a tie."""
    n = delta.shape[1]
    found = delta.new_empty(delta.shape[0], n * (len(gaps) + 1), delta.shape[2])
    blocks = found.split(n, dim=1)
    for gap, block in zip(reversed(gaps), reversed(blocks), strict=False):
        # A piece wins against those before it where it lies above them; the rest of the gradient goes on.
        aten.threshold_backward.grad_input(delta, gap, 0, grad_input=block)
        delta = delta - block
    blocks[0].copy_(delta)
    return found


def _winners(z: Tensor, pieces: int) -> tuple[Tensor, Tensor]:
    """Keep the largest of each block, the last one in a tie, and say with 0 and 1 which that is."""
    blocks = z.chunk(pieces, dim=1)
    gates = torch.ones_like(z)
    largest = blocks[0]
    kept = list(gates.chunk(pieces, dim=1))
    for place in range(1, pieces):
        wins = blocks[place] >= largest
        for earlier in kept[:place]:
            earlier.masked_fill_(wins, 0)
        kept[place].copy_(wins)
        largest = torch.maximum(largest, blocks[place])
    return z.mul_(gates), gates


def _prelu(z: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    return z.clamp_min(0) + slope * z.clamp_max(0), z


def _prelu_back(delta: Tensor, z: Tensor, slope: Tensor) -> Tensor:
    return torch.where(z > 0, delta, slope * delta)


def _elu_back(delta: Tensor, h: Tensor, _: Any) -> Tensor:
    return aten.elu_backward(delta, 1.0, 1.0, 1.0, True, h)


def _twice(value: Tensor) -> tuple[Tensor, Tensor]:
    return value, value


_ELEMENTWISE = {
    "relu": Unit(
        lambda z, _: _twice(z.clamp_min_(0)),
        lambda delta, h, _: aten.threshold_backward(delta, h, 0),
    ),
    "abs": Unit(lambda z, _: (z.abs(), z), lambda delta, z, _: delta.mul_(z.sign())),
    "prelu": Unit(_prelu, _prelu_back, lambda delta, z: delta * z.clamp_max(0)),
    "hardtanh": Unit(
        lambda z, _: (z.clamp(-1.0, 1.0), z),
        lambda delta, z, _: aten.hardtanh_backward(delta, z, -1.0, 1.0),
    ),
    "elu": Unit(lambda z, _: _twice(aten.elu_(z)), _elu_back),
    "gelu": Unit(lambda z, _: (aten.gelu(z), z), lambda delta, z, _: aten.gelu_backward(delta, z)),
    "sigmoid": Unit(lambda z, _: _twice(z.sigmoid_()), lambda delta, h, _: aten.sigmoid_backward(delta, h)),
    "tanh": Unit(lambda z, _: _twice(z.tanh_()), lambda delta, h, _: aten.tanh_backward(delta, h)),
}
