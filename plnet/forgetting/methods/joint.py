"""Joint training on the data of all tasks up to now: the ceiling for methods that see them one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from plnet.forgetting.methods.base import Batch, Method, TaskContext, TaskData

__all__ = ["Joint"]

_X, _Y, _ACTIVE = "joint_x_", "joint_y_", "joint_active_"


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

    Notes
    -----
    All samples are kept in memory, and in checkpoints, once for each member.

    References
    ----------
    Chaudhry, Dokania, Ajanthan and Torr (2018), "Riemannian walk for incremental learning": the joint model
    as reference for intransigence.
    """

    name: ClassVar[str] = "joint"

    restart: bool = False

    def before_task(self, context: TaskContext) -> None:
        """Put the data of all tasks up to now in the place of the task's."""
        rows = torch.arange(context.data.size("train"), device=context.parameters.device)
        x, y = context.data.gather("train", rows.expand(len(context.parameters), -1))
        context.state[f"{_X}{context.task}"] = x.clone()
        context.state[f"{_Y}{context.task}"] = y.clone()
        if context.data.active is not None:
            context.state[f"{_ACTIVE}{context.task}"] = context.data.active.clone()
        if self.restart:
            context.parameters.copy_(context.initial())
        context.data = _Together(context)

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:
        """Let each sample have the outputs of its own task."""
        if f"{_ACTIVE}0" in context.state and batch.rows is not None:
            batch.active = _heads(context, batch.rows)
        return batch


class _Together:
    """The training samples of all tasks up to now; the other parts are those of the current task."""

    def __init__(self, context: TaskContext) -> None:
        state, tasks = context.state, range(context.task + 1)
        self._current: TaskData = context.data
        self._x = torch.cat([state[f"{_X}{task}"] for task in tasks], dim=1)
        self._y = torch.cat([state[f"{_Y}{task}"] for task in tasks], dim=1)
        self.active = None
        if context.data.active is not None:
            self.active = torch.stack([state[f"{_ACTIVE}{task}"] for task in tasks]).any(dim=0)

    def size(self, part: Any) -> int:
        return self._y.shape[1] if part == "train" else self._current.size(part)

    def gather(self, part: Any, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if part != "train":
            return self._current.gather(part, rows)
        m, n, d = self._x.shape
        first = torch.arange(m, device=rows.device).unsqueeze(1) * n
        x = self._x.reshape(m * n, d).index_select(0, (rows + first).reshape(-1))
        return x.reshape(*rows.shape, d), self._y.gather(1, rows)


def _heads(context: TaskContext, rows: torch.Tensor) -> torch.Tensor:
    """Return the outputs (m, C, B) of the task that each sample comes from."""
    state, tasks = context.state, range(context.task + 1)
    ends = torch.tensor([state[f"{_Y}{task}"].shape[1] for task in tasks], device=rows.device).cumsum(0)
    task = torch.bucketize(rows.contiguous(), ends, right=True)
    heads = torch.stack([state[f"{_ACTIVE}{task}"] for task in tasks], dim=1)
    member = torch.arange(len(rows), device=rows.device).unsqueeze(1)
    return heads[member, task].transpose(1, 2)
