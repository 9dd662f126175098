"""Gradient descent of many independent maxout functions in one tensor program.

The replicates share inputs and nothing else: every optimiser here works entry by entry, so each replicate
takes the steps that it would take alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from plnet.budgets import Deadline
from plnet.checks import check_choice
from plnet.errors import ConfigError

__all__ = ["OPTIMISERS", "Descent", "Trained", "check_counts", "descend"]

logger = logging.getLogger(__name__)

OPTIMISERS: dict[str, tuple[float, Callable[..., torch.optim.Optimizer]]] = {
    "adam": (0.05, torch.optim.Adam),
    "momentum": (0.05, lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9)),
    "rmsprop": (0.01, torch.optim.RMSprop),
    "sgd": (0.2, torch.optim.SGD),
}
"""Default learning rate and constructor of each optimiser."""


@dataclass(frozen=True)
class Descent:
    """How the units are trained.

    Parameters
    ----------
    optimiser : {"adam", "momentum", "rmsprop", "sgd"}
    learning_rate : float, optional
        At the first step; by default 0.05, 0.05, 0.01 and 0.2.
    steps : int
    decay : bool
        Whether the learning rate falls linearly to 0.

    Raises
    ------
    ConfigError
        If a value is impossible.
    """

    optimiser: str = "adam"
    learning_rate: float | None = None
    steps: int = 1000
    decay: bool = True

    def __post_init__(self) -> None:
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_counts(steps=self.steps)
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise ConfigError(
                f"Expected learning_rate to be positive and finite, got {self.learning_rate!r}."
            )

    def optimiser_of(self, parameters: Iterable[torch.Tensor]) -> torch.optim.Optimizer:
        """Return the optimiser of some parameters."""
        rate, build = OPTIMISERS[self.optimiser]
        return build(parameters, lr=self.learning_rate or rate)

    def set_rate(self, optimiser: torch.optim.Optimizer, taken: int) -> None:
        """Set the learning rate of the step that comes after so many."""
        if self.decay:
            rate = self.learning_rate or OPTIMISERS[self.optimiser][0]
            optimiser.param_groups[0]["lr"] = rate * (1 - taken / self.steps)


def check_counts(**counts: Any) -> None:
    """Raise `ConfigError` for an option that is no positive integer."""
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ConfigError(f"Expected {name} to be a positive integer, got {value!r}.")


@dataclass(frozen=True, eq=False)
class Trained:
    """What a descent left.

    Parameters
    ----------
    weight : torch.Tensor, shape (r, m, k, d)
    bias : torch.Tensor, shape (r, m, k)
    loss : torch.Tensor, shape (r,)
        Mean square at the end.
    steps : int
        Steps that were taken.
    stopped_by : str
        Empty, "max_seconds" or "Ctrl-C".
    """

    weight: torch.Tensor
    bias: torch.Tensor
    loss: torch.Tensor
    steps: int
    stopped_by: str


def descend(
    weight: torch.Tensor,
    bias: torch.Tensor,
    signs: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    descent: Descent,
    *,
    max_seconds: float | None = None,
    report: Callable[[int], Any] | None = None,
) -> Trained:
    """Train all replicates on the mean square over all points.

    Parameters
    ----------
    weight : torch.Tensor, shape (r, m, k, d)
    bias : torch.Tensor, shape (r, m, k)
    signs : torch.Tensor, shape (m,)
    x : torch.Tensor, shape (n, d)
    y : torch.Tensor, shape (n,) or (r, n)
    descent : Descent
    max_seconds : float, optional
    report : callable, optional
        Called with the number of steps so far.

    Returns
    -------
    Trained
        Also after Ctrl-C.

    Notes
    -----
    A step costs O(r m k n d).
    """
    weight, bias = weight.clone(), bias.clone()
    optimiser = descent.optimiser_of([weight, bias])
    started, step, stopped_by, deadline = time.perf_counter(), 0, "", Deadline.start(max_seconds, ConfigError)
    loss = torch.full((len(weight),), torch.inf, dtype=weight.dtype)
    try:
        for step in range(1, descent.steps + 1):
            loss, weight.grad, bias.grad = loss_and_gradient(weight, bias, signs, x, y)
            descent.set_rate(optimiser, step - 1)
            optimiser.step()
            if report is not None:
                report(step)
            if deadline.passed:
                stopped_by = "max_seconds"
                break
    except KeyboardInterrupt:
        stopped_by = "Ctrl-C"
    loss, _, _ = loss_and_gradient(weight, bias, signs, x, y)
    weight.grad = bias.grad = None
    logger.debug("%d steps in %.3g s", step, time.perf_counter() - started)
    return Trained(weight, bias, loss, step, stopped_by if step < descent.steps else "")


def loss_and_gradient(
    weight: torch.Tensor, bias: torch.Tensor, signs: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the mean square of each replicate and its gradients; a tie goes to the first piece."""
    lines = torch.matmul(weight, x.T) + bias[..., None]
    top, which = lines.max(dim=2)
    residual = torch.einsum("rmn,m->rn", top, signs) - y
    pull = (2 / len(x)) * residual[:, None, :] * signs[:, None]
    bias_gradient = torch.zeros_like(bias).scatter_add_(2, which, pull)
    weight_gradient = torch.stack(
        [torch.zeros_like(bias).scatter_add_(2, which, pull * column) for column in x.T], dim=-1
    )
    return residual.square().mean(dim=1), weight_gradient, bias_gradient
