"""Replay of remembered samples, plain and with an asymmetric loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plnet.forgetting.methods.base import Batch, Method, TaskContext
from plnet.forgetting.methods.checks import check_count, check_number
from plnet.forgetting.methods.open_heads import open_heads, own_head
from plnet.forgetting.methods.reservoir import fill_memory, is_empty, make_memory, offer_minibatch, recall
from plnet.forgetting.methods.seen_classes import classes_among

__all__ = ["ERACE", "MemoryMethod", "Replay"]

_SEEN = "seen_classes"


@dataclass(frozen=True)
class MemoryMethod(Method):
    """What all methods with a memory of samples share: a reservoir; a subclass says what is done with it.

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


@dataclass(frozen=True)
class Replay(MemoryMethod):
    """Train on ``(L + strength * L_memory) / (1 + strength)``, with samples from a reservoir.

    L and L_memory are mean cross-entropies, on the minibatch and on samples drawn from the memory. With
    strength 1 and equal sizes it is the mean over both together.

    Parameters
    ----------
    capacity : int
        Samples that a member remembers, from all tasks; 0 is plain training.
    memory_batch : int
        Remembered samples behind each minibatch, drawn with replacement.
    strength : float
        0 is plain training. May differ between members.

    Notes
    -----
    The memory is a uniform sample of the training samples of all earlier tasks. It takes in a task when the
    task is done, each of its samples once; libraries that offer every minibatch to it count a sample once an
    epoch.

    References
    ----------
    Vitter (1985), "Random sampling with a reservoir". Chaudhry et al. (2019), "On tiny episodic memories in
    continual learning", ER-reservoir.
    """

    name: ClassVar[str] = "replay"

    strength: float = 2.0

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:
        """Put remembered samples behind the minibatch."""
        own = own_head(context)
        batch.active = None if own is None else own.unsqueeze(2)
        if is_empty(context):
            return batch
        strength = context.setting("strength")
        return _behind(context, batch, self.memory_batch, 1 / (1 + strength), strength / (1 + strength))


@dataclass(frozen=True)
class ERACE(MemoryMethod):
    """Train on ``L_asymmetric + strength * L_memory``: new samples do not push old classes down.

    The cross-entropy of the minibatch leaves out classes that were seen before and are not in it. That of
    remembered samples is over all classes. Every minibatch of the first epoch of a task is offered to the
    memory behind its step, so new classes are remembered while they are learned. The very first step is
    plain training.

    Parameters
    ----------
    capacity : int
        Samples that a member remembers, from all tasks; 0 is plain training.
    memory_batch : int
        Remembered samples behind each minibatch, drawn with replacement.
    strength : float
        Weight of the remembered samples; 1 in the paper. May differ between members.

    Notes
    -----
    Classes that were never seen stay in the softmax, as in the authors' code. The memory has to hold new
    classes while they are learned: the loss of the minibatch alone never lets them win against old ones. The
    paper passes once over the data; in later epochs nothing is offered again, so that each sample counts
    once, as in `Replay`. The method is made for new classes; where all tasks have the same ones, nearly
    nothing is left out and it is replay with a larger step.

    References
    ----------
    Caccia et al. (2022), "New insights on reducing abrupt representation change in online continual
    learning", section 4 and algorithm 1.
    """

    name: ClassVar[str] = "er_ace"

    def before_task(self, context: TaskContext) -> None:
        """Make the memory, and note the classes that were seen."""
        super().before_task(context)
        if context.task == 0:
            outputs = context.network.architecture.n_outputs
            context.state[_SEEN] = context.parameters.new_zeros(
                len(context.parameters), outputs, dtype=torch.bool
            )

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:
        """Put remembered samples behind the minibatch, leave out old classes before it, and remember it."""
        state, own = context.state, own_head(context)
        present = classes_among(batch.y, state[_SEEN].shape[1])
        state[_SEEN] = state[_SEEN] | present
        batch.active = None if own is None else own.unsqueeze(2)
        extended = batch
        if not is_empty(context):
            competing = present | ~state[_SEEN]
            batch.active = (competing if own is None else competing & own).unsqueeze(2)
            extended = _behind(context, batch, self.memory_batch, 1.0, context.setting("strength"))
        if batch.epoch == 0:
            offer_minibatch(context, batch)
        return extended

    def after_task(self, context: TaskContext) -> None:
        """Do nothing more: the memory has met every minibatch."""


def _behind(
    context: TaskContext,
    batch: Batch,
    size: int,
    new: torch.Tensor | float,
    old: torch.Tensor,
) -> Batch:
    """Return a minibatch with `size` remembered samples behind it, weighted `new` and `old` in the loss."""
    x, y, active = recall(context, size)
    m, n = batch.y.shape
    weight = torch.cat([(x.new_ones(m, n) * new).div_(n), (x.new_ones(m, size) * old).div_(size)], dim=1)
    if batch.active is not None:
        first = batch.active.expand(-1, -1, n)
        rest = torch.ones_like(first[:, :, :1]).expand(-1, -1, size) if active is None else active
        active = torch.cat([first, rest], dim=2)
    return Batch(torch.cat([batch.x, x], dim=1), torch.cat([batch.y, y], dim=1), None, weight, active)
