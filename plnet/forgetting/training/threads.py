"""Threads of torch in a training: small networks are faster on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from plnet.forgetting.models.spec import Architecture

__all__ = ["SMALL", "threads_for"]

SMALL = 300_000
"""Parameters below which a network is small: its operations take less time than threads need to meet."""


@contextmanager
def threads_for(architecture: Architecture) -> Iterator[int]:
    """Let torch use one thread inside the block where the network is small; yield how many it had before.

    Afterwards torch has as many as before, also when the block is left by an error.
    """
    before = torch.get_num_threads()
    if architecture.n_parameters < SMALL:
        torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
