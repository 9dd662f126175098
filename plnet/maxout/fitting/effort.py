"""How much a fit may try: starts, random numbers, the budget of time, and who hears of the progress."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plnet.budgets import Deadline
from plnet.errors import TargetError
from plnet.progress import Progress, Report, check_progress

__all__ = ["Effort", "effort_of"]

_STARTS = 20
_SEARCH = 0.6
"""Share of the budget that the search gets; the rest is for the bracket of its error."""


@dataclass(frozen=True, eq=False)
class Effort:
    """What a search may spend.

    Parameters
    ----------
    starts : int
    rng : Generator
    deadline : Deadline
    report : callable, optional
        Gets the number of finished starts.
    """

    starts: int
    rng: np.random.Generator
    deadline: Deadline
    report: Report | None = None

    def ends_after(self, start: int) -> bool:
        """Report a finished start, and say whether the time is up."""
        if self.report is not None:
            self.report(start)
        return self.deadline.passed

    def best(
        self, tries: Iterable[tuple[np.ndarray, float]], default: np.ndarray, first: int = 1
    ) -> np.ndarray:
        """Return what has the least error of all that is tried until the time is up or Ctrl-C comes.

        Parameters
        ----------
        tries : iterable of (found, error)
        default : ndarray
            Where no error is finite.
        first : int
            Number of the first start, for the report.

        Raises
        ------
        KeyboardInterrupt
            If nothing is known by then.
        """
        best, least = default, np.inf
        try:
            for number, (found, error) in enumerate(tries, first):
                if error < least:
                    best, least = found, error
                if self.ends_after(number):
                    break
        except KeyboardInterrupt:
            if not np.isfinite(least):
                raise
        return best

    def share(self, divisor: int) -> Effort:
        """Return the same with fewer starts, at least one."""
        return replace(self, starts=max(self.starts // divisor, 1))

    @property
    def search(self) -> Effort:
        """The same with a budget that leaves time to error_bracket what the search finds."""
        return self.part(_SEARCH)

    def part(self, share: float) -> Effort:
        """Return the same with a share of the budget."""
        whole = self.deadline
        seconds = None if whole.max_seconds is None else share * whole.max_seconds
        return replace(self, deadline=Deadline(seconds, whole.started))


def effort_of(starts: int | None, rng: Any, max_seconds: Any, progress: Progress) -> Effort:
    """Return the effort that options ask for.

    Raises
    ------
    TargetError
        If `max_seconds` or `progress` cannot be used.
    """
    check_progress(progress, TargetError)
    report = progress if callable(progress) else None
    generator = np.random.default_rng(0 if rng is None else rng)
    return Effort(starts or _STARTS, generator, Deadline.start(max_seconds, TargetError), report)
