"""Methods that train the outputs of earlier tasks too, where every task has a head of its own."""

from __future__ import annotations

from typing import Any

import torch

from plnet.forgetting.methods.base import TaskContext, TaskData

__all__ = ["open_heads", "own_head"]

_OWN, _OPEN = "own_head", "open_heads"


def open_heads(context: TaskContext, who: torch.Tensor) -> None:
    """Call before a task: let members train the heads of all tasks up to this one, not only its own.

    Outputs that `TaskData.active` does not name are inactive in a task: they stay as they are. Remembered
    samples, and distillation, train the heads of earlier tasks; afterwards `own_head` says which outputs the
    task itself uses.

    Parameters
    ----------
    context : TaskContext
    who : torch.Tensor of bool, shape (m,)
        Members whose method is switched on. The heads of the others stay inactive, as in plain training.
    """
    active = context.data.active
    if active is None:
        return
    context.state[_OWN] = active.clone()
    earlier = context.state.get(_OPEN)
    context.state[_OPEN] = active.clone() if earlier is None else earlier | active
    context.data = _Opened(context.data, torch.where(who.unsqueeze(1), context.state[_OPEN], active))


def own_head(context: TaskContext) -> torch.Tensor | None:
    """Return the outputs (m, C) of the task itself, after `open_heads`; None for all."""
    return context.state.get(_OWN)


class _Opened:
    """The data of a task with more active outputs."""

    def __init__(self, data: TaskData, active: torch.Tensor) -> None:
        self._data, self.active = data, active

    def size(self, part: Any) -> int:
        return self._data.size(part)

    def gather(self, part: Any, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._data.gather(part, rows)
