"""Softmax cross-entropy on logits (members, outputs, batch): values and derivatives."""

from __future__ import annotations

import torch

__all__ = ["cross_entropies", "cross_entropy_delta", "mask_logits"]


def mask_logits(logits: torch.Tensor, active: torch.Tensor | None) -> torch.Tensor:
    """Return the logits with minus infinity at outputs that do not compete.

    Parameters
    ----------
    logits : torch.Tensor, shape (m, C, B)
    active : torch.Tensor of bool, shape (m, C, 1) or (m, C, B), or None
    """
    return logits if active is None else logits.masked_fill(~active, -torch.inf)


def cross_entropy_delta(
    logits: torch.Tensor,
    y: torch.Tensor,
    *,
    active: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the gradient (m, C, B) of the weighted sum of cross-entropies with respect to the logits.

    Parameters
    ----------
    logits : torch.Tensor, shape (m, C, B)
    y : torch.Tensor of int64, shape (m, B)
    active : torch.Tensor of bool, shape (m, C, 1) or (m, C, B), optional
        Outputs among which the softmax is taken; None is all.
    weight : torch.Tensor, shape (m, B), optional
        Of the samples; None is 1 / B.

    Examples
    --------
    >>> import torch
    >>> from plnet.forgetting.models.losses import cross_entropy_delta
    >>> cross_entropy_delta(torch.zeros(1, 2, 1), torch.tensor([[1]])).flatten().tolist()
    [0.5, -0.5]
    """
    delta = torch.softmax(mask_logits(logits, active), dim=1)
    target = y.unsqueeze(1)
    delta.scatter_add_(1, target, torch.full_like(target, -1, dtype=delta.dtype))
    return delta.mul_(1.0 / y.shape[1]) if weight is None else delta.mul_(weight.unsqueeze(1))


def cross_entropies(
    logits: torch.Tensor, y: torch.Tensor, active: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the cross-entropy of each sample, shape (m, B), in nats."""
    chosen = torch.log_softmax(mask_logits(logits, active), dim=1)
    return -chosen.gather(1, y.unsqueeze(1)).squeeze(1)
