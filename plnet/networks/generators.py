"""Torch generators derived from whatever a caller gives as `rng`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from plnet.errors import ConfigError

__all__ = ["torch_generator"]


def torch_generator(rng: Any = None) -> torch.Generator:
    """Return a torch generator; the global state of torch and numpy is never used.

    Parameters
    ----------
    rng : int, numpy.random.SeedSequence, numpy.random.Generator, torch.Generator or None
        A torch generator is passed through. A numpy generator is advanced by one draw.
        An integer and ``SeedSequence(integer)`` give the same generator. None takes fresh
        entropy from the operating system.

    Returns
    -------
    torch.Generator

    Raises
    ------
    ConfigError
        If `rng` is something else or a negative integer.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import torch_generator
    >>> first, second = torch_generator(3), torch_generator(3)
    >>> torch.equal(torch.rand(2, generator=first), torch.rand(2, generator=second))
    True
    """
    if isinstance(rng, torch.Generator):
        return rng
    if isinstance(rng, np.random.Generator):
        seed = int(rng.integers(0, 2**63 - 1))
    else:
        seed = int(_sequence(rng).generate_state(1, np.uint64)[0])
    generator = torch.Generator()
    # torch takes seeds up to 2**64 - 1, but stores them as signed numbers in some places.
    generator.manual_seed(seed & (2**63 - 1))
    return generator


def _sequence(rng: Any) -> np.random.SeedSequence:
    if rng is None:
        return np.random.SeedSequence()
    if isinstance(rng, np.random.SeedSequence):
        return rng
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return np.random.SeedSequence(int(rng))
    raise ConfigError(
        "Expected rng to be a non-negative integer, a numpy SeedSequence or Generator, a "
        f"torch.Generator or None, got {type(rng).__name__} {rng!r}."
    )
