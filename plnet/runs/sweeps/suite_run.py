"""Several sweeps, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["SweepResult", "run_process", "run_sweeps"]

INTERRUPTED = 130


@dataclass(frozen=True)
class SweepResult:
    """How one sweep of a suite ended.

    Parameters
    ----------
    name : str
    code : int, optional
        Exit code of its process; None if it was not started.
    seconds : float
    """

    name: str
    code: int | None
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """Return how it ended, in plain words."""
        if self.code is None:
            return "not started"
        return {0: "finished", INTERRUPTED: "stopped"}.get(self.code, f"failed (exit code {self.code})")


def run_sweeps(
    commands: Sequence[tuple[str, Sequence[str]]],
    *,
    started: Callable[[int, str], None] | None = None,
    run: Callable[..., int] | None = None,
) -> list[SweepResult]:
    """Run commands one after the other; after a failure the next ones still run, after Ctrl-C they do not.

    Parameters
    ----------
    commands : sequence of (str, sequence of str)
        Names and command lines. No shell reads them, so nothing in them needs quotes.
    started : callable, optional
        ``started(i, name)`` is called before each.
    run : callable, optional
        In place of `run_process`.

    Returns
    -------
    list of SweepResult
        One for each command, in their order.
    """
    results: list[SweepResult] = []
    for index, (name, command) in enumerate(commands):
        if started is not None:
            started(index, name)
        start = time.perf_counter()
        try:
            code = (run or run_process)(command)
        except KeyboardInterrupt:
            code = INTERRUPTED
        results.append(SweepResult(name, code, time.perf_counter() - start))
        if code == INTERRUPTED:
            break
    return results + [SweepResult(name, None) for name, _ in commands[len(results) :]]


def run_process(command: Sequence[str]) -> int:
    """Run a command and return its exit code, as a shell gives it.

    Ctrl-C on a terminal reaches the process too, and it is given time to write what it knows; the second
    Ctrl-C kills it.

    Returns
    -------
    int
        130 after Ctrl-C, whatever the process made of it.
    """
    process = subprocess.Popen(list(command))
    interrupts = 0
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts > 1:
                process.kill()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        else:
            # A negative code is the number of a signal.
            return INTERRUPTED if interrupts or code == -2 else 128 - code if code < 0 else code
