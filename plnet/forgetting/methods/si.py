"""Synaptic intelligence: importances from what each parameter did for the loss on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plnet.forgetting.methods.base import Method, Step, TaskContext
from plnet.forgetting.methods.checks import check_number
from plnet.forgetting.methods.quadratic_penalty import ANCHOR, PULL, add_pull

__all__ = ["SynapticIntelligence"]

_IMPORTANCE, _PATH = "importance", "path"
_LAST, _LAST_GRADIENT = "last_parameters", "last_gradient"


@dataclass(frozen=True)
class SynapticIntelligence(Method):
    """Add ``strength * sum_i importance[i] * (parameters[i] - previous[i])**2`` to the loss.

    Along a task each step adds minus gradient times change to the path integral of a parameter. At its end
    ``importance <- max(0, importance + path / (change over the task**2 + damping))``.

    Parameters
    ----------
    strength : float
        c of the paper; 0 is plain training. May differ between members.
    damping : float
        xi of the paper, above 0. May differ between members.

    Notes
    -----
    As in the authors' code, the gradient is that of the loss without the penalty, and importances below 0,
    which noise can bring, become 0. Changes are those that really happened, with momentum, weight decay and
    the limit on weight vectors. A step's change is known when the next one begins. With early stopping the
    return to the best epoch counts as part of the last step's change.

    References
    ----------
    Zenke, Poole and Ganguli (2017), "Continual learning through synaptic intelligence", equations 3 to 5.
    """

    name: ClassVar[str] = "si"
    per_member: ClassVar[tuple[str, ...]] = ("strength", "damping")

    strength: float = 0.3
    damping: float = 0.01

    def __post_init__(self) -> None:
        check_number(self.name, "strength", self.strength)
        check_number(self.name, "damping", self.damping, positive=True)

    def before_task(self, context: TaskContext) -> None:
        """Make the state, begin the path, and set the pull."""
        state = context.state
        if context.task == 0:
            state[_IMPORTANCE] = torch.zeros_like(context.parameters)
        state[ANCHOR] = context.parameters.clone()
        state[_LAST] = context.parameters.clone()
        state[_LAST_GRADIENT] = torch.zeros_like(context.parameters)
        state[_PATH] = torch.zeros_like(context.parameters)
        state[PULL] = 2 * context.setting("strength") * state[_IMPORTANCE]

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Add the last step to the path, keep what the next one needs, and add the penalty's gradient."""
        _walk(context)
        context.state[_LAST].copy_(context.parameters)
        context.state[_LAST_GRADIENT].copy_(step.gradient())
        add_pull(context, step)

    def after_task(self, context: TaskContext) -> None:
        """Turn the path into importances."""
        _walk(context)
        state = context.state
        change = context.parameters - state[ANCHOR]
        gained = state[_PATH] / (change.square() + context.setting("damping"))
        state[_IMPORTANCE] = (state[_IMPORTANCE] + gained).clamp_min_(0)


def _walk(context: TaskContext) -> None:
    """Add minus gradient times change of the last step to the path."""
    state = context.state
    state[_PATH].addcmul_(state[_LAST_GRADIENT], state[_LAST] - context.parameters)
