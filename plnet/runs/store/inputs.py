"""What a run reads besides its configuration: files, and code of the user. Their content decides the key."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from plnet.errors import ConfigError
from plnet.runs.config.user_code import source_digest

__all__ = ["code_digests", "file_digest", "input_digests", "with_inputs"]

_DIGEST = "sha256"


def with_inputs(
    part: Mapping[str, Any], files: Iterable[str] = (), user_code: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a configuration whose entries that name a file or code hold the digest of its content.

    Parameters
    ----------
    part : mapping
        Plain values.
    files : iterable of str
        Dotted names of entries that name a file. Only its content counts, not its place.
    user_code : iterable of str
        Dotted names of entries ``module:attribute``. The name counts, and the file of the module.

    Returns
    -------
    dict
        Entries that are not there, and files that cannot be read, are as before: the job says what is wrong
        with a file better than can be said here.

    Notes
    -----
    Every file is read once.
    """
    whole = dict(part)
    for name in files:
        whole = _replaced(whole, name.split("."), _file_entry)
    for name in user_code:
        whole = _replaced(whole, name.split("."), _code_entry)
    return whole


def input_digests(part: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return the digests that `with_inputs` put into a configuration, by the dotted names of the entries."""
    found = {}
    for name in names:
        entry: Any = part
        for word in name.split("."):
            entry = entry.get(word) if isinstance(entry, Mapping) else None
        digest = entry.get(_DIGEST) if isinstance(entry, Mapping) else None
        if isinstance(digest, str):
            found[name] = digest
    return found


def code_digests(function: Callable[..., Any], files: Iterable[str | Path] | None = None) -> dict[str, str]:
    """Return the SHA-256 of files with code by their names.

    Parameters
    ----------
    function : callable
    files : iterable of str or Path, optional
        By default the file in which the function is written, unless it is part of plnet. Where there is no
        file, as in a notebook, the text of the function; nothing if there is none either.

    Raises
    ------
    ConfigError
        If a file cannot be read.
    """
    if files is not None:
        return {Path(file).name: _required_digest(Path(file).absolute()) for file in files}
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    if not inspect.isroutine(function):
        function = type(function)  # An object that can be called.
    if str(getattr(function, "__module__", "")).partition(".")[0] == "plnet":
        return {}
    with contextlib.suppress(TypeError, OSError):
        source = Path(inspect.getfile(function)).absolute()
        if source.is_file():
            return {source.name: _required_digest(source)}
        text = inspect.getsource(function)
        return {function.__name__: hashlib.sha256(text.encode()).hexdigest()}
    return {}


@functools.cache
def _required_digest(path: Path) -> str:
    """Return the digest of a file at the first time that it is asked for: what this process has imported."""
    digest = file_digest(path)
    if digest is None:
        raise ConfigError(f"The file {path}, which is named as code of a job, cannot be read.")
    return digest


def file_digest(path: str | Path) -> str | None:
    """Return the SHA-256 of a file; None if it cannot be read."""
    try:
        with Path(path).expanduser().open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except (OSError, RuntimeError, ValueError):
        return None


def _file_entry(path: str) -> Any:
    digest = file_digest(path)
    return path if digest is None else {_DIGEST: digest}


def _code_entry(name: str) -> Any:
    return {"name": name, _DIGEST: source_digest(name)}


def _replaced(part: Mapping[str, Any], names: list[str], entry_of: Callable[[str], Any]) -> dict[str, Any]:
    first, *rest = names
    whole, entry = dict(part), part.get(first)
    if rest and isinstance(entry, Mapping):
        whole[first] = _replaced(entry, rest, entry_of)
    elif not rest and isinstance(entry, str):
        whole[first] = entry_of(entry)
    return whole
