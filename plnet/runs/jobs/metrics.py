"""The numbers of a run, and the steps by which it makes them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from plnet.runs.store.layout import METRICS_FILE
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps

__all__ = ["StepwiseRun"]

logger = logging.getLogger(__name__)


class StepwiseRun:
    """What the steps of one run share; `metrics` grows with every step and is on disk after it.

    Parameters
    ----------
    folder : RunFolder
    steps : Steps, optional
        What an earlier attempt in this folder has completed.
    metrics
        What is known before the first step.
    """

    def __init__(self, folder: RunFolder, steps: Steps | None, **metrics: Any) -> None:
        self.folder, self.steps, self.metrics = folder, Steps(None) if steps is None else steps, metrics
        self._start, self._before = time.perf_counter(), 0.0

    def seconds(self) -> float:
        """Return the wall time of this attempt, and that of the steps which it found done."""
        return self._before + time.perf_counter() - self._start

    def write(self, **values: Any) -> None:
        """Add numbers, and write all that are known."""
        self.metrics.update(values)
        self.folder.json(METRICS_FILE, self.metrics)

    def take_over(self, name: str, values: dict[str, Any], seconds: float) -> None:
        """Write what an earlier attempt has found in a step that took some seconds."""
        logger.info("%s: done by an earlier attempt", name)
        self._before += seconds
        self.write(**values)

    def step(self, name: str, make: Callable[[], dict[str, Any]], files: Sequence[str] = ()) -> None:
        """Make a step, which writes some files and returns numbers, unless an earlier attempt did."""
        values = self.steps.done(name)
        if values is not None:
            self.take_over(name, values, values[f"seconds_{name}"])
            return
        started = time.perf_counter()
        values = make() | {f"seconds_{name}": time.perf_counter() - started}
        self.write(**values)
        self.steps.complete(name, values, files)
