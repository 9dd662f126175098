"""L2: stay near the parameters of the previous task, all parameters alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from plnet.forgetting.methods.base import Method, Step, TaskContext
from plnet.forgetting.methods.checks import check_number
from plnet.forgetting.methods.quadratic_penalty import ANCHOR, PULL, add_pull

__all__ = ["L2"]


@dataclass(frozen=True)
class L2(Method):
    """Add ``strength / 2 * |parameters - previous|**2`` to the loss, from the second task on.

    `previous` are the parameters at the end of the task before. It is the control for EWC: the same
    penalty without importances.

    Parameters
    ----------
    strength : float
        0 is plain training. May differ between members.

    References
    ----------
    Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting in neural networks", figure 2, names it L2.
    """

    name: ClassVar[str] = "l2"
    per_member: ClassVar[tuple[str, ...]] = ("strength",)

    strength: float = 0.1

    def __post_init__(self) -> None:
        check_number(self.name, "strength", self.strength)

    def before_task(self, context: TaskContext) -> None:
        """Set the pull, the same for all parameters of a member."""
        context.state[PULL] = context.setting("strength").clone()

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Add the gradient of the penalty."""
        add_pull(context, step)

    def after_task(self, context: TaskContext) -> None:
        """Remember the parameters."""
        context.state[ANCHOR] = context.parameters.clone()
