"""Which classes members have met."""

from __future__ import annotations

import torch

from plnet.forgetting.methods.base import TaskContext

__all__ = ["classes_among", "classes_of_task"]

_BLOCK = 1024


def classes_among(y: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Return which of the classes occur among labels (m, B), bool (m, C)."""
    found = torch.zeros(len(y), n_classes, dtype=torch.bool, device=y.device)
    return found.scatter_(1, y, torch.ones_like(y, dtype=torch.bool))


def classes_of_task(context: TaskContext) -> torch.Tensor:
    """Return which classes occur in the training part of a task, bool (m, C)."""
    n, m, device = context.data.size("train"), len(context.parameters), context.parameters.device
    found = torch.zeros(m, context.network.architecture.n_outputs, dtype=torch.bool, device=device)
    # In blocks, because the inputs come along.
    for start in range(0, n, _BLOCK):
        rows = torch.arange(start, min(start + _BLOCK, n), device=device)
        _, y = context.data.gather("train", rows.expand(m, -1))
        found |= classes_among(y, found.shape[1])
    return found
