"""Many networks of one architecture as one batched program, with a hand-written backward pass.

All parameters of a member lie in one row of a matrix (m, P), so that optimisers and penalties are
one operation for all. Activations are (m, features, B): biases and masks then run along memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from plnet.forgetting.models.spec import Architecture
from plnet.forgetting.models.units import unit_of

__all__ = ["BatchedNetwork", "LayerView", "Trace"]


@dataclass(frozen=True)
class LayerView:
    """Views into rows of parameters or gradients: weight (m, rows, n_in), bias (m, rows), slope (m, 1)."""

    weight: torch.Tensor
    bias: torch.Tensor
    slope: torch.Tensor | None


@dataclass
class Trace:
    """What a forward pass leaves for the backward pass.

    Parameters
    ----------
    logits : torch.Tensor, shape (m, C, B)
    inputs : list of torch.Tensor, each of shape (m, n_in, B)
        What enters each layer, behind dropout.
    saved : list
        What each activation needs.
    masks : sequence of torch.Tensor or None
    """

    logits: torch.Tensor
    inputs: list[torch.Tensor]
    saved: list[Any]
    masks: Sequence[torch.Tensor | None]


class BatchedNetwork:
    """A program for m networks of one architecture; it holds no parameters.

    Parameters
    ----------
    architecture : Architecture

    Attributes
    ----------
    places : list of tuple of slice
        Where weight, bias and slope (or None) of each layer lie in a row of parameters.

    Examples
    --------
    >>> import torch
    >>> from plnet.forgetting.models.spec import ModelSpec
    >>> from plnet.forgetting.models.batched_network import BatchedNetwork
    >>> network = BatchedNetwork(ModelSpec((5,), "maxout").resolve(3, 2))
    >>> network.logits(torch.zeros(4, network.n_parameters), torch.zeros(4, 7, 3)).shape
    torch.Size([4, 2, 7])
    """

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.n_parameters = architecture.n_parameters
        self._unit = unit_of(architecture)
        self.places = _places(architecture)

    def views(self, rows: torch.Tensor) -> list[LayerView]:
        """Return the weights, biases and slopes of each layer as views into rows (m, P)."""
        found = []
        for layer, (weight, bias, slope) in zip(self.architecture.layers, self.places, strict=True):
            found.append(
                LayerView(
                    rows[:, weight].unflatten(1, (layer.rows, layer.n_in)),
                    rows[:, bias],
                    None if slope is None else rows[:, slope],
                )
            )
        return found

    def forward(
        self,
        parameters: torch.Tensor,
        x: torch.Tensor,
        masks: Sequence[torch.Tensor | None] | None = None,
    ) -> Trace:
        """Run the networks on x (m, B, d).

        Parameters
        ----------
        parameters : torch.Tensor, shape (m, P)
        x : torch.Tensor, shape (m, B, d)
        masks : sequence of torch.Tensor (m, n_in, B) or None, optional
            Factors of the inputs of each layer, from `plnet.forgetting.models.dropout.dropout_masks`.
        """
        h = x.transpose(1, 2)
        masks = [None] * len(self.places) if masks is None else masks
        inputs, saved = [], []
        for place, view in enumerate(self.views(parameters)):
            mask = masks[place]
            h = h if mask is None else h * mask
            inputs.append(h)
            z = torch.baddbmm(view.bias.unsqueeze(2), view.weight, h)
            if place + 1 < len(self.places):
                h, kept = self._unit.apply(z, _column(view.slope))
                saved.append(kept)
            else:
                h = z
        return Trace(h, inputs, saved, masks)

    def backward(
        self,
        parameters: torch.Tensor,
        trace: Trace,
        output_delta: torch.Tensor,
        out: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the gradient (m, P) for the gradient `output_delta` (m, C, B) of the logits.

        A trace serves one backward pass, which uses its memory. `out` (m, P) is filled if given.
        """
        return self._pull_back(parameters, trace, output_delta, out, squared=False)

    def logits(self, parameters: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (m, C, B) of x (m, B, d) without dropout."""
        return self.forward(parameters, x).logits

    def gradient(
        self,
        parameters: torch.Tensor,
        x: torch.Tensor,
        delta_of: Callable[[torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Return the gradient (m, P) of a loss with the derivative ``delta_of(logits)`` of the logits.

        Examples
        --------
        With `plnet.forgetting.models.losses.cross_entropy_delta`:
        ``network.gradient(parameters, x, lambda z: cross_entropy_delta(z, y))``.
        """
        trace = self.forward(parameters, x)
        return self.backward(parameters, trace, delta_of(trace.logits))

    def squared_gradient(
        self,
        parameters: torch.Tensor,
        x: torch.Tensor,
        delta_of: Callable[[torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Return the sum over samples of the squared gradient of each, shape (m, P).

        Parameters
        ----------
        delta_of : callable
            Maps logits (m, C, B) to the derivative of each sample's own loss, without any weight.

        Notes
        -----
        A sample's gradient of a weight is a product of two numbers, so the sum of squares is one
        matrix product of squared factors; no loop over samples.
        """
        trace = self.forward(parameters, x)
        return self._pull_back(parameters, trace, delta_of(trace.logits), None, squared=True)

    def _pull_back(
        self,
        parameters: torch.Tensor,
        trace: Trace,
        delta: torch.Tensor,
        out: torch.Tensor | None,
        squared: bool,
    ) -> torch.Tensor:
        gradient = torch.empty_like(parameters) if out is None else out
        views, found = self.views(parameters), self.views(gradient)
        for place in range(len(views) - 1, -1, -1):
            _fill(found[place], delta, trace.inputs[place], squared)
            if place == 0:
                break
            view, saved = views[place - 1], trace.saved[place - 1]
            delta = torch.bmm(views[place].weight.transpose(1, 2), delta)
            mask = trace.masks[place]
            if mask is not None:
                delta.mul_(mask)
            slope = found[place - 1].slope
            if slope is not None and self._unit.slope_terms is not None:
                terms = self._unit.slope_terms(delta, saved).sum(dim=1)
                slope.copy_((terms.square() if squared else terms).sum(dim=1, keepdim=True))
            delta = self._unit.pull_back(delta, saved, _column(view.slope))
        return gradient


def _fill(found: LayerView, delta: torch.Tensor, inputs: torch.Tensor, squared: bool) -> None:
    if squared:
        delta, inputs = delta.square(), inputs.square()
    torch.bmm(delta, inputs.transpose(1, 2), out=found.weight)
    torch.sum(delta, dim=2, out=found.bias)


def _column(slope: torch.Tensor | None) -> torch.Tensor | None:
    return None if slope is None else slope.unsqueeze(2)


def _places(architecture: Architecture) -> list[tuple[slice, slice, slice | None]]:
    """Return where the weight, the bias and the slope of each layer lie in a row of parameters."""
    found, start = [], 0
    for place, layer in enumerate(architecture.layers):
        weight = slice(start, start + layer.rows * layer.n_in)
        bias = slice(weight.stop, weight.stop + layer.rows)
        start = bias.stop
        slope = None
        if architecture.activation == "prelu" and place + 1 < len(architecture.layers):
            slope = slice(start, start + 1)
            start += 1
        found.append((weight, bias, slope))
    return found
