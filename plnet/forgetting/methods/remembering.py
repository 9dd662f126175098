"""What all methods with a memory of samples have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from plnet.forgetting.methods.base import Method, TaskContext
from plnet.forgetting.methods.checks import check_count, check_number
from plnet.forgetting.methods.open_heads import open_heads
from plnet.forgetting.methods.reservoir import fill_memory, make_memory

__all__ = ["Remembering"]


@dataclass(frozen=True)
class Remembering(Method):
    """Keep a reservoir of samples; a subclass says what is done with them.

    Parameters
    ----------
    capacity : int
        Samples that a member remembers, from all tasks; 0 is plain training.
    memory_batch : int
        Remembered samples of each step, drawn with replacement.
    strength : float
        Weight of the memory. May differ between members.
    """

    per_member: ClassVar[tuple[str, ...]] = ("strength",)

    capacity: int = 200
    memory_batch: int = 16
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

    def after_task(self, context: TaskContext) -> None:
        """Offer the samples of the task to the memory."""
        fill_memory(context)
