"""Files of `torch.save`: written atomically, and read without running anything that is in them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from plnet.errors import FileFormatError
from plnet.io import reading, sound_archive, write_atomically

__all__ = ["read_tensors", "write_tensors"]


def write_tensors(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, texts, lists and mappings of them.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with write_atomically(path) as handle:
        try:
            torch.save(state, handle)
        except RuntimeError as error:
            # Where a write fails, torch still closes its archive, and tells only that this failed too.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def read_tensors(path: Path, kind: str, remedy: str, missing: str = "") -> Any:
    """Return tensors on the CPU, numbers, texts, lists and mappings from a file of `torch.save`.

    Parameters
    ----------
    path : Path
    kind : str
        What the file should be, for messages.
    remedy, missing : str
        What to do about a file that is something else, and where there is none.

    Raises
    ------
    FileFormatError
        If there is no file, if a byte of it is damaged, or if it holds anything else.
    """
    with reading(path, kind, remedy, missing), path.open("rb") as handle:
        if zipfile.is_zipfile(handle):
            # torch compares no checksums, and a changed bit of a weight is another network.
            damaged = sound_archive(handle).testzip()
            if damaged is not None:
                raise FileFormatError(f"its part {damaged} is damaged")
        handle.seek(0)
        # weights_only: reading weights must not run a program.
        return torch.load(handle, map_location="cpu", weights_only=True)
