"""Elastic weight consolidation: a quadratic penalty weighted by the Fisher information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from plnet.checks import check_choice
from plnet.forgetting.methods.base import Method, Step, TaskContext
from plnet.forgetting.methods.checks import check_number
from plnet.forgetting.methods.fisher import FISHER_LABELS, FisherLabels, fisher_diagonal
from plnet.forgetting.methods.quadratic_penalty import ANCHOR, PULL, add_pull

__all__ = ["EWC", "OnlineEWC"]

_FISHER = "fisher"


@dataclass(frozen=True)
class EWC(Method):
    """Add ``strength / 2 * sum_k sum_i F_k[i] * (parameters[i] - end_k[i])**2`` over earlier tasks k.

    F_k is the diagonal of the Fisher information on the training samples of task k, at its last
    parameters end_k.

    Parameters
    ----------
    strength : float
        0 is plain training. May differ between members.
    labels : {"expected", "empirical"}
        Labels in the Fisher information; see `plnet.forgetting.methods.fisher_diagonal`.

    Notes
    -----
    A sum of quadratics is one quadratic around the mean of the end_k weighted by F_k, up to a constant. So
    two numbers per parameter suffice for any number of tasks; nothing is approximated. SGD is stable while
    learning rate times strength times the largest F stays below 2 (1 + momentum); beyond, members diverge.

    References
    ----------
    Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting in neural networks", equation 3.
    """

    name: ClassVar[str] = "ewc"
    per_member: ClassVar[tuple[str, ...]] = ("strength",)

    strength: float = 20.0
    labels: FisherLabels = "expected"

    def __post_init__(self) -> None:
        check_number(self.name, "strength", self.strength)
        check_choice(f"labels of the method {self.name!r}", self.labels, FISHER_LABELS)

    def before_task(self, context: TaskContext) -> None:
        """Make the state, and set the pull from what earlier tasks left."""
        if context.task == 0:
            context.state[_FISHER] = torch.zeros_like(context.parameters)
            context.state[ANCHOR] = context.parameters.clone()
        context.state[PULL] = context.setting("strength") * context.state[_FISHER]

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Add the gradient of the penalty."""
        add_pull(context, step)

    def after_task(self, context: TaskContext) -> None:
        """Add the Fisher information of the task, and move the centre of the penalty."""
        here = fisher_diagonal(context.network, context.parameters, context.data, labels=self.labels)
        total = context.state[_FISHER] + here
        share = torch.where(total > 0, here / total, 1.0)
        context.state[ANCHOR] = torch.lerp(context.state[ANCHOR], context.parameters, share)
        context.state[_FISHER] = total


@dataclass(frozen=True)
class OnlineEWC(Method):
    """Add ``strength / 2 * sum_i decay * F[i] * (parameters[i] - previous[i])**2`` to the loss.

    After each task ``F <- decay * F + F_k``, and `previous` are the parameters at its end.

    Parameters
    ----------
    strength : float
        0 is plain training. May differ between members.
    decay : float
        In [0, 1]; 1 keeps the importances of all tasks. May differ between members.
    labels : {"expected", "empirical"}
        Labels in the Fisher information; see `plnet.forgetting.methods.fisher_diagonal`.

    References
    ----------
    Schwarz et al. (2018), "Progress & compress: a scalable framework for continual learning", section 4.
    """

    name: ClassVar[str] = "online_ewc"
    per_member: ClassVar[tuple[str, ...]] = ("strength", "decay")

    strength: float = 50.0
    decay: float = 0.5
    labels: FisherLabels = "expected"

    def __post_init__(self) -> None:
        check_number(self.name, "strength", self.strength)
        check_number(self.name, "decay", self.decay, most=1.0)
        check_choice(f"labels of the method {self.name!r}", self.labels, FISHER_LABELS)

    def before_task(self, context: TaskContext) -> None:
        """Make the state, and set the pull from what earlier tasks left."""
        if context.task == 0:
            context.state[_FISHER] = torch.zeros_like(context.parameters)
            context.state[ANCHOR] = context.parameters.clone()
        factor = context.setting("strength") * context.setting("decay")
        context.state[PULL] = factor * context.state[_FISHER]

    def adjust_gradient(self, context: TaskContext, step: Step) -> None:
        """Add the gradient of the penalty."""
        add_pull(context, step)

    def after_task(self, context: TaskContext) -> None:
        """Let old importances decay, add those of the task, and remember the parameters."""
        here = fisher_diagonal(context.network, context.parameters, context.data, labels=self.labels)
        context.state[_FISHER] = context.setting("decay") * context.state[_FISHER] + here
        context.state[ANCHOR] = context.parameters.clone()
