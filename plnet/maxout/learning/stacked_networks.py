"""Many independent networks of one shape as one torch module, with the replicates along the first axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from plnet.networks.generators import torch_generator
from plnet.networks.initialisers import variance_gain

__all__ = ["StackedNetworks", "parameter_count"]


def parameter_count(widths: Sequence[int], pieces: int = 1) -> int:
    """Return the number of weights and biases of one network.

    Parameters
    ----------
    widths : sequence of int
        Sizes of input, hidden layers and output.
    pieces : int
        Filters of each hidden unit: 1 for ReLU.
    """
    hidden = sum((n_in + 1) * n_out * pieces for n_in, n_out in pairwise(widths[:-1]))
    return hidden + (widths[-2] + 1) * widths[-1]


class StackedNetworks(nn.Module):
    """Networks of equal widths: hidden maxout units, or ReLU units where there is one piece.

    Parameters
    ----------
    replicates : int
    widths : sequence of int
        Sizes of input, hidden layers and output.
    pieces : int
    rng : int, SeedSequence, Generator, torch.Generator or None

    Notes
    -----
    Weights are normal with variance `plnet.networks.variance_gain` / fan_in, biases of hidden units uniform
    in +-1/sqrt(fan_in), those of the outputs 0.
    """

    def __init__(self, replicates: int, widths: Sequence[int], pieces: int, *, rng: Any = None) -> None:
        super().__init__()
        generator = torch_generator(rng)
        gain = variance_gain("maxout", pieces=pieces) if pieces > 1 else variance_gain("relu")
        self.pieces = pieces
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for place, (n_in, n_out) in enumerate(pairwise(widths)):
            last = place == len(widths) - 2
            rows = n_out if last else n_out * pieces
            spread = math.sqrt((1.0 if last else gain) / n_in)
            weight = torch.randn((replicates, rows, n_in), dtype=torch.float64, generator=generator) * spread
            bias = 2 * torch.rand((replicates, rows, 1), dtype=torch.float64, generator=generator) - 1
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(torch.zeros_like(bias) if last else bias / math.sqrt(n_in)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map the same points (d, n) to the outputs of all networks, shape (replicates, outputs, n)."""
        parts = list(zip(self.weights, self.biases, strict=True))
        values = x.expand(len(parts[0][0]), *x.shape)
        for weight, bias in parts[:-1]:
            values = torch.baddbmm(bias, weight, values)
            if self.pieces == 1:
                values = values.relu()
            else:
                values = values.unflatten(1, (-1, self.pieces)).amax(dim=2)
        return torch.baddbmm(parts[-1][1], parts[-1][0], values)
