"""Callbacks of Hydra."""

import os
import traceback
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from plnet.errors import OutputError
from plnet.runs.store.writable import make_folder, require_writable

__all__ = ["CheckOutputFolder"]


class CheckOutputFolder(Callback):
    """Stops with one line if the output folder cannot be made or written.

    Hydra makes the folder before the job starts, and would answer with a traceback.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Check the folder of a single run."""
        _check(config.hydra.run.dir)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Check the folder of a sweep."""
        _check(config.hydra.sweep.dir)


def _check(folder: str) -> None:
    try:
        remedy = "Choose another one with paths.outputs=... (paths.multirun=... for a sweep)."
        require_writable(make_folder(folder, remedy))
    except OutputError as error:
        full = os.environ.get("HYDRA_FULL_ERROR") == "1"
        # Hydra turns exceptions of a callback into warnings; only an exit gets through.
        raise SystemExit(traceback.format_exc() if full else str(error)) from None
