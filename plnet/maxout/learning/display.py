"""How far a training is, for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plnet.progress import Progress, Report, check_progress, reporting

__all__ = ["shown_steps"]

_EVERY = 50
"""Steps between two reports."""


@contextmanager
def shown_steps(total: int, progress: Progress = "auto") -> Iterator[Report]:
    """Yield a function that takes the number of steps so far, and shows or passes on every fiftieth.

    Parameters
    ----------
    total : int
        Of all steps.
    progress : "auto", bool, None or callable
        As `plnet.progress.Progress` says.
    """
    check_progress(progress)
    with reporting(progress, "steps", total) as report:

        def tell(step: int) -> None:
            if report is not None and step % _EVERY == 0:
                report(step)

        yield tell
