"""Averaged gradient episodic memory: no step that raises the loss on remembered samples, to first order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plnet.forgetting.methods.base import Batch, Step, TaskContext
from plnet.forgetting.methods.open_heads import own_head
from plnet.forgetting.methods.replay import MemoryMethod
from plnet.forgetting.methods.reservoir import is_empty, recall
from plnet.forgetting.models.losses import cross_entropy_delta

__all__ = ["AGEM"]


@dataclass(frozen=True)
class AGEM(MemoryMethod):
    """Take ``strength * (g @ r) / (r @ r) * r`` from the gradient g where ``g @ r < 0``.

    r is the gradient of the mean cross-entropy on samples drawn from a memory, without dropout. With
    strength 1 the new gradient is orthogonal to it.

    Parameters
    ----------
    capacity : int
        Samples that a member remembers, from all tasks; 0 is plain training.
    memory_batch : int
        Remembered samples of each reference gradient, drawn with replacement.
    strength : float
        1 in the paper; 0 is plain training. Above 1 a step lowers the loss on the memory, to first order.
        May differ between members.

    Notes
    -----
    The memory is the reservoir of `Replay`; the paper keeps equal numbers for each task.

    References
    ----------
    Chaudhry, Ranzato, Rohrbach and Elhoseiny (2019), "Efficient lifelong learning with A-GEM", equation 11.
    """

    name: ClassVar[str] = "agem"

    memory_batch: int = 200

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:
        """Restrict the loss of the task to its own head."""
        own = own_head(context)
        if own is not None:
            batch.active = own.unsqueeze(2)
        return batch

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Project the gradient where it points against the reference."""
        if is_empty(context):
            return
        x, y, active = recall(context, self.memory_batch)
        reference = context.network.gradient(
            context.parameters, x, lambda logits: cross_entropy_delta(logits, y, active=active)
        )
        gradient = step.gradient()
        along = (gradient * reference).sum(dim=1, keepdim=True)
        length = reference.square().sum(dim=1, keepdim=True)
        factor = torch.where(along < 0, context.setting("strength") * along / length, 0.0)
        gradient.addcmul_(factor, reference, value=-1)
