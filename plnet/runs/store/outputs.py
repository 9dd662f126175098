"""The folder of a run: every file appears whole under its name, or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plnet.io import write_atomically
from plnet.runs.store.writable import require_writable

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """A folder that takes the results of one run.

    Parameters
    ----------
    path : Path
        Exists and can be written into.
    guard : callable, optional
        Called before each file; it raises if this process must not write any more.

    Raises
    ------
    OutputError
        If it does not or cannot.
    """

    path: Path
    guard: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", require_writable(self.path))

    def place(self, name: str) -> Path:
        """Return the path of a file that something else is about to write.

        Raises
        ------
        LockLostError
            If this process must not write any more.
        """
        if self.guard is not None:
            self.guard()
        return self.path / name

    def text(self, name: str, text: str) -> Path:
        """Write a text file in UTF-8."""
        with write_atomically(self.place(name)) as handle:
            handle.write(text.encode())
        return self.path / name

    def json(self, name: str, values: Mapping[str, Any]) -> Path:
        """Write a JSON file; what is not finite becomes null, because JSON has no NaN."""
        plain = {key: _plain(value) for key, value in values.items()}
        return self.text(name, json.dumps(plain, indent=2, allow_nan=False) + "\n")

    def arrays(self, name: str, **arrays: np.ndarray) -> Path:
        """Write an npz file without pickle."""
        with write_atomically(self.place(name)) as handle:
            np.savez_compressed(handle, allow_pickle=False, **arrays)
        return self.path / name

    def table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> Path:
        """Write a CSV file with one line of names."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        return self.text(name, buffer.getvalue())

    def state_dict(self, name: str, state: Mapping[str, Any]) -> Path:
        """Write the weights of a torch module."""
        # Other jobs need no torch.
        from plnet.networks.stored import write_tensors

        write_tensors(self.place(name), dict(state))
        return self.path / name


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
