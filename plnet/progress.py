"""How far long work is: a bar on a terminal, a function of the user, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal, TypeAlias

from plnet.errors import ConfigError

__all__ = ["Progress", "Report", "check_progress", "open_bar", "reporting"]

Report: TypeAlias = Callable[[int], object]
"""Gets how much is done."""

Progress: TypeAlias = Report | Literal["auto"] | bool | None
"""What a user may say: "auto" shows a bar if stderr is a terminal and tqdm is installed."""


def check_progress(progress: object, kind: type[Exception] = ConfigError) -> None:
    """Raise an error of a kind if this says nothing about a display."""
    if not callable(progress) and progress not in ("auto", True, False, None):
        raise kind(f'Expected progress "auto", True, False or a function, got {progress!r}.')


def open_bar(progress: object, unit: str, total: int | None = None, **options: Any) -> Any:
    """Return a bar of tqdm where one is wanted and tqdm is installed, else None. The caller closes it.

    Parameters
    ----------
    progress : "auto", bool, None or callable
        A function shows no bar: it is called instead.
    unit : str
        Of what is counted.
    total : int, optional
    **options
        Of tqdm.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if not (progress is True or (progress == "auto" and terminal)):
        return None
    try:
        tqdm = import_module("tqdm").tqdm
    except ImportError:
        return None
    shown = {"unit_scale": True, "delay": 0.5, "leave": False, "dynamic_ncols": True} | options
    return tqdm(total=total, unit=f" {unit}", **shown)


@contextmanager
def reporting(progress: Progress, unit: str, total: int | None = None) -> Iterator[Report | None]:
    """Yield the function that hears how much is done: the user's own, that of a bar, or None.

    Parameters
    ----------
    progress : "auto", bool, None or callable
        Refused by `check_progress` if it is something else.
    unit : str
        Of what is counted.
    total : int, optional
    """
    if callable(progress):
        yield progress
        return
    bar = open_bar(progress, unit, total)
    if bar is None:
        yield None
        return
    with bar:
        yield lambda done: bar.update(done - bar.n)
