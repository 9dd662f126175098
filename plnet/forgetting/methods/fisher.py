"""The diagonal of the Fisher information of classifiers, exactly, for many networks at once."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch

from plnet.forgetting.methods.base import TaskData
from plnet.forgetting.models.batched_network import BatchedNetwork, LayerView, Trace
from plnet.forgetting.models.losses import cross_entropy_delta, mask_logits
from plnet.forgetting.models.units import Unit, unit_of

__all__ = ["FISHER_LABELS", "FisherLabels", "fisher_diagonal"]

FisherLabels: TypeAlias = Literal["expected", "empirical"]
FISHER_LABELS: tuple[FisherLabels, ...] = ("expected", "empirical")

# Samples of one network that go through at once: their activations then stay near the cache.
_BLOCK = 256


def fisher_diagonal(
    network: BatchedNetwork,
    parameters: torch.Tensor,
    data: TaskData,
    *,
    labels: FisherLabels = "expected",
    active: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the mean over the training samples of the squared gradient of the log-likelihood of each.

    Parameters
    ----------
    network : BatchedNetwork
    parameters : torch.Tensor, shape (m, P)
    data : TaskData
        The training part of each member.
    labels : {"expected", "empirical"}
        "expected" averages over labels by the network's own probabilities, which is the Fisher
        information. "empirical" takes the label that the sample has.
    active : torch.Tensor of bool, shape (m, C), optional
        Outputs among which the softmax is taken; those of the task without it.

    Returns
    -------
    torch.Tensor, shape (m, P)

    Notes
    -----
    Each sample counts by itself: squares of gradients of minibatches, as some libraries take, are another
    quantity. A sample's gradient of a weight is delta times input, so the sum of squares over samples is one
    matrix product of squared factors. For the expectation, the deltas of the C labels are sent back one
    after the other and their squares added up, and this product is done once. Dropout is off.
    Complexity: per sample, one forward pass, one such product, and C backward passes of deltas.

    References
    ----------
    Kunstner, Hennig and Balles (2019), "Limitations of the empirical Fisher approximation": the difference.
    """
    n = data.size("train")
    found = torch.zeros_like(parameters)
    block = torch.empty_like(parameters)
    own = data.active if active is None else active
    competing = None if own is None else own.unsqueeze(2)
    for start in range(0, n, _BLOCK):
        rows = torch.arange(start, min(start + _BLOCK, n), device=parameters.device)
        x, y = data.gather("train", rows.expand(len(parameters), -1))
        if labels == "empirical":
            weight = torch.ones_like(x[:, :, 0])
            found += network.squared_gradient(
                parameters,
                x,
                lambda z, y=y, weight=weight: cross_entropy_delta(z, y, active=competing, weight=weight),
            )
        else:
            _expected(network, parameters, x, competing, block)
            found += block
    return found / n


def _expected(
    network: BatchedNetwork,
    parameters: torch.Tensor,
    x: torch.Tensor,
    active: torch.Tensor | None,
    out: torch.Tensor,
) -> None:
    """Fill `out` (m, P) with the sum over samples of the expected squared gradient."""
    trace = network.forward(parameters, x)
    layers, found = network.views(parameters), network.views(out)
    probability = torch.softmax(mask_logits(trace.logits, active), dim=1)
    squares = [x.new_zeros(len(x), layer.bias.shape[1], x.shape[1]) for layer in layers[:-1]]
    # The expected square of probability minus indicator is the variance of the indicator.
    squares.append(probability * (1 - probability))
    for layer in found:
        if layer.slope is not None:
            layer.slope.zero_()
    unit = unit_of(network.architecture)
    for label in range(probability.shape[1]):
        if active is not None and not bool(active[:, label].any()):
            continue
        root = probability[:, label : label + 1].sqrt()
        delta = probability * root
        delta[:, label : label + 1] -= root
        _send_back(layers, found, trace, unit, delta, squares)
    for layer, square, entered in zip(found, squares, trace.inputs, strict=True):
        torch.bmm(square, entered.square().transpose(1, 2), out=layer.weight)
        torch.sum(square, dim=2, out=layer.bias)


def _send_back(
    layers: list[LayerView],
    found: list[LayerView],
    trace: Trace,
    unit: Unit,
    delta: torch.Tensor,
    squares: list[torch.Tensor],
) -> None:
    """Send the deltas of one label through the layers, and add their squares to `squares`."""
    for place in range(len(layers) - 1, 0, -1):
        saved, slope = trace.saved[place - 1], layers[place - 1].slope
        delta = torch.bmm(layers[place].weight.transpose(1, 2), delta)
        into = found[place - 1].slope
        if into is not None and unit.slope_terms is not None:
            into += unit.slope_terms(delta, saved).sum(dim=1).square().sum(dim=1, keepdim=True)
        delta = unit.pull_back(delta, saved, None if slope is None else slope.unsqueeze(2))
        squares[place - 1].addcmul_(delta, delta)
