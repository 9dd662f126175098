"""Outputs that a task does not use: they rest, as parameters without a gradient do in torch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from plnet.forgetting.methods.base import TaskContext

__all__ = ["rest_heads"]


def rest_heads(context: TaskContext, velocity: torch.Tensor) -> Callable[[], None]:
    """Take the momentum of unused outputs away for a task; the function returned puts all back.

    Their logits are masked, so their gradient is 0. Momentum and weight decay would still move
    them; what they do to resting outputs does not reach the others, so it is undone at the end.

    Parameters
    ----------
    context : TaskContext
    velocity : torch.Tensor, shape (m, P)
        Changed in place.
    """
    active = context.data.active
    if active is None:
        return lambda: None
    rests = ~active
    kept = []
    for rows in (context.parameters, velocity):
        last = context.network.views(rows)[-1]
        kept += [(last.weight, last.weight.clone()), (last.bias, last.bias.clone())]
    for part, _ in kept[2:]:
        part[rests] = 0

    def wake() -> None:
        for part, before in kept:
            part[rests] = before[rests]

    return wake
