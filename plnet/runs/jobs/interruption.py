"""What Ctrl-C leaves, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plnet.runs.store.outputs import RunFolder

__all__ = ["interruption_says_where"]


@contextmanager
def interruption_says_where(folder: RunFolder) -> Iterator[None]:
    """Let a `KeyboardInterrupt` tell where the results are; its own text, if any, tells what was stopped."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"Stopped by Ctrl-C{stop}. What is known is in {folder.path}.") from None
