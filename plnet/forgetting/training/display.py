"""A progress bar for the training of many members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from plnet.progress import check_progress, open_bar

__all__ = ["Show", "display"]

Show: TypeAlias = Callable[[int, str], None]


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

        def report(steps: int, _: str) -> None:
            nonlocal done
            done += steps
            progress(done, total)

        yield report
        return
    bar = open_bar(progress, "epochs", total)
    if bar is None:
        yield lambda *_: None
        return
    with bar:

        def show(steps: int, text: str) -> None:
            bar.set_description_str(text, refresh=False)
            bar.update(steps)

        yield show
