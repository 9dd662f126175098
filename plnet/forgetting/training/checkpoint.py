"""The state of a training between two tasks, in a file, from which it goes on as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from plnet.errors import FileFormatError
from plnet.networks.stored import read_tensors, write_tensors

__all__ = ["Checkpoint", "FileCheckpoint", "as_checkpoint"]


class Checkpoint(Protocol):
    """Keeps one state: tensors, numbers, texts, lists and dicts of them."""

    def load(self) -> dict[str, Any] | None:
        """Return the state that was saved last; None if there is none."""
        ...

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state; after a kill, either the old or the new one is there, whole."""
        ...


class FileCheckpoint:
    """Keeps the state of a training in one file.

    Parameters
    ----------
    path : str or Path
        Written atomically; removed by nobody.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()

    def load(self) -> dict[str, Any] | None:
        """Return the stored state; None if there is no file.

        Raises
        ------
        FileFormatError
            If the file is damaged or something else.
        """
        if not self.path.exists():
            return None
        remedy = "Remove it to begin anew, or give another path."
        state = read_tensors(self.path, "checkpoint", remedy)
        if not isinstance(state, dict):
            raise FileFormatError(
                f"{self.path} holds {type(state).__name__}, not a checkpoint of a training."
            )
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Write a state.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        write_tensors(self.path, state)


def as_checkpoint(given: Any) -> Checkpoint | None:
    """Return a checkpoint from a path, or what already is one."""
    if given is None or hasattr(given, "load"):
        return given
    return FileCheckpoint(given)
