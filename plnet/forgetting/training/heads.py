"""Outputs that a task does not use: they rest, as parameters without a gradient do in torch."""

from __future__ import annotations

import torch

from plnet.forgetting.methods.base import TaskContext
from plnet.forgetting.models.batched_network import BatchedNetwork

__all__ = ["RestingHeads"]


class RestingHeads:
    """Keeps the outputs that a task masks as they are, with their momentum.

    Their logits are masked, so their gradient is 0. Momentum and weight decay would still move
    them; what those do to resting outputs does not reach the others, so it is undone afterwards.

    Parameters
    ----------
    context : TaskContext
        Before the first step of the task.
    velocity : torch.Tensor, shape (m, P)
    """

    def __init__(self, context: TaskContext, velocity: torch.Tensor) -> None:
        active = context.data.active
        self._rests = None if active is None else ~active
        if active is not None:
            self._parameters = _last(context.network, context.parameters)
            self._velocity = _last(context.network, velocity)

    def put_back(self, network: BatchedNetwork, parameters: torch.Tensor, here: torch.Tensor) -> None:
        """Give the resting outputs of the members `here` their parameters again."""
        if self._rests is not None:
            _restore(network, parameters, self._parameters, self._rests, here)

    def finish(self, network: BatchedNetwork, parameters: torch.Tensor, velocity: torch.Tensor) -> None:
        """Give the resting outputs of all members their parameters and momentum again."""
        if self._rests is not None:
            every = torch.arange(len(parameters), device=parameters.device)
            _restore(network, parameters, self._parameters, self._rests, every)
            _restore(network, velocity, self._velocity, self._rests, every)


def _last(network: BatchedNetwork, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    last = network.views(rows)[-1]
    return last.weight.clone(), last.bias.clone()


def _restore(
    network: BatchedNetwork,
    rows: torch.Tensor,
    kept: tuple[torch.Tensor, torch.Tensor],
    rests: torch.Tensor,
    here: torch.Tensor,
) -> None:
    last, mask = network.views(rows)[-1], rests[here]
    for part, before in zip((last.weight, last.bias), kept, strict=True):
        part[mask] = before[here][mask]
