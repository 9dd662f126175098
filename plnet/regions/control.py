"""Budgets and progress of a long computation, passed in as one value."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from plnet.budgets import Deadline, check_seconds, name_of
from plnet.errors import EngineError, OutOfMemoryError

__all__ = ["Control", "available_cores", "check_jobs", "make_control", "memory_in_words"]

Progress = Callable[[int], object]


@dataclass
class Control:
    """Says when to stop, and tells the user how far the work is.

    Parameters
    ----------
    max_regions : int, optional
    max_seconds : float, optional
    report : callable, optional
        Called now and then with the number of regions found.

    Attributes
    ----------
    deadline : Deadline
        Of the seconds, from now on.
    stopped_by : str or None
        What ended the work early: "max_regions", "max_seconds" or "Ctrl-C".
    """

    max_regions: int | None = None
    max_seconds: float | None = None
    report: Progress | None = None
    deadline: Deadline = field(init=False)
    stopped_by: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.deadline = Deadline.start(self.max_seconds)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self.deadline.seconds

    def spent(self, count: int) -> bool:
        """Report progress, and say whether the budget is spent."""
        if self.report is not None:
            self.report(count)
        if self.max_regions is not None and count >= self.max_regions:
            self.stopped_by = self.stopped_by or "max_regions"
        if self.deadline.passed:
            self.stopped_by = self.stopped_by or "max_seconds"
        return self.stopped_by is not None

    def stopped(self, stop: BaseException) -> None:
        """Note which of `plnet.budgets.STOPS` ended the work; the first one counts."""
        self.stopped_by = self.stopped_by or name_of(stop)


def make_control(
    max_regions: int | None, max_seconds: float | None, progress: Any
) -> tuple[Control, Callable[[], None]]:
    """Return a control and the function that ends its display.

    Parameters
    ----------
    max_regions, max_seconds : int or float, optional
    progress : "auto", bool, None or callable
        "auto" shows a bar if stderr is a terminal and tqdm is installed; a callable gets
        the number of regions found so far.
    """
    if max_regions is not None and not (_is_integer(max_regions) and max_regions > 0):
        raise EngineError(
            f"Expected an integer max_regions > 0, got {max_regions!r}. Leave it out for no limit."
        )
    check_seconds(max_seconds)
    if callable(progress):
        return Control(max_regions, max_seconds, progress), lambda: None
    if progress not in ("auto", True, False, None):
        raise EngineError(f'Expected progress "auto", True, False or a function, got {progress!r}.')
    wanted = progress is True or (progress == "auto" and sys.stderr is not None and sys.stderr.isatty())
    if not wanted:
        return Control(max_regions, max_seconds), lambda: None
    return _with_bar(max_regions, max_seconds)


def _with_bar(max_regions: int | None, max_seconds: float | None) -> tuple[Control, Callable[[], None]]:
    try:
        tqdm = import_module("tqdm").tqdm
    except ImportError:
        return Control(max_regions, max_seconds), lambda: None
    bar = tqdm(unit=" regions", unit_scale=True, delay=0.5, leave=False, dynamic_ncols=True)

    def report(count: int) -> None:
        bar.update(count - bar.n)

    return Control(max_regions, max_seconds, report), bar.close


@contextmanager
def memory_in_words(engine: str, storing: bool) -> Iterator[None]:
    """Turn a `MemoryError` into a sentence.

    Parameters
    ----------
    engine : str
    storing : bool
        Whether the regions are kept, not only counted.
    """
    try:
        yield
    except MemoryError as error:
        smaller = "a smaller domain (a Segment, a Slice) or fewer threads (n_jobs=1)"
        advice = (
            f"Count instead of enumerating, set max_regions, or take {smaller}."
            if storing
            else f"Take {smaller}, or another engine: the memory of each is the depth of its search."
        )
        raise OutOfMemoryError(f'The memory does not suffice for the engine "{engine}". {advice}') from error


def _is_integer(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_jobs(n_jobs: Any) -> int:
    """Return a number of threads, or raise `EngineError`."""
    if not _is_integer(n_jobs) or not (n_jobs == -1 or n_jobs >= 1):
        raise EngineError(f"Expected n_jobs as a positive integer, or -1 for all cores, got {n_jobs!r}.")
    return int(n_jobs)
