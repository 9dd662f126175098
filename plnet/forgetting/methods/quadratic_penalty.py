"""Quadratic penalties on parameters, which L2, EWC and synaptic intelligence share."""

from __future__ import annotations

from plnet.forgetting.methods.base import Step, TaskContext

__all__ = ["ANCHOR", "PULL", "add_pull"]

ANCHOR = "anchor"
"""State (m, P): the parameters where the penalty is least."""

PULL = "pull"
"""State (m, P) or (m, 1): the second derivative of the penalty, strength included."""


def add_pull(context: TaskContext, step: Step) -> None:
    """Add the gradient ``pull * (parameters - anchor)`` of the penalty to that of the loss.

    The first task has no penalty.
    """
    if context.task == 0:
        return
    away = context.parameters - context.state[ANCHOR]
    step.gradient().addcmul_(context.state[PULL], away)
