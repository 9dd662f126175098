"""What a method for sequential learning may see and change: four hooks, and nothing else.

The trainer runs m members at once; every tensor that belongs to members carries the member axis
first. Hooks a method does not define cost nothing: the trainer asks `overrides` before a task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import torch

from plnet.forgetting.seeding import generator

if TYPE_CHECKING:
    from plnet.forgetting.models.batched_network import BatchedNetwork

__all__ = ["Batch", "Method", "Step", "TaskContext", "TaskData", "overrides"]


class TaskData(Protocol):
    """One task of m members, as `plnet.forgetting.tasks.batches.TaskBatch` holds it."""

    @property
    def active(self) -> torch.Tensor | None:
        """Which outputs take part, bool (m, C), or None for all; the others stay as they are."""
        ...

    def size(self, part: str) -> int:
        """Return the number of samples of "train", "validation" or "test"."""
        ...

    def gather(self, part: str, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x (m, B, d) and y (m, B) for row numbers (m, B)."""
        ...


@dataclass
class Batch:
    """A minibatch of each member.

    Parameters
    ----------
    x : torch.Tensor, shape (m, B, d)
    y : torch.Tensor of int64, shape (m, B)
    rows : torch.Tensor of int64, shape (m, B), optional
        Row numbers of the samples in the training part.
    weight : torch.Tensor, shape (m, B), optional
        Weight of each sample in the loss; None is 1 / B, the mean.
    active : torch.Tensor of bool, shape (m, C, 1) or (m, C, B), optional
        Outputs among which the softmax is taken; None is all.
    epoch : int
        Epoch within the task, from 0.
    """

    x: torch.Tensor
    y: torch.Tensor
    rows: torch.Tensor | None = None
    weight: torch.Tensor | None = None
    active: torch.Tensor | None = None
    epoch: int = 0


@dataclass
class Step:
    """One optimiser step between the forward and the backward pass.

    A method may write into `output_delta` before the first call of `gradient`, and into the
    tensor that `gradient` returns. Neither contains weight decay, which the optimiser adds.

    Parameters
    ----------
    batch : Batch
        What `extend_batch` returned.
    logits : torch.Tensor, shape (m, C, B)
    output_delta : torch.Tensor, shape (m, C, B)
        Gradient of the loss (a weighted mean of cross-entropies) with respect to the logits.
    epoch, index : int
        Epoch and step within the task, from 0.
    backward : callable
        Runs the backward pass; the trainer sets it.
    """

    batch: Batch
    logits: torch.Tensor
    output_delta: torch.Tensor
    epoch: int
    index: int
    backward: Callable[[torch.Tensor], torch.Tensor]
    _gradient: torch.Tensor | None = field(default=None, repr=False)

    def gradient(self) -> torch.Tensor:
        """Return the gradient (m, P) of the loss, computed once; it may be changed in place."""
        if self._gradient is None:
            self._gradient = self.backward(self.output_delta)
        return self._gradient


@dataclass
class TaskContext:
    """The members that are trained together on one task, and all that a hook may use.

    Members that stop early leave the program; the trainer then narrows every tensor here. So a
    method keeps what it knows about members in `state` only, never in itself.

    Parameters
    ----------
    task : int
        Number of the task, from 0.
    network : BatchedNetwork
        `network.logits`, `network.gradient`, `network.squared_gradient`, `network.views`.
    parameters : torch.Tensor, shape (m, P)
        All parameters of each member in one row; hooks may write into it.
    data : TaskData
        The task. `before_task` may put another object here, and training then uses that.
    seeds : tuple of int, length m
        Seed of each member's replicate.
    settings : dict of torch.Tensor, each of shape (m,)
        The settings that `Method.per_member` names.
    state : dict of torch.Tensor, each of shape (m, ...)
        What the method remembers; saved with a checkpoint and restored exactly.
    learning_rate : torch.Tensor, shape (m,)
    initial : callable
        Returns the parameters (m, P) of the members before the first task.
    earlier : callable
        Returns the data of the tasks before, of the members with which the task began. They are no part of a
        checkpoint: the trainer finds them again.
    """

    task: int
    network: BatchedNetwork
    parameters: torch.Tensor
    data: TaskData
    seeds: tuple[int, ...]
    settings: dict[str, torch.Tensor]
    state: dict[str, torch.Tensor]
    learning_rate: torch.Tensor
    initial: Callable[[], torch.Tensor]
    earlier: Callable[[], Sequence[TaskData]] = tuple
    _generators: dict[str, list[np.random.Generator]] = field(default_factory=dict, repr=False)

    def generators(self, purpose: str) -> list[np.random.Generator]:
        """Return one generator per member, the same objects at every call within a task.

        They depend on the member's seed, the purpose and the task, and on nothing else: no stream
        outlives a task, so a resumed run and any grouping of members draw the same numbers.
        """
        if purpose not in self._generators:
            self._generators[purpose] = [generator(seed, purpose, self.task) for seed in self.seeds]
        return self._generators[purpose]

    def setting(self, name: str, dimensions: int = 2) -> torch.Tensor:
        """Return a per-member setting, shaped (m, 1, ...) so that it multiplies (m, ...) tensors."""
        return self.settings[name].reshape(-1, *[1] * (dimensions - 1))


class Method:
    """Plain training, and the base of all methods: every hook does nothing.

    A subclass is a frozen dataclass of settings. It holds no data about members; that goes into
    `TaskContext.state`, tensors with the member axis first.

    Attributes
    ----------
    name : str
    per_member : tuple of str
        Numeric fields that may differ between members of one batched program (a search over
        strengths). All other fields must be equal among them.
    """

    name: ClassVar[str] = "plain"
    per_member: ClassVar[tuple[str, ...]] = ()

    def before_task(self, context: TaskContext) -> None:
        """Prepare for a task: make state on the first one, or replace `context.data`."""

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:  # noqa: ARG002
        """Return the minibatch to train on, for example with remembered samples behind it.

        It has to have the same size for all members.
        """
        return batch

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Change `step.output_delta`, or the tensor `step.gradient()`, in place before the update."""

    def after_task(self, context: TaskContext) -> None:
        """Learn from the finished task: `context.parameters` are those the members keep."""


_HOOKS = ("before_task", "extend_batch", "adjust_gradient", "after_task")


def overrides(method: Any, hook: str) -> bool:
    """Say whether a method defines a hook itself, so that a hook that does nothing costs nothing.

    Raises
    ------
    AttributeError
        If there is no hook of that name.

    Examples
    --------
    >>> from plnet.forgetting.methods.base import Method, overrides
    >>> overrides(Method(), "extend_batch")
    False
    """
    if hook not in _HOOKS:
        raise AttributeError(f"Expected one of the hooks {', '.join(_HOOKS)}, got {hook!r}.")
    return getattr(type(method), hook, None) is not getattr(Method, hook)
