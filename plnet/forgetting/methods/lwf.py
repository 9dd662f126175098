"""Learning without forgetting: the network before the task teaches the one that learns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plnet.forgetting.methods.base import Batch, Method, Step, TaskContext
from plnet.forgetting.methods.checks import check_number
from plnet.forgetting.methods.open_heads import open_heads, own_head
from plnet.forgetting.methods.seen_classes import classes_of_task
from plnet.forgetting.models.losses import mask_logits

__all__ = ["LwF"]

_TEACHER = "teacher"
_HEAD = "distilled_"


@dataclass(frozen=True)
class LwF(Method):
    """Add ``strength * T**2 * KL(softmax(old / T), softmax(new / T))`` on the samples of the new task.

    `old` and `new` are logits, T is the temperature, and the old network is the one at the end of the task
    before, without dropout. Where tasks share a head, the softmax is over the classes seen in earlier tasks;
    where each has its own, one such term stands for each earlier head.

    Parameters
    ----------
    strength : float
        0 is plain training. May differ between members.
    temperature : float
        T, above 0. May differ between members.

    Notes
    -----
    The factor T**2 keeps the size of the gradient when T changes (Hinton, Vinyals and Dean 2015). The paper
    writes the cross-entropy, which differs from KL by a constant, and warms the new head up first, which is
    left out here.

    References
    ----------
    Li and Hoiem (2016), "Learning without forgetting", section 3.
    """

    name: ClassVar[str] = "lwf"
    per_member: ClassVar[tuple[str, ...]] = ("strength", "temperature")

    strength: float = 1.0
    temperature: float = 2.0

    def __post_init__(self) -> None:
        check_number(self.name, "strength", self.strength)
        check_number(self.name, "temperature", self.temperature, positive=True)

    def before_task(self, context: TaskContext) -> None:
        """Let earlier heads be trained too."""
        open_heads(context, context.settings["strength"] > 0)

    def extend_batch(self, context: TaskContext, batch: Batch) -> Batch:
        """Restrict the loss of the task to its own head."""
        own = own_head(context)
        if own is not None:
            batch.active = own.unsqueeze(2)
        return batch

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Add the derivative of the distillation to that of the logits."""
        if context.task == 0:
            return
        temperature = context.setting("temperature", 3)
        taught = context.network.logits(context.state[_TEACHER], step.batch.x) / temperature
        learned = step.logits / temperature
        scale = context.setting("strength", 3) * temperature / step.batch.y.shape[1]
        for name, head in context.state.items():
            if name.startswith(_HEAD):
                among = None if bool(head.all()) else head.unsqueeze(2)
                wrong = _probabilities(learned, among) - _probabilities(taught, among)
                step.output_delta.addcmul_(scale, wrong)

    def after_task(self, context: TaskContext) -> None:
        """Remember the network, and the outputs that it knows."""
        context.state[_TEACHER] = context.parameters.clone()
        own = own_head(context)
        if own is not None:
            context.state[f"{_HEAD}{context.task}"] = own.clone()
            return
        known = context.state.get(f"{_HEAD}all")
        here = classes_of_task(context)
        context.state[f"{_HEAD}all"] = here if known is None else known | here


def _probabilities(logits: torch.Tensor, among: torch.Tensor | None) -> torch.Tensor:
    return torch.softmax(mask_logits(logits, among), dim=1)
