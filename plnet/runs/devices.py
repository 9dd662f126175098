"""The device of the training and the threads of torch, checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from plnet.errors import ConfigError

__all__ = ["check_device", "threads"]


def check_device(name: str) -> torch.device:
    """Return the device of a name.

    Raises
    ------
    ConfigError
        If the name is unknown, or the machine has no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f'Expected runtime.device to be cpu, cuda or cuda:<number>, got "{name}".'
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f'Expected runtime.device to be cpu, cuda or cuda:<number>, got "{name}".')
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if found <= (device.index or 0):
            raise ConfigError(
                f'runtime.device is "{name}", and torch {torch.__version__} sees '
                f"{found or 'no'} CUDA device{'s' if found > 1 else ''} here. Take runtime=cpu, "
                "or install a torch with CUDA on a machine with a GPU."
            )
    return device


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Let torch use this many threads inside the block; None leaves it as it is."""
    if number is not None and number < 1:
        raise ConfigError(f"Expected runtime.threads to be a positive integer or null, got {number}.")
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
