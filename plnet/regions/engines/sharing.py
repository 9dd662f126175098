"""What engines with several threads share: one count, one budget, one way to stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Protocol

from plnet.regions.control import Control

__all__ = ["SharedWork", "Stopped", "Worker", "run_all"]


class Stopped(Exception):
    """The budget is spent, or another thread was told to stop."""


class Worker(Protocol):
    """One thread's share of the work."""

    def run(self) -> bool:
        """Return whether the work was finished."""
        ...


@dataclass(kw_only=True)
class SharedWork:
    """What the threads of one run have in common."""

    control: Control
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    count: int = 0
    fallbacks: int = 0

    def add(self, regions: int, fallbacks: int = 0) -> None:
        """Count regions that were found, and cells that were decided in rationals."""
        with self.lock:
            self.count += regions
            self.fallbacks += fallbacks

    def pause(self) -> None:
        """Report progress; leave if the work shall end."""
        with self.lock:
            spent = self.control.spent(self.count)
        if spent or self.stop.is_set():
            self.stop.set()
            raise Stopped


def run_all(workers: Sequence[Worker], stop: threading.Event) -> bool:
    """Let each worker run in a thread of its own; return whether all of them finished."""
    if len(workers) == 1:
        return workers[0].run()
    with ThreadPoolExecutor(len(workers)) as pool:
        # Each thread runs under the deadline of the caller.
        futures = [pool.submit(copy_context().run, worker.run) for worker in workers]
        try:
            # The short wait lets Ctrl-C through; after a failure the others need not go on.
            pending = set(futures)
            while pending and not any(future.exception() for future in futures if future.done()):
                pending = wait(futures, timeout=0.1, return_when=FIRST_EXCEPTION).not_done
        finally:
            stop.set()
    # All results are asked for: an exception behind a thread that was told to stop must not be lost.
    finished = [future.result() for future in futures]
    return all(finished)
