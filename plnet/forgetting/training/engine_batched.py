"""One epoch of all members of a program as tensor operations, with the hooks of the method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from plnet.forgetting.methods.base import Batch, Step, overrides
from plnet.forgetting.models.dropout import dropout_masks
from plnet.forgetting.models.losses import cross_entropy_delta
from plnet.forgetting.training.optimiser import limit_norms, sgd_step
from plnet.forgetting.training.options import TrainingOptions

if TYPE_CHECKING:
    from plnet.forgetting.training.trainer_chunk import Program

__all__ = ["batched_epoch"]


def batched_epoch(program: Program, order: torch.Tensor, epoch: int, options: TrainingOptions) -> None:
    """Run one epoch in place.

    Parameters
    ----------
    program : Program
    order : torch.Tensor of int64, shape (m, n)
        Order of the training samples of each member.
    epoch : int
    options : TrainingOptions
    """
    context, method = program.context, program.method
    network, parameters, data = context.network, context.parameters, context.data
    architecture = network.architecture
    extends, adjusts = overrides(method, "extend_batch"), overrides(method, "adjust_gradient")
    active = None if data.active is None else data.active.unsqueeze(2)
    common, limit = program.rates.common(), architecture.max_norm
    buffer = torch.empty_like(parameters)
    for start in range(0, order.shape[1], options.batch_size):
        rows = order[:, start : start + options.batch_size]
        x, y = data.gather("train", rows)
        batch = Batch(x, y, rows, active=active, epoch=epoch)
        if extends:
            batch = method.extend_batch(context, batch)
        behind = max(batch.x.shape[1] - rows.shape[1], 0)
        size = batch.x.shape[1] - behind
        masks = dropout_masks(
            architecture, program.keys, program.steps, size, x.dtype, x.device, behind=behind
        )
        trace = network.forward(parameters, batch.x, masks)
        delta = cross_entropy_delta(trace.logits, batch.y, active=batch.active, weight=batch.weight)

        def backward(output_delta: torch.Tensor, trace=trace) -> torch.Tensor:
            return network.backward(parameters, trace, output_delta, out=buffer)

        if adjusts:
            step = Step(batch, trace.logits, delta, epoch, program.steps, backward)
            method.adjust_gradient(context, step)
            gradient = step.gradient()
        else:
            gradient = backward(delta)
        sgd_step(parameters, program.velocity, gradient, program.rates, common)
        if limit is not None:
            limit_norms(network.views(parameters), limit)
        program.steps += 1
