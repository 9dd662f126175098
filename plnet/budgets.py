"""Budgets of time: the one clock that every long computation looks at.

A verb with ``max_seconds`` starts a `Deadline` and runs its body in `Deadline.running`. A loop that can take
a second asks `Deadline.passed`, and ends with what it has; or it calls `look`, which raises `TimeIsUpError`,
and the verb returns what is known, or says in words what is missing (`time_limit`). `look` finds the deadline
of the verb that runs by itself: exact arithmetic and properties of results have no place for an argument.
It is a variable of the context, so that threads do not see each other's; work for other threads takes it
along with `contextvars.copy_context`. All looks go through `now`, so that a test can count them and the time
between two.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from plnet.errors import EngineError, IncompleteResultError, PLNetError

__all__ = [
    "STOPS",
    "Deadline",
    "Pace",
    "TimeIsUpError",
    "check_seconds",
    "look",
    "name_of",
    "now",
    "time_limit",
]

_SHORTEST = 1e-3
"""Seconds that a part of a spent budget still gets, because a budget of 0 is refused."""


def now() -> float:
    """Return the time in seconds, from an arbitrary start."""
    return time.perf_counter()


class TimeIsUpError(Exception):
    """A budget of seconds is spent: a signal inside the library, which no user meets."""


STOPS = (TimeIsUpError, KeyboardInterrupt)
"""What ends a loop early from outside; what was found until then is kept."""


def name_of(stop: BaseException) -> str:
    """Return the word for one of `STOPS` in ``stopped_by`` of a result: "max_seconds" or "Ctrl-C"."""
    return "Ctrl-C" if isinstance(stop, KeyboardInterrupt) else "max_seconds"


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
        """Begin a budget now, within the one that runs; raise `error` if it is no positive number."""
        own, outer = check_seconds(max_seconds, error), _RUNNING.get()
        left = None if outer is None else outer.left()
        return cls(min((limit for limit in (own, left) if limit is not None), default=None), now())

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

    @contextmanager
    def running(self) -> Iterator[Deadline]:
        """Make this the deadline that `look` asks, as long as the block runs."""
        token = _RUNNING.set(self)
        try:
            yield self
        finally:
            _RUNNING.reset(token)


_RUNNING: ContextVar[Deadline | None] = ContextVar("plnet_deadline", default=None)


def look() -> None:
    """Look at the clock: raise `TimeIsUpError` if the budget of the verb that runs is spent."""
    deadline = _RUNNING.get()
    if deadline is not None:
        deadline.check()


@contextmanager
def time_limit(max_seconds: float | None, what: str = "the result") -> Iterator[Deadline]:
    """Limit the time of a block whose result is whole or nothing.

    Every exact computation of plnet inside the block looks at the clock, also the properties of a
    `RegionComplex`, which take no arguments.

    Parameters
    ----------
    max_seconds : float, optional
        Without it only a limit around this one counts.
    what : str
        What is missing if the time is up, for the message.

    Raises
    ------
    IncompleteResultError
        If the time is up first.

    Examples
    --------
    >>> import plnet
    >>> from plnet.budgets import time_limit
    >>> from plnet.networks import mlp
    >>> regions = plnet.enumerate_regions(mlp([2, 4, 1]), plnet.Box(-1, 1))
    >>> with time_limit(60, "the volumes"):
    ...     float(round(regions.volumes.sum(), 9))
    4.0
    """
    outer = _RUNNING.get()
    deadline = Deadline.start(max_seconds)
    try:
        with deadline.running():
            yield deadline
    except TimeIsUpError:
        if max_seconds is None or (outer is not None and outer.passed):
            raise
        raise IncompleteResultError(
            f"The time ended before {what} could be given: {max_seconds:g} s were not enough. "
            "Raise max_seconds, or take a smaller domain."
        ) from None


class Pace:
    """How much work to do between two looks at the clock, so that they are about a tenth of a second apart.

    Parameters
    ----------
    most : int
        Never more than this.
    first : int
        What is tried first.
    """

    _SECONDS = 0.1

    def __init__(self, most: int, first: int) -> None:
        self._most, self.work, self._last = most, max(1, first), now()

    def start(self) -> int:
        """Return how much to do next."""
        self._last = now()
        return self.work

    def done(self) -> None:
        """Learn from how long it took."""
        seconds = now() - self._last
        if 2 * seconds < self._SECONDS:
            self.work = min(self._most, 2 * self.work)
        elif seconds > 2 * self._SECONDS:
            self.work = max(1, int(self.work * self._SECONDS / seconds))
