"""`imitate_layer`: maxout layers that learn a layer with another activation."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.errors import ConfigError
from plnet.geometry.domain import Box
from plnet.ir.affine import frozen_array
from plnet.maxout.learning.descent import Descent, check_counts, descend
from plnet.maxout.learning.intervals import wilson_interval
from plnet.maxout.learning.limits import best_affine_error
from plnet.maxout.learning.starts import random_units
from plnet.maxout.learning.targets import imitation_target
from plnet.networks.generators import torch_generator
from plnet.networks.modules import Maxout
from plnet.networks.perceptron import mlp

__all__ = ["LayerImitation", "imitate_layer"]


@dataclass(frozen=True, eq=False)
class LayerImitation:
    """Maxout layers that were trained from random starts to compute ``activation(V x + c)``.

    Parameters
    ----------
    activation : str
    pieces : int
    layer : torch.nn.Sequential
        The layer that was imitated.
    weight : ndarray, shape (r, m, k, d)
        After training; read-only.
    bias : ndarray, shape (r, m, k)
    deviations : tuple of Fraction
        Exact greatest deviation of each layer on [-1, 1]^d, over all outputs.
    threshold : float
    stopped_by : str
        Empty or "Ctrl-C".
    seconds : float
    """

    activation: str
    pieces: int
    layer: nn.Module
    weight: np.ndarray
    bias: np.ndarray
    deviations: tuple[Fraction, ...]
    threshold: float
    stopped_by: str
    seconds: float

    @property
    def success(self) -> np.ndarray:
        """Which layers are within the threshold, shape (r,)."""
        return np.array([deviation <= self.threshold for deviation in self.deviations])

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return Wilson's interval of the success rate."""
        return wilson_interval(int(self.success.sum()), len(self.deviations), confidence)

    def to_module(self, replicate: int) -> Maxout:
        """Return a learnt layer in float64."""
        _, m, k, d = self.weight.shape
        module: Any = nn.utils.skip_init(Maxout, d, m, k, dtype=torch.float64)
        with torch.no_grad():
            module.weight.copy_(torch.tensor(self.weight[replicate]))
            module.bias.copy_(torch.tensor(self.bias[replicate]))
        return module


def imitate_layer(
    activation: str,
    pieces: int,
    *,
    dim: int = 2,
    width: int = 3,
    slope: float | None = None,
    replicates: int = 20,
    initialiser: str = "default",
    optimiser: str = "adam",
    learning_rate: float | None = None,
    steps: int = 1000,
    samples: int = 512,
    tolerance: float = 0.05,
    rng: Any = None,
) -> LayerImitation:
    """Train maxout layers to compute a random layer with another activation, and compare exactly.

    Parameters
    ----------
    activation : str
        A piecewise-linear name of `TARGETS`.
    pieces : int
    dim, width : int
        Inputs d and units m of the layer.
    slope : float, optional
        Of leaky_relu and prelu.
    replicates : int
        Maxout layers, all trained in one tensor program on one random layer.
    initialiser, optimiser, learning_rate, steps
        As in `imitate`.
    samples : int
        Training points, uniform on [-1, 1]^d.
    tolerance : float
        Largest deviation that counts as success, in units of the error of the best affine layer.
    rng : int, SeedSequence, Generator, torch.Generator or None

    Returns
    -------
    LayerImitation

    Raises
    ------
    ConfigError
        If an option is impossible, or the activation is smooth.

    Notes
    -----
    The deviation is that of `plnet.check_equivalence`: a proof in exact rationals for each replicate.

    Examples
    --------
    >>> from plnet.maxout.learning import imitate_layer
    >>> found = imitate_layer("abs", 2, width=1, replicates=2, steps=300, rng=0)
    >>> bool(found.success.any())
    True
    """
    from plnet.equivalence import check_equivalence

    if not imitation_target(activation, slope=slope).piecewise_linear:
        raise ConfigError(
            f"Expected a piecewise-linear activation, got {activation!r}. Take imitate for units."
        )
    check_counts(pieces=pieces, dim=dim, width=width, replicates=replicates, samples=samples)
    started, generator = time.perf_counter(), torch_generator(rng)
    whole = mlp([dim, width, 1], activation, slope=slope, rng=generator, dtype=torch.float64)
    layer = nn.Sequential(whole[0], whole[1]).requires_grad_(False)
    x = 2 * torch.rand((samples, dim), dtype=torch.float64, generator=generator) - 1
    y = layer(x).T
    weight, bias = random_units((replicates, width, pieces, dim), initialiser, rng=generator)
    trained = descend(
        weight.flatten(0, 1)[:, None],
        bias.flatten(0, 1)[:, None],
        torch.ones(1, dtype=torch.float64),
        x,
        y.repeat(replicates, 1),
        Descent(optimiser, learning_rate, steps),
    )
    slopes, offsets = trained.weight.reshape(weight.shape), trained.bias.reshape(bias.shape)
    found = LayerImitation(
        activation,
        pieces,
        layer,
        frozen_array(slopes.numpy()),
        frozen_array(offsets.numpy()),
        (),
        tolerance * _affine_error(layer, activation, slope),
        trained.stopped_by,
        0.0,
    )
    box = Box([-1.0] * dim, [1.0] * dim)
    reports = [check_equivalence(found.to_module(i), layer, box, progress=None) for i in range(replicates)]
    # On a bounded domain and without a budget the deviation is a fraction.
    deviations = tuple(Fraction(report.lower) for report in reports)
    return replace(found, deviations=deviations, seconds=time.perf_counter() - started)


def _affine_error(layer: nn.Sequential, activation: str, slope: float | None) -> float:
    """Return the error of the best affine layer on the cube; along a diagonal a unit meets all its values."""
    linear: Any = layer[0]
    errors = [0.0]
    for row, offset in zip(linear.weight.tolist(), linear.bias.tolist(), strict=True):
        reach = sum(map(abs, row))
        if reach:
            ends = {"low": offset - reach, "high": offset + reach}
            errors.append(best_affine_error(imitation_target(activation, slope=slope, **ends)))
    return max(errors)
