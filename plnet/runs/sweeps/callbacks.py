"""Callbacks of Hydra."""

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from plnet.runs.config.user_errors import errors_end_the_launch
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
    remedy = "Choose another one with paths.outputs=... (paths.multirun=... for a sweep)."
    with errors_end_the_launch():
        require_writable(make_folder(folder, remedy))
