"""What a program of plnet does at Ctrl-C while it loads, and when nobody reads its output any more."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["STOPPED", "ends_with_its_reader", "quiet_loading", "wants_tracebacks"]

STOPPED = "Stopped by Ctrl-C.\n"
_INTERRUPTED, _NO_READER = 128 + 2, 128 + 13
"""Exit codes, as a shell gives them for the signals SIGINT and SIGPIPE."""


def wants_tracebacks() -> bool:
    """Return whether errors of the user shall pass as Python tells them, with HYDRA_FULL_ERROR=1."""
    return os.environ.get("HYDRA_FULL_ERROR") == "1"


@contextmanager
def quiet_loading() -> Iterator[None]:
    """End the program with one line at Ctrl-C in the midst of its imports; with HYDRA_FULL_ERROR=1 as usual.

    Nothing is open yet, so the process ends at once. An exception would have to pass through whatever is
    imported, and not all of it lets it through.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or wants_tracebacks():
        yield  # A shell may have switched the signal off.
        return
    signal.signal(signal.SIGINT, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _stop(*_: Any) -> None:
    os.write(2, STOPPED.encode())
    os._exit(_INTERRUPTED)


@contextmanager
def ends_with_its_reader() -> Iterator[None]:
    """End the program quietly where its output is read no further, as in ``--help | head``."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _output_is_closed():
            raise
        # What is left in the buffer would be written, and fail, when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(_NO_READER) from None


def _output_is_closed() -> bool:
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
