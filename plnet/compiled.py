"""Compilation of kernels: cached on disk, without the global lock, never parallel.

numba keeps a compiled function until the file that defines it changes, and does not see
changes of the functions it calls. So a hash of all files that a kernel is made of is part of its name.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba.core import config, event

__all__ = ["compiled", "compiled_inline", "compiled_inner", "compiled_strict", "on_compilation"]

_STRICT: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_OPTIONS: dict[str, Any] = {
    **_STRICT,
    # The error bounds hold for any order of a sum and with fused products; NaN must stay NaN.
    "fastmath": {"contract", "reassoc", "nsz"},
    # The kernels allocate nothing; counting references to their arrays would cost more than the work.
    "_nrt": False,
}
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel with numba on its first call, and keep the result on disk.

    Sums may be reordered and products fused. It cannot allocate arrays.
    """
    return _compile(function, _OPTIONS)


def compiled_inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only kernels call."""
    return _compile(function, _INNER)


def compiled_inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that is copied into its callers; a call would pass every array by value."""
    return _compile(function, {**_INNER, "forceinline": True})


def compiled_strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function whose floating-point operations stay as they are written; it may allocate arrays."""
    return _compile(function, _STRICT)


@contextmanager
def on_compilation(note: Callable[[], object]) -> Iterator[None]:
    """Call a function when a kernel is compiled, at most once; not when it is loaded from the disk."""
    with event.install_listener("numba:compile", _Once(note)):
        yield


class _Once(event.Listener):
    def __init__(self, note: Callable[[], object]) -> None:
        self._pending = [note]

    def on_start(self, _: event.Event) -> None:
        while self._pending:
            self._pending.pop()()

    def on_end(self, _: event.Event) -> None:
        pass


_ROOT = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(r"^from (plnet[\w.]*) import (\([^)]*\)|.+)$", re.MULTILINE)


@functools.cache
def _source(module: str) -> tuple[bytes, tuple[str, ...]] | None:
    """Return the text of a module of plnet and the modules that it may import; None for what is no file."""
    path = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        return None
    text = path.read_bytes()
    imports = [
        [home, *(f"{home}.{name}" for name in re.findall(r"\w+", names))]
        for home, names in _IMPORT.findall(text.decode("utf-8"))
    ]
    return text, tuple(name for names in imports for name in names)


@functools.cache
def _sources(module: str) -> frozenset[str]:
    """Return a module of plnet and all modules that it imports, directly or not."""
    found, pending = set[str](), [module]
    while pending:
        name = pending.pop()
        source = _source(name) if name not in found else None
        if source is not None:
            found.add(name)
            pending += source[1]
    return frozenset(found)


@functools.cache
def _hash_of_sources(module: str) -> str:
    """Return a hash of the file of a kernel and of all files of plnet that it imports."""
    digest = hashlib.sha256()
    for name in sorted(_sources(module)):
        source = _source(name)
        digest.update(name.encode() + b"\0" + (source[0] if source else b""))
    return digest.hexdigest()[:12]


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    function.__qualname__ = f"{function.__qualname__}_{_hash_of_sources(function.__module__)}"
    try:
        return numba.njit(**options)(function)
    except RuntimeError:
        # Neither the package folder nor the home folder is writable.
        config.CACHE_DIR = str(Path(tempfile.gettempdir()) / "plnet-kernels")  # pyright: ignore[reportAttributeAccessIssue]
        return numba.njit(**options)(function)
