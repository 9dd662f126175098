"""What a run reads besides its configuration: files, and code of the user. Their content decides the key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from plnet.runs.user_code import source_digest

__all__ = ["file_digest", "input_digests", "with_inputs"]

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
