"""Budgets of time: the one clock that every long computation looks at.

A verb with ``max_seconds`` starts a `Deadline` and hands it down as a value. A loop that can take a second
asks `Deadline.passed`, and ends with what it has; or it calls `Deadline.check`, and the verb catches
`TimeIsUpError` and returns what is known. All looks go through `now`, so that a test can count them and the
time between two.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from plnet.errors import EngineError, PLNetError

__all__ = ["Deadline", "TimeIsUpError", "check_seconds", "now"]

_SHORTEST = 1e-3
"""Seconds that a part of a spent budget still gets, because a budget of 0 is refused."""


def now() -> float:
    """Return the time in seconds, from an arbitrary start."""
    return time.perf_counter()


class TimeIsUpError(Exception):
    """A budget of seconds is spent: a signal inside the library, which no user meets."""


def check_seconds(max_seconds: Any, error: type[PLNetError] = EngineError) -> float | None:
    """Return a budget of seconds, or raise an error that says what was expected.

    Parameters
    ----------
    max_seconds : float, optional
    error : type
        The subclass of `PLNetError` to raise.
    """
    if max_seconds is None:
        return None
    number = isinstance(max_seconds, int | float) and not isinstance(max_seconds, bool)
    if not (number and not math.isnan(max_seconds) and max_seconds > 0):
        raise error(f"Expected a number max_seconds > 0, got {max_seconds!r}. Leave it out for no limit.")
    return float(max_seconds)


@dataclass(frozen=True)
class Deadline:
    """The end of a budget of seconds, and what is left of it.

    Parameters
    ----------
    max_seconds : float, optional
        Without it the time never ends.
    started : float
        When the budget began, by `now`.
    """

    max_seconds: float | None
    started: float

    @classmethod
    def start(cls, max_seconds: Any = None, error: type[PLNetError] = EngineError) -> Deadline:
        """Begin a budget now; raise `error` if it is no positive number."""
        return cls(check_seconds(max_seconds, error), now())

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return now() - self.started

    @property
    def passed(self) -> bool:
        """Whether the time is up. It looks at the clock also where there is no limit."""
        seconds = self.seconds
        return self.max_seconds is not None and seconds >= self.max_seconds

    def check(self) -> None:
        """Raise `TimeIsUpError` if the time is up."""
        if self.passed:
            raise TimeIsUpError

    def left(self, share: float = 1.0) -> float | None:
        """Return a share of the seconds left, more than 0; None without a limit."""
        if self.max_seconds is None:
            return None
        return max(_SHORTEST, share * (self.max_seconds - self.seconds))
