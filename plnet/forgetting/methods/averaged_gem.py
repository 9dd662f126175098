"""Averaged gradient episodic memory: no step that raises the loss on remembered samples, to first order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plnet.forgetting.losses import cross_entropy_delta
from plnet.forgetting.methods.base import Batch, Method, Step, TaskContext
from plnet.forgetting.methods.checks import check_count, check_number
from plnet.forgetting.methods.open_heads import open_heads, own_head
from plnet.forgetting.methods.reservoir import fill_memory, is_empty, make_memory, recall

__all__ = ["AGEM"]


@dataclass(frozen=True)
class AGEM(Method):
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
    per_member: ClassVar[tuple[str, ...]] = ("strength",)

    capacity: int = 200
    memory_batch: int = 200
    strength: float = 1.0

    def __post_init__(self) -> None:
        check_count(self.name, "capacity", self.capacity)
        check_count(self.name, "memory_batch", self.memory_batch, least=1)
        check_number(self.name, "strength", self.strength)

    def before_task(self, context: TaskContext) -> None:
        """Make the memory."""
        if context.task == 0:
            make_memory(context, self.capacity)
        open_heads(context, (context.settings["strength"] > 0) & (self.capacity > 0))

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

    def after_task(self, context: TaskContext) -> None:
        """Offer the samples of the task to the memory."""
        fill_memory(context)
