"""The state of a training between two tasks, in a file, from which it goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
from pathlib import Path
from typing import IO, Any, Protocol

import torch

from plnet.errors import FileFormatError, OutputError

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
        try:
            if not _is_whole(self.path):
                raise ValueError("it is damaged, or of an older version")
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
            raise FileFormatError(
                f"{self.path} is no checkpoint that can be read ({error or type(error).__name__}). Remove it "
                "to begin anew, or give another path."
            ) from error
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
        name = None
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name, suffix=".tmp")
            with os.fdopen(handle, "w+b") as file:
                torch.save(state, file)
                # Torch does not look at the check sums of its format, and would read damaged numbers.
                file.write(_digest(file, file.tell()))
            Path(name).replace(self.path)
        except OSError as error:
            raise OutputError(f"The checkpoint {self.path} cannot be written ({error}).") from error
        finally:
            if name is not None:
                with contextlib.suppress(OSError):
                    Path(name).unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    """Return whether a file ends with the digest of what is before."""
    size = path.stat().st_size - hashlib.sha256().digest_size
    with path.open("rb") as file:
        return size > 0 and _digest(file, size) == file.read()


def _digest(file: IO[bytes], size: int) -> bytes:
    """Return the digest of the first bytes of a file, and leave it behind them."""
    file.seek(0)
    found = hashlib.sha256()
    while (left := size - file.tell()) > 0:
        found.update(file.read(min(left, 2**20)))
    return found.digest()


def as_checkpoint(given: Any) -> Checkpoint | None:
    """Return a checkpoint from a path, or what already is one."""
    if given is None or hasattr(given, "load"):
        return given
    return FileCheckpoint(given)
