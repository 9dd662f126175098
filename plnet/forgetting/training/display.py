"""A progress bar for the training of many members."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeAlias

from plnet.errors import ConfigError

__all__ = ["Show", "check_progress", "display"]

Show: TypeAlias = Callable[[int, str], None]


def check_progress(progress: Any) -> None:
    """Raise `ConfigError` if this says nothing about a display."""
    if not callable(progress) and progress not in ("auto", True, False, None):
        raise ConfigError(f'Expected progress "auto", True, False or a function, got {progress!r}.')


@contextmanager
def display(progress: Any, total: int) -> Iterator[Show]:
    """Show how far the training is; yields ``show(steps, text)``, where steps come on top of earlier ones.

    Parameters
    ----------
    progress : "auto", bool, None or callable
        "auto" shows a bar if stderr is a terminal and tqdm is installed; a callable gets how much is done and
        how much there is.
    total : int
        In epochs of single members.
    """
    check_progress(progress)
    if callable(progress):
        done = 0

        def report(steps: int, text: str) -> None:
            nonlocal done
            done += steps
            progress(done, total)

        yield report
        return
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if not (progress is True or (progress == "auto" and terminal)):
        yield lambda steps, text: None
        return
    try:
        tqdm = import_module("tqdm").tqdm
    except ImportError:
        yield lambda steps, text: None
        return
    with tqdm(
        total=total, unit=" epochs", unit_scale=True, delay=0.5, leave=False, dynamic_ncols=True
    ) as bar:

        def show(steps: int, text: str) -> None:
            bar.set_description_str(text, refresh=False)
            bar.update(steps)

        yield show
