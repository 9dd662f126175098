"""Budgets and progress of a long computation, passed in as one value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from plnet.budgets import Deadline, check_seconds, name_of
from plnet.errors import EngineError, OutOfMemoryError
from plnet.progress import Progress, Report, check_progress, reporting

__all__ = ["Budget", "Control", "memory_in_words", "threads_of"]


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
    report: Report | None = None
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


@dataclass(frozen=True)
class Budget:
    """What a count may take, and how it shows how far it is.

    Parameters
    ----------
    max_regions : int, optional
    max_seconds : float, optional
    n_jobs : int
        Threads; -1 takes one for each core.
    progress : "auto", bool, None or callable
        A callable gets the number of regions found so far.

    Raises
    ------
    EngineError
        If a value is impossible.
    """

    max_regions: int | None = None
    max_seconds: float | None = None
    n_jobs: int = 1
    progress: Progress = "auto"

    def __post_init__(self) -> None:
        most = self.max_regions
        if most is not None and not (_is_integer(most) and most > 0):
            raise EngineError(
                f"Expected an integer max_regions > 0, got {most!r}. Leave it out for no limit."
            )
        check_seconds(self.max_seconds)
        if not _is_integer(self.n_jobs) or not (self.n_jobs == -1 or self.n_jobs >= 1):
            raise EngineError(
                f"Expected n_jobs as a positive integer, or -1 for all cores, got {self.n_jobs!r}."
            )
        check_progress(self.progress, EngineError)

    @contextmanager
    def started(self) -> Iterator[Control]:
        """Yield a control whose clock runs from now, and end its display afterwards."""
        with reporting(self.progress, "regions") as report:
            yield Control(self.max_regions, self.max_seconds, report)


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


def threads_of(n_jobs: int) -> int:
    """Return a number of threads; -1 stands for one for each core that this process may use."""
    if n_jobs != -1:
        return n_jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
