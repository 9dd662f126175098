"""One seed, several independent streams of random numbers; no global state."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.errors import ConfigError

__all__ = ["Streams", "streams"]


@dataclass(frozen=True)
class Streams:
    """A seed sequence for each use of random numbers, so that one use cannot disturb another.

    The order is part of every published number: a new stream goes to the end.
    """

    split: np.random.SeedSequence
    initialisation: np.random.SeedSequence
    batches: np.random.SeedSequence
    images: np.random.SeedSequence
    engine: np.random.SeedSequence


def streams(seed: Any) -> Streams:
    """Return the streams of a seed.

    Parameters
    ----------
    seed : int
        Not negative.

    Raises
    ------
    ConfigError
        If it is something else.

    Examples
    --------
    >>> from plnet.runs.jobs.seeding import streams
    >>> streams(0).split.spawn_key, streams(0).batches.spawn_key
    ((0,), (2,))
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ConfigError(f"Expected seed to be a non-negative integer, got {seed!r}.")
    return Streams(*np.random.SeedSequence(seed).spawn(5))
