"""Files of `torch.save`: written atomically, and read without running anything that is in them."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import IO, Any

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
    buffer = io.BytesIO()
    torch.save(state, buffer)
    # The archive ends with the length of its comment, 0, and the comment, which no reader but ours looks at.
    content = buffer.getbuffer()[:-2]
    digest = hashlib.sha256(content).hexdigest().encode()
    with write_atomically(path) as handle:
        for part in (content, len(digest).to_bytes(2, "little"), digest):
            handle.write(part)


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
            _require_whole(handle)
        handle.seek(0)
        # weights_only: reading weights must not run a program.
        return torch.load(handle, map_location="cpu", weights_only=True)


def _require_whole(handle: IO[bytes]) -> None:
    """Raise if a byte of an archive is damaged: torch compares no checksums, and reads another number."""
    archive = sound_archive(handle)
    damaged = archive.testzip()
    if damaged is not None:
        raise FileFormatError(f"its part {damaged} is damaged")
    # Checksums are of the parts only; files of other programs have no digest of the whole.
    if archive.comment:
        size = handle.seek(0, os.SEEK_END) - len(archive.comment) - 2
        handle.seek(0)
        if hashlib.sha256(handle.read(size)).hexdigest().encode() != archive.comment:
            raise FileFormatError("it is damaged")
