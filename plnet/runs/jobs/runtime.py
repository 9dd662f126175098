"""What a job runs on, checked before anything runs: device and threads; and what Ctrl-C leaves, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from plnet.errors import ConfigError
from plnet.runs.store.outputs import RunFolder

__all__ = ["check_device", "determinism", "interruption_says_where", "threads"]


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


@contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Let torch take only algorithms that repeat their numbers inside the block; False leaves it as it is.

    On the CPU, the training repeats its numbers in any case. On a GPU this costs some speed.

    References
    ----------
    PyTorch, *Reproducibility* (notes): no promise holds across releases, platforms, or from CPU to GPU.
    """
    if not isinstance(wanted, bool):
        raise ConfigError(f"Expected runtime.deterministic to be true or false, got {wanted!r}.")
    if not wanted:
        yield
        return
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
    )
    # cuBLAS reads it when CUDA starts. Other children of the process may start CUDA later, so it stays.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = before[2]


@contextmanager
def interruption_says_where(folder: RunFolder) -> Iterator[None]:
    """Let a `KeyboardInterrupt` tell where the results are; its own text, if any, tells what was stopped."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"Stopped by Ctrl-C{stop}. What is known is in {folder.path}.") from None
