"""The state of a training between two epochs, from which it goes on as if nothing had happened."""

from __future__ import annotations

import logging
import time
from typing import Any

from plnet.errors import FileFormatError
from plnet.networks.stored import read_tensors
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps

__all__ = ["TrainingCheckpoint"]

logger = logging.getLogger(__name__)

_STEP, _FILE = "training_state", "training_state.pt"


class TrainingCheckpoint:
    """Keeps the newest state of a training in a run folder, and gives it back to a later attempt.

    Parameters
    ----------
    folder : RunFolder
    steps : Steps
    every_seconds : float
        Shortest time between two states; what is lost when a run is killed is no more.
    """

    def __init__(self, folder: RunFolder, steps: Steps, every_seconds: float = 15.0) -> None:
        self._folder, self._steps, self._every = folder, steps, every_seconds
        self._last = time.perf_counter()

    def load(self) -> dict[str, Any] | None:
        """Return the stored state; None if there is none that can be read."""
        if self._steps.done(_STEP) is None:
            return None
        try:
            state = read_tensors(self._folder.path / _FILE, "state of a training", "It is made again.")
        except FileFormatError as error:
            logger.warning("the training begins anew: %s", error)
            return None
        return state if isinstance(state, dict) else None

    def due(self) -> bool:
        """Return whether it is time for the next state."""
        return time.perf_counter() - self._last >= self._every

    def save(self, state: dict[str, Any]) -> None:
        """Write a state of tensors, numbers, lists and dicts."""
        self._folder.state_dict(_FILE, state)
        if self._steps.done(_STEP) is None:
            self._steps.complete(_STEP, files=[_FILE])
        self._last = time.perf_counter()

    def remove(self) -> None:
        """Remove the state; a completed training needs none."""
        if self._steps.done(_STEP) is not None:
            self._steps.drop(_STEP)
            self._folder.place(_FILE).unlink(missing_ok=True)
