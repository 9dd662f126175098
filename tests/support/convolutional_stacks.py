"""Random convolutional stacks with pools as torch modules, and the same as layers of the oracle."""

from __future__ import annotations

import copy
import itertools
from fractions import Fraction

import numpy as np
import torch
from torch import nn

SHAPES = {
    1: ((1, 1, 1),),
    2: ((1, 1, 2), (2, 1, 1), (1, 2, 1)),
    3: ((1, 1, 3), (3, 1, 1)),
    4: ((1, 2, 2), (2, 1, 2)),
    6: ((1, 2, 3), (1, 3, 2)),
}
"""Shapes of inputs (channels, height, width) of each dimension."""


def draw_stack(rng: np.random.Generator, shape: tuple[int, ...], blocks: int = 2) -> nn.Sequential:
    """Draw blocks of a convolution, perhaps an activation and perhaps a pool, then perhaps a linear layer."""
    stack = _Stack(shape)
    for _ in range(int(rng.integers(1, blocks + 1))):
        channels, height, width = stack.shape
        kernel = int(rng.integers(1, 1 + min(2, height, width)))
        groups = channels if rng.random() < 0.2 else 1
        out = groups * int(rng.integers(1, 3)) if groups < 3 else groups
        mode = str(rng.choice(["zeros", "circular", "replicate"])) if kernel > 1 else "zeros"
        padding = int(rng.integers(2)) if kernel > 1 else 0
        stack.add(nn.Conv2d(channels, out, kernel, padding=padding, padding_mode=mode, groups=groups))
        if rng.random() < 0.6:
            stack.add(
                (nn.ReLU(), nn.ReLU(), nn.Hardtanh(-0.5, 0.5), nn.LeakyReLU(0.25))[int(rng.integers(4))]
            )
        if min(stack.shape[1:]) > 1 or rng.random() < 0.3:
            stack.add(_pool(rng, stack.shape))
    stack.add(nn.Flatten())
    if rng.random() < 0.5:
        stack.add(nn.Linear(stack.shape[0], 2))
        if rng.random() < 0.6:
            stack.add(nn.ReLU())
    module = nn.Sequential(*stack.parts)
    _draw_numbers(rng, module)
    return module.eval()


def _pool(rng: np.random.Generator, shape: tuple[int, ...]) -> nn.Module:
    size = tuple(min(2, n) for n in shape[1:])
    pools = (nn.MaxPool2d(size), nn.MaxPool2d(size, 1), nn.AvgPool2d(size), nn.AdaptiveMaxPool2d(1))
    return pools[int(rng.integers(4))]


class _Stack:
    """Parts, and the shape behind them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.parts = shape, []

    def add(self, part: nn.Module) -> None:
        self.parts.append(part.eval())
        with torch.no_grad():
            self.shape = tuple(part(torch.zeros(1, *self.shape)).shape[1:])


def _draw_numbers(rng: np.random.Generator, module: nn.Module) -> None:
    """Draw all parameters, in every third module as integers."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    integers = rng.random() < 1 / 3
    for parameter in module.parameters():
        if integers:
            parameter.data = torch.randint(-2, 3, parameter.shape, generator=generator).float()
        else:
            parameter.data = torch.randn(parameter.shape, generator=generator)


def raw_layers(module: nn.Sequential, shape: tuple[int, ...]) -> list[tuple]:
    """Return the layers of a Sequential for the oracle, and nothing of it from the library."""
    layers: list[tuple] = []
    for part in copy.deepcopy(module).double().eval():
        size = int(np.prod(shape))
        out = tuple(part(torch.zeros(1, *shape, dtype=torch.float64)).shape[1:])
        if isinstance(part, nn.MaxPool2d | nn.AdaptiveMaxPool2d):
            layers.append(("max", pool_groups(part, shape)))
        elif isinstance(part, nn.ReLU):
            layers.append(("scalar", [([0], [0, 1], 0)] * size))
        elif isinstance(part, nn.Hardtanh):
            layers.append(("scalar", [([part.min_val, part.max_val], [0, 1, 0], part.min_val)] * size))
        elif isinstance(part, nn.LeakyReLU):
            layers.append(("scalar", [([0], [part.negative_slope, 1], 0)] * size))
        else:
            layers.append(_affine(part, shape))
        shape = out
    return layers


def _affine(part: nn.Module, shape: tuple[int, ...]) -> tuple:
    size = int(np.prod(shape))
    with torch.no_grad():
        offset = part(torch.zeros(1, *shape, dtype=torch.float64))
        if getattr(part, "bias", None) is not None:
            part.bias.zero_()
        columns = part(torch.eye(size, dtype=torch.float64).reshape(size, *shape)).reshape(size, -1)
    rows = columns.T.tolist()
    if isinstance(part, nn.AvgPool2d | nn.AdaptiveAvgPool2d):
        rows = [[Fraction(x).limit_denominator(1000) for x in row] for row in rows]
    return ("affine", rows, offset.flatten().tolist())


def pool_groups(part: nn.Module, shape: tuple[int, ...]) -> list[list[int]]:
    """Members of the windows of a maximum without padding, written out."""
    channels, height, width = shape
    if isinstance(part, nn.AdaptiveMaxPool2d):
        assert part.output_size == 1
        window, step = (height, width), (1, 1)
    else:
        assert part.padding == 0
        window, step = (
            side if isinstance(side, tuple) else (side, side) for side in (part.kernel_size, part.stride)
        )
    corners = itertools.product(
        range(channels),
        range(0, height - window[0] + 1, step[0]),
        range(0, width - window[1] + 1, step[1]),
    )
    return [
        [c * height * width + (y + i) * width + (x + j) for i in range(window[0]) for j in range(window[1])]
        for c, y, x in corners
    ]
