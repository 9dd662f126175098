"""Joint training on the data of all tasks up to now: the ceiling for methods that see them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from plnet.errors import ConfigError
from plnet.forgetting.methods.base import Batch, Method, TaskContext, TaskData

__all__ = ["Joint"]

_SIZE, _ACTIVE = "joint_size_", "joint_active_"


@dataclass(frozen=True)
class Joint(Method):
    """Train on the training samples of all tasks up to the current one, together.

    An epoch passes over all of them, so task k takes about k times as many steps as without. The first task
    is plain training.

    Parameters
    ----------
    restart : bool
        Begin each task from the parameters before the first one, not from those of the last task. Take it
        together with ``keep_momentum=False``, so that nothing of the last task is left.

    References
    ----------
    Chaudhry, Dokania, Ajanthan and Torr (2018), "Riemannian walk for incremental learning": the joint model
    as reference for intransigence.
    """

    name: ClassVar[str] = "joint"

    restart: bool = False

    def before_task(self, context: TaskContext) -> None:
        """Put the data of all tasks up to now in the place of the task's."""
        tasks = (*context.earlier(), context.data)
        if len(tasks) != context.task + 1:
            raise ConfigError(
                f"The method 'joint' needs the data of the {context.task} tasks before, and was given "
                f"{len(tasks) - 1}. A training that goes on from a state has to set Members.sources."
            )
        if context.data.active is not None:
            size = torch.full_like(context.data.active[:, 0], context.data.size("train"), dtype=torch.int64)
            context.state[f"{_SIZE}{context.task}"] = size
            context.state[f"{_ACTIVE}{context.task}"] = context.data.active.clone()
        if self.restart:
            context.parameters.copy_(context.initial())
        context.data = _Together(tasks)

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:
        """Let each sample have the outputs of its own task."""
        if f"{_ACTIVE}0" in context.state and batch.rows is not None:
            batch.active = _heads(context, batch.rows)
        return batch


class _Together:
    """The training samples of several tasks, one behind the other; the other parts are those of the last."""

    def __init__(self, tasks: Sequence[TaskData]) -> None:
        self._tasks = tasks
        heads = [task.active for task in tasks if task.active is not None]
        self.active = torch.stack(heads).any(dim=0) if heads else None

    def size(self, part: Any) -> int:
        if part != "train":
            return self._tasks[-1].size(part)
        return sum(task.size("train") for task in self._tasks)

    def gather(self, part: Any, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if part != "train":
            return self._tasks[-1].gather(part, rows)
        n = self._tasks[0].size("train")
        x, y = self._tasks[0].gather("train", rows.clamp_max(n - 1))
        # A minibatch from each task, and of these the samples that were meant: no copy of all data is kept.
        for task in self._tasks[1:]:
            rows, n = rows - n, task.size("train")
            its_x, its_y = task.gather("train", rows.clamp(0, n - 1))
            x, y = torch.where((rows >= 0).unsqueeze(2), its_x, x), torch.where(rows >= 0, its_y, y)
        return x, y


def _heads(context: TaskContext, rows: torch.Tensor) -> torch.Tensor:
    """Return the outputs (m, C, B) of the task that each sample comes from."""
    state, tasks = context.state, range(context.task + 1)
    ends = torch.stack([state[f"{_SIZE}{task}"][0] for task in tasks]).cumsum(0)
    task = torch.bucketize(rows.contiguous(), ends, right=True)
    heads = torch.stack([state[f"{_ACTIVE}{task}"] for task in tasks], dim=1)
    member = torch.arange(len(rows), device=rows.device).unsqueeze(1)
    return heads[member, task].transpose(1, 2)
