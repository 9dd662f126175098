"""How far a training is, for the user."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from plnet.errors import ConfigError

__all__ = ["shown_steps"]

Report = Callable[[int], object]

_EVERY = 50
"""Steps between two reports."""


@contextmanager
def shown_steps(total: int, progress: Any = "auto") -> Iterator[Report]:
    """Yield a function that takes the number of steps so far, and shows or passes on every fiftieth.

    Parameters
    ----------
    total : int
        Of all steps.
    progress : "auto", bool, None or callable
        "auto" shows a bar if stderr is a terminal and tqdm is installed.

    Raises
    ------
    ConfigError
        If `progress` is something else.
    """
    if callable(progress):
        yield _sometimes(progress)
        return
    if progress not in ("auto", True, False, None):
        raise ConfigError(f'Expected progress "auto", True, False or a function, got {progress!r}.')
    wanted = progress is True or (progress == "auto" and sys.stderr is not None and sys.stderr.isatty())
    try:
        tqdm = import_module("tqdm").tqdm if wanted else None
    except ImportError:
        tqdm = None
    if tqdm is None:
        yield lambda _: None
        return
    bar = tqdm(total=total, unit=" steps", unit_scale=True, delay=0.5, leave=False, dynamic_ncols=True)
    try:
        yield _sometimes(lambda step: bar.update(step - bar.n))
    finally:
        bar.close()


def _sometimes(report: Report) -> Report:
    def tell(step: int) -> None:
        if step % _EVERY == 0:
            report(step)

    return tell
