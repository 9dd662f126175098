"""Workers whose parent was killed: each ends what it is at, and then itself."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["outlives_its_parent"]

_SECONDS = 1.0


@contextmanager
def outlives_its_parent() -> Iterator[None]:
    """Let a worker go on without its parent inside, and end it outside, where nobody gives it work any more.

    A process that is no worker, as it started by itself, goes on in any case.
    """
    watch = _watch(os.getpid())
    if watch is None:
        yield
        return
    with watch.lock:
        watch.busy += 1
    try:
        yield
    finally:
        with watch.lock:
            watch.busy -= 1


@cache
def _watch(_process: int) -> _Watch | None:
    # By process id, because a forked child inherits the answer and not the thread.
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None or os.name == "nt":
        return None  # Windows does not tell that a parent is gone.
    watch = _Watch(parent.pid)
    watch.start()
    return watch


class _Watch(threading.Thread):
    """Ends this process when it is idle and its parent is gone."""

    def __init__(self, parent: int) -> None:
        super().__init__(name="watch of the parent", daemon=True)
        self.parent, self.busy, self.lock = parent, 0, threading.Lock()

    def run(self) -> None:
        while True:
            time.sleep(_SECONDS)
            with self.lock:
                if not self.busy and os.getppid() != self.parent:
                    # The main thread waits for work on a pipe and would not notice anything gentler.
                    os._exit(1)
