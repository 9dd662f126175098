"""Random starts of many maxout units at once."""

from __future__ import annotations

import math
from typing import Any

import torch

from plnet.checks import check_choice
from plnet.networks.generators import torch_generator
from plnet.networks.initialisers import variance_gain

__all__ = ["STARTS", "check_start", "random_units"]

STARTS = ("default", "he", "he_biased", "xavier", "normal")
"""Schemes of `random_units`."""


def random_units(
    shape: tuple[int, int, int, int], scheme: str = "default", *, rng: Any = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw slopes and intercepts of many units.

    Parameters
    ----------
    shape : (r, m, k, d)
        Replicates, units, pieces, inputs.
    scheme : {"default", "he", "he_biased", "xavier", "normal"}
        "default" is that of `torch.nn.Linear`: all uniform in +-1/sqrt(d). "he" has normal slopes of variance
        `plnet.networks.variance_gain` / d and intercepts 0, so that all pieces meet at 0; "he_biased" draws
        intercepts too, from a normal law of deviation 1/2. "xavier" is uniform with variance 2 / (d + 1) and
        intercepts 0. "normal" draws all from the standard normal law.
    rng : int, SeedSequence, Generator, torch.Generator or None

    Returns
    -------
    weight : torch.Tensor, shape (r, m, k, d)
    bias : torch.Tensor, shape (r, m, k)
        float64.

    Raises
    ------
    ConfigError
        If the scheme is unknown.

    Examples
    --------
    >>> from plnet.maxout.learning import random_units
    >>> weight, bias = random_units((5, 1, 2, 1), "he", rng=0)
    >>> weight.shape, bias.abs().max().item()
    (torch.Size([5, 1, 2, 1]), 0.0)
    """
    check_start(scheme)
    r, m, k, d = shape
    generator = torch_generator(rng)
    draw = torch.randn if scheme in ("he", "he_biased", "normal") else _symmetric
    # One draw for each replicate, so that the first replicates do not depend on how many there are.
    draws = [draw((m, k, d + 1), dtype=torch.float64, generator=generator) for _ in range(r)]
    table = torch.stack(draws)
    weight, bias = table[..., :d].clone(), table[..., d].clone()
    if scheme == "default":
        return weight / math.sqrt(d), bias / math.sqrt(d)
    if scheme == "xavier":
        return weight * math.sqrt(6 / (d + 1)), torch.zeros_like(bias)
    if scheme == "normal":
        return weight, bias
    weight = weight * math.sqrt(variance_gain("maxout", pieces=k) / d)
    return weight, bias / 2 if scheme == "he_biased" else torch.zeros_like(bias)


def check_start(scheme: str) -> None:
    """Raise `ConfigError` for a scheme that is not known."""
    check_choice("initialiser", scheme, STARTS)


def _symmetric(size: tuple[int, ...], **options: Any) -> torch.Tensor:
    return 2 * torch.rand(size, **options) - 1
