"""Dropout masks as a function of seed, task, step and place, so that no grouping of members changes them.

Each number is a hash of a counter (SplitMix64), the same on CPU and GPU, in torch and in compiled code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from plnet.forgetting.models.spec import Architecture
from plnet.forgetting.seeding import seed_sequence

__all__ = ["PLACE_BITS", "dropout_key", "dropout_masks", "dropout_threshold", "layer_rates"]

PLACE_BITS = 28
"""Each layer of each step has 2**28 counters of its own."""

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def dropout_key(seed: int, task: int) -> int:
    """Return the 64-bit key of a replicate's masks in one task."""
    return int(seed_sequence(seed, "dropout", task).generate_state(1, np.uint64)[0])


def layer_rates(architecture: Architecture) -> tuple[float, ...]:
    """Return the probability with which inputs of each layer are dropped."""
    hidden = len(architecture.layers) - 1
    return (architecture.input_dropout, *[architecture.hidden_dropout] * hidden)


def dropout_threshold(rate: float) -> int:
    """Return the number of 32-bit values that mean *drop*: the rate to the nearest 2**-32."""
    return round(rate * 2**32)


def dropout_masks(
    architecture: Architecture,
    keys: Sequence[int],
    step: int,
    batch: int,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
    *,
    behind: int = 0,
) -> list[torch.Tensor | None] | None:
    """Return the factors of the inputs of each layer: 0 where dropped, else 1 / (1 - rate).

    Parameters
    ----------
    architecture : Architecture
    keys : sequence of int, length m
        From `dropout_key`.
    step : int
        Number of the step within the task.
    batch : int
        Samples B of the minibatch.
    behind : int
        Further samples, which a method has put behind it. They do not change the masks of the minibatch.

    Returns
    -------
    list of torch.Tensor (m, n_in, B + behind) or None for layers without dropout; None if none has any.

    References
    ----------
    Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators": the hash.
    """
    if not architecture.drops:
        return None
    key = torch.tensor([_signed(value) for value in keys], dtype=torch.int64, device=device)
    found: list[torch.Tensor | None] = []
    for place, (layer, rate) in enumerate(zip(architecture.layers, layer_rates(architecture), strict=True)):
        if rate == 0:
            found.append(None)
            continue
        first = (step * len(architecture.layers) + place) << PLACE_BITS
        numbers = _numbers(key, first, layer.n_in, batch)
        if behind:
            # The upper half of the counters of this layer and step.
            more = _numbers(key, first + (1 << (PLACE_BITS - 1)), layer.n_in, behind)
            numbers = torch.cat([numbers, more], dim=2)
        found.append((numbers >= dropout_threshold(rate)).to(dtype).mul_(1.0 / (1.0 - rate)))
    return found


def _numbers(key: torch.Tensor, first: int, units: int, batch: int) -> torch.Tensor:
    """Return random 32-bit numbers (m, units, batch) from the counters behind `first`."""
    size = units * batch
    words = (size + 1) // 2
    counters = torch.arange(first + 1, first + 1 + words, dtype=torch.int64, device=key.device)
    bits = _mix(key[:, None] + counters * _signed(GOLDEN))
    # The upper halves of the words serve the first half of the units, the lower ones the rest.
    numbers = torch.cat([_shifted(bits, 32), bits & 0xFFFFFFFF], dim=1)[:, :size]
    return numbers.unflatten(1, (units, batch))


def _mix(z: torch.Tensor) -> torch.Tensor:
    z = (z ^ _shifted(z, 30)) * _signed(FIRST)
    z = (z ^ _shifted(z, 27)) * _signed(SECOND)
    return z ^ _shifted(z, 31)


def _shifted(z: torch.Tensor, bits: int) -> torch.Tensor:
    """Shift to the right with zeros from the left, which torch has for no signed integer."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
