"""Files: written atomically, and read without trust; no pickle is ever written or read.

This module lies below every room. A reader looks at what a file announces before it unpacks anything: only
arrays that are asked for are read, and only where their type, their shape and the size of the file agree.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from plnet.errors import FileFormatError, OutputError, PLNetError

__all__ = [
    "DEFLATE_RATIO",
    "FULL_DISK",
    "StoredArrays",
    "no_room_in_words",
    "open_arrays",
    "open_npz",
    "read_json",
    "reading",
    "require_types",
    "sound_archive",
    "write_arrays",
    "write_atomically",
    "wrong_format",
]

DEFLATE_RATIO = 1032
"""A deflated byte stands for at most so many bytes; whatever announces more is no honest file."""

FULL_DISK = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
"""Numbers of the errors that mean: there is no room for this file."""

_LONGEST_HEADER = 1 << 28
_REMEDY = "It may be damaged, half-written or of another program; make it again."


def write_arrays(path: str | Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays and a JSON header to an npz file, atomically.

    Parameters
    ----------
    path : str or Path
        ``.npz`` is appended if it is missing.
    header : dict
        With the keys "format" and "schema".
    arrays : dict of ndarray

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    OutputError
        If the file cannot be written, or the header is longer than `open_arrays` reads.
    """
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    text = json.dumps(header).encode()
    if len(text) > _LONGEST_HEADER:
        raise OutputError(
            f"Cannot write {target}: its header has {len(text)} bytes, at most {_LONGEST_HEADER} can be read."
        )
    with write_atomically(target) as handle:
        packed = np.frombuffer(text, dtype=np.uint8)
        np.savez_compressed(handle, allow_pickle=False, header=packed, **arrays)
    return target


@contextmanager
def open_arrays(
    path: str | Path, kind: str, schema: int
) -> Iterator[tuple[dict[str, Any], Mapping[str, np.ndarray]]]:
    """Open what `write_arrays` wrote: the header, and arrays that are read when they are asked for.

    Parameters
    ----------
    path : str or Path
    kind : str
        The format that is expected.
    schema : int
        The newest schema that the caller understands.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt, of another format or of a newer schema; also for whatever is raised
        inside of the context, because there the content of the file is taken for what it should be.
    """
    source = Path(path)
    if not source.exists() and source.suffix != ".npz":
        source = source.with_name(source.name + ".npz")
    with open_npz(source, f"{kind} file") as arrays:
        if arrays.size_of("header") > _LONGEST_HEADER:
            raise FileFormatError(f"its header is longer than {_LONGEST_HEADER} bytes")
        header = _parsed(arrays["header"].tobytes())
        problem = wrong_format(source, header, kind, schema)
        if not problem:
            yield header, arrays
            return
    raise FileFormatError(problem)


@contextmanager
def open_npz(
    path: Path, kind: str = "npz file", remedy: str = _REMEDY, missing: str = ""
) -> Iterator[StoredArrays]:
    """Open an npz file whose arrays are read when they are asked for; the rest as in `reading`."""
    with reading(path, kind, remedy, missing), path.open("rb") as handle:
        if handle.read(6) == b"\x93NUMPY":
            raise FileFormatError("it holds a single array")
        with sound_archive(handle) as archive:
            arrays = StoredArrays(archive)
            if archive.namelist() and not arrays:
                raise FileFormatError("it is a zip archive without arrays")
            yield arrays


class StoredArrays(Mapping[str, np.ndarray]):
    """The arrays of an open npz file by their names; each is checked and read when it is asked for.

    Parameters
    ----------
    archive : ZipFile
        As `sound_archive` gives it.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = (name for name in archive.namelist() if name.endswith(".npy"))
        self._members = {name.removesuffix(".npy"): name for name in names}

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def size_of(self, name: str) -> int:
        """Return the number of bytes that an array announces, with its own header."""
        return self._archive.getinfo(self._members[name]).file_size

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one array.

        Raises
        ------
        FileFormatError
            If its shape does not fit the size of the file.
        ValueError
            If it holds objects of Python.
        """
        with self._archive.open(self._members[name]) as stream:
            shape, dtype = _announced(stream, name)
            found, wanted = self.size_of(name) - stream.tell(), dtype.itemsize
            for length in shape:
                wanted *= length
        if wanted != found or not dtype.itemsize:
            raise FileFormatError(f"the array {name} announces the shape {shape} and has {found} bytes")
        with self._archive.open(self._members[name]) as stream:
            # Never with pickle: reading data must not run a program.
            return np.lib.format.read_array(stream, allow_pickle=False)


def _announced(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in formats:
        raise FileFormatError(f"the array {name} has the unknown format {version}")
    shape, _, dtype = formats[version](stream)
    return shape, dtype


def sound_archive(handle: IO[bytes]) -> zipfile.ZipFile:
    """Return a zip archive of which no member announces more than the file can hold.

    Raises
    ------
    FileFormatError
        If one does, or is packed in a way in which neither numpy nor torch packs.
    """
    size = handle.seek(0, os.SEEK_END)
    archive = zipfile.ZipFile(handle)
    for member in archive.infolist():
        ratio = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_RATIO}.get(member.compress_type, 0)
        if member.file_size > ratio * member.compress_size or member.compress_size > size:
            raise FileFormatError(f"its member {member.filename} announces {member.file_size} bytes")
    return archive


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    FileFormatError
        If it is no JSON, or nested so deeply or so large that it cannot be taken in.
    OSError
        If it cannot be opened.
    """
    return _parsed(path.read_bytes())


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise FileFormatError(f"no JSON that can be read: {_reason(error)}") from error


@contextmanager
def reading(path: Path, kind: str, remedy: str = _REMEDY, missing: str = "") -> Iterator[None]:
    """Turn whatever the content of a damaged or hostile file raises into one `FileFormatError`.

    Parameters
    ----------
    path : Path
        For the message.
    kind : str
        What the file should be.
    remedy : str
        What to do about a file that is something else.
    missing : str
        What to do where there is no file.

    Raises
    ------
    FileFormatError
        Names the file and the reason.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise FileFormatError(f"No file {path}. {missing}".rstrip()) from error
    # Parsers of damaged bytes raise anything, down to NotImplementedError and struct.error.
    except Exception as error:
        raise FileFormatError(f"{path} is not a readable {kind} ({_reason(error)}). {remedy}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, PLNetError):
        return str(error).rstrip(".")
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return f"{type(error).__name__}: {error}"


def wrong_format(path: Path, header: Any, kind: str, newest: int, oldest: int = 1) -> str:
    """Return what is wrong with the format and schema that a header names; an empty text if nothing is."""
    found, version = header["format"], header["schema"]
    if found != kind:
        return f"{path} is a {found} file, expected {kind}."
    if not isinstance(version, int) or isinstance(version, bool):
        return f"{path} is damaged: its schema is {version!r}, no whole number. Make it again."
    if not oldest <= version <= newest:
        known = f"schema {newest}" if oldest == newest else f"schemas {oldest} to {newest}"
        what = "Update plnet." if version > newest else "Make the file again."
        return f"{path} has schema {version}, this version of plnet reads {known}. {what}"
    return ""


def require_types(header: Mapping[str, Any], types: Mapping[str, Any]) -> None:
    """Raise `FileFormatError` if an entry is missing or of another type; a truth value is no number."""
    for key, kind in types.items():
        value = header[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise FileFormatError(f"its {key} is {value!r}")


class write_atomically:
    """Open a file that appears under its name only when it was written whole.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        If the folder is missing or read-only, the disk is full, or files may not be so large.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            self._temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
            # Not a file of `tempfile`: those can be read by their owner only.
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise _output_error(self._path, error) from error
        self._handle = os.fdopen(descriptor, "wb")
        return self._handle

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self._handle.close()
            if kind is None:
                self._temporary.replace(self._path)
                return
        except OSError as close_error:
            error = error or close_error
        self._temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _output_error(self._path, error) from error


def no_room_in_words(error: OSError) -> tuple[str, str]:
    """Return what has no room, and what to do, for an error with a number of `FULL_DISK`."""
    if error.errno == errno.EFBIG:
        return "a file would be larger than files may be here", "Raise the limit (ulimit -f)"
    return "the disk is full", "Make room"


def _output_error(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or error
    if error.errno in FULL_DISK:
        what, remedy = no_room_in_words(error)
        return OutputError(f"Cannot write {path}: {what} ({reason}). {remedy}, or choose another folder.")
    return OutputError(f"Cannot write {path}: {reason}. Choose another folder, or make room.")
