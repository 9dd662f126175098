"""One seed a replicate, and from it an independent stream of random numbers for each purpose."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from plnet.errors import ConfigError

__all__ = ["check_seeds", "generator", "seed_sequence"]

# A torch generator takes 64 bits, of which the sign is one.
_LARGEST = 2**63 - 1


def seed_sequence(seed: int, *purpose: str | int) -> np.random.SeedSequence:
    """Return the seed sequence of one purpose of a replicate.

    Parameters
    ----------
    seed : int
        Of the replicate.
    *purpose : str or int
        What the numbers are for, such as ``"split"`` or ``"batches", 2``. Different purposes give independent
        streams, so one use of random numbers cannot disturb another.

    Returns
    -------
    numpy.random.SeedSequence

    Examples
    --------
    >>> from plnet.forgetting.seeding import seed_sequence
    >>> a, b = (seed_sequence(0, word).generate_state(1)[0] for word in ("split", "order"))
    >>> bool(a != b)
    True
    """
    key = tuple(zlib.crc32(word.encode()) if isinstance(word, str) else int(word) for word in purpose)
    return np.random.SeedSequence(seed, spawn_key=key)


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a generator of numpy for one purpose of a replicate; see `seed_sequence`."""
    return np.random.default_rng(seed_sequence(seed, *purpose))


def check_seeds(seeds: Any) -> tuple[int, ...]:
    """Return the seeds of the replicates as a tuple of different non-negative integers.

    Raises
    ------
    ConfigError
        If there is none, if one comes twice, or if one is no such integer.
    """
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        raise ConfigError(
            f"Expected seeds to be a list, one for each replicate; got the number {seeds}. "
            f"Take seeds=range({seeds}) for {seeds} replicates, or seeds=[{seeds}] for one."
        )
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Iterable):
        raise ConfigError(f"Expected seeds to be a list of non-negative integers, got {seeds!r}.")
    values = list(seeds)
    if not values:
        raise ConfigError("Expected at least one seed, got none. Take seeds=range(5) for five replicates.")
    wrong = [seed for seed in values if not _is_seed(seed)]
    if wrong:
        raise ConfigError(f"Expected seeds to be integers from 0 to 2**63 - 1, got {wrong[0]!r}.")
    chosen = tuple(int(seed) for seed in values)
    twice = sorted({seed for seed in chosen if chosen.count(seed) > 1})
    if twice:
        raise ConfigError(
            f"The seeds contain {', '.join(map(str, twice))} more than once. Replicates with one seed are "
            "the same run, and intervals over them would be too short. Give each replicate a seed of its own."
        )
    return chosen


def _is_seed(seed: Any) -> bool:
    return isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and 0 <= int(seed) <= _LARGEST
