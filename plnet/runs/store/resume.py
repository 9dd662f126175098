"""Steps of a run that need not be repeated when a run that was cut off is started again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plnet.io import read_json
from plnet.runs.store.layout import RESUME_FILE
from plnet.runs.store.outputs import RunFolder

__all__ = ["Steps", "kept_files", "read_steps"]

_SCHEMA = 1


class Steps:
    """What a run has behind it. A step counts only when it and its files are whole on the disk.

    Parameters
    ----------
    folder : RunFolder, optional
        Without one, nothing is written down.
    steps : mapping
        As `read_steps` returns it; empty for a run from the beginning.

    Examples
    --------
    A job asks before a step, and tells behind it::

        values = steps.done("count_before")
        if values is None:
            values = ...  # the work, which writes regions_before.npz
            steps.complete("count_before", values, ["regions_before.npz"])
    """

    def __init__(self, folder: RunFolder | None, steps: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._steps = dict(steps or {})

    def __len__(self) -> int:
        return len(self._steps)

    def done(self, name: str) -> dict[str, Any] | None:
        """Return the values of a completed step, None if it has to be made."""
        step = self._steps.get(name)
        return None if step is None else dict(step["values"])

    def complete(self, name: str, values: Mapping[str, Any] | None = None, files: Iterable[str] = ()) -> None:
        """Note that a step is complete; calling it again replaces what was noted.

        Parameters
        ----------
        name : str
        values : mapping, optional
            Plain values, which `done` returns in a later attempt.
        files : iterable of str
            Files of the run folder that belong to it. A new attempt removes all others.
        """
        self._steps[name] = {"values": dict(values or {}), "files": sorted(files)}
        self._write()

    def drop(self, name: str) -> None:
        """Forget one step; its files may be removed then."""
        if self._steps.pop(name, None) is not None:
            self._write()

    def _write(self) -> None:
        if self._folder is not None:
            self._folder.json(RESUME_FILE, {"schema": _SCHEMA, "steps": self._steps})

    def forget(self) -> None:
        """Remove the note; a finished run needs none."""
        if self._folder is not None:
            self._folder.place(RESUME_FILE).unlink(missing_ok=True)


def read_steps(folder: Path) -> dict[str, Any]:
    """Return the completed steps of a run folder whose files are all there; what cannot be read is none."""
    try:
        content = read_json(folder / RESUME_FILE)
        if content["schema"] != _SCHEMA:
            return {}
        return {
            name: {"values": dict(step["values"]), "files": [str(file) for file in step["files"]]}
            for name, step in content["steps"].items()
            if all(folder.joinpath(file).is_file() for file in step["files"])
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def kept_files(steps: Mapping[str, Any]) -> set[str]:
    """Return the names of the files that belong to completed steps, with that of the note itself."""
    return {RESUME_FILE, *(file for step in steps.values() for file in step["files"])} if steps else set()
