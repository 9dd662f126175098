"""SGD with momentum for many members at once, each with its own rates, and the limit on weight vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from plnet.forgetting.models.batched_network import LayerView

__all__ = ["Rates", "limit_norms", "sgd_step"]


@dataclass(frozen=True)
class Rates:
    """Learning rate, momentum and weight decay of each member.

    Parameters
    ----------
    learning_rate, momentum, weight_decay : torch.Tensor, shape (m,)
    """

    learning_rate: torch.Tensor
    momentum: torch.Tensor
    weight_decay: torch.Tensor

    def take(self, members: torch.Tensor) -> Rates:
        """Return the rates of some members, by a mask or by numbers."""
        return Rates(self.learning_rate[members], self.momentum[members], self.weight_decay[members])

    def common(self) -> tuple[float, float, float] | None:
        """Return learning rate, momentum and weight decay if all members have the same, else None."""
        values = (self.learning_rate, self.momentum, self.weight_decay)
        if any(bool((value != value[0]).any()) for value in values):
            return None
        rate, momentum, decay = (float(value[0]) for value in values)
        return rate, momentum, decay


def sgd_step(
    parameters: torch.Tensor,
    velocity: torch.Tensor,
    gradient: torch.Tensor,
    rates: Rates,
    common: tuple[float, float, float] | None,
) -> None:
    """Make one step of SGD with momentum in place, as `torch.optim.SGD` does.

    With g the gradient plus weight decay times the parameters, ``v <- momentum v + g`` and
    ``parameters <- parameters - learning_rate v``.

    Parameters
    ----------
    parameters, velocity, gradient : torch.Tensor, shape (m, P)
    rates : Rates
    common : tuple or None
        ``rates.common()``, worked out once: then the step is one fused kernel.
    """
    # The fused kernel takes no velocity without momentum, but inactive outputs and checkpoints need one.
    if (
        common is not None
        and common[1] != 0
        and all(tensor.is_contiguous() for tensor in (parameters, velocity, gradient))
    ):
        rate, momentum, decay = common
        torch.ops.aten._fused_sgd_(
            [parameters],
            [gradient],
            [velocity],
            weight_decay=decay,
            momentum=momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
        return
    gradient = gradient.addcmul(parameters, rates.weight_decay[:, None])
    velocity.mul_(rates.momentum[:, None]).add_(gradient)
    parameters.addcmul_(velocity, rates.learning_rate[:, None], value=-1)


def limit_norms(layers: list[LayerView], limit: float) -> None:
    """Shrink in place the weight vector into each unit that is longer than `limit`; biases stay.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout", section 5.1.
    """
    for layer in layers:
        norms = torch.linalg.vector_norm(layer.weight, dim=2, keepdim=True)
        layer.weight.mul_(limit / norms.clamp_min(limit))
