"""Outputs that a task does not use: they stay as they are, like parameters without a gradient in torch."""

from __future__ import annotations

import torch

from plnet.forgetting.methods.base import TaskContext
from plnet.forgetting.models.batched_network import BatchedNetwork

__all__ = ["InactiveOutputs"]


class InactiveOutputs:
    """Keeps the outputs that a task masks as they are, with their momentum.

    Their logits are masked, so their gradient is 0. Momentum and weight decay would still move
    them; what those do to inactive outputs does not reach the others, so it is undone afterwards.

    Parameters
    ----------
    context : TaskContext
        Before the first step of the task.
    velocity : torch.Tensor, shape (m, P)
    """

    def __init__(self, context: TaskContext, velocity: torch.Tensor) -> None:
        active = context.data.active
        self._inactive = None if active is None else ~active
        if active is not None:
            self._parameters = _last(context.network, context.parameters)
            self._velocity = _last(context.network, velocity)

    def put_back(self, network: BatchedNetwork, parameters: torch.Tensor, here: torch.Tensor) -> None:
        """Give the inactive outputs of the members `here` their parameters again."""
        if self._inactive is not None:
            _restore(network, parameters, self._parameters, self._inactive, here)

    def finish(self, network: BatchedNetwork, parameters: torch.Tensor, velocity: torch.Tensor) -> None:
        """Give the inactive outputs of all members their parameters and momentum again."""
        if self._inactive is not None:
            every = torch.arange(len(parameters), device=parameters.device)
            _restore(network, parameters, self._parameters, self._inactive, every)
            _restore(network, velocity, self._velocity, self._inactive, every)


def _last(network: BatchedNetwork, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    last = network.views(rows)[-1]
    return last.weight.clone(), last.bias.clone()


def _restore(
    network: BatchedNetwork,
    rows: torch.Tensor,
    kept: tuple[torch.Tensor, torch.Tensor],
    inactive: torch.Tensor,
    here: torch.Tensor,
) -> None:
    last, mask = network.views(rows)[-1], inactive[here]
    for part, before in zip((last.weight, last.bias), kept, strict=True):
        part[mask] = before[here][mask]
