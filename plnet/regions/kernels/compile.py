"""Compilation of kernels: cached on disk, without the global lock, never parallel.

numba keeps a compiled function until the file that defines it changes, and does not see
changes of the functions it calls. So a hash of all files that a kernel is made of is part of its name.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba.core import config, event

__all__ = ["compiled", "compiled_inline", "compiled_inner", "on_compilation"]

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # The error bounds hold for any order of a sum and with fused products; NaN must stay NaN.
    "fastmath": {"contract", "reassoc", "nsz"},
    # The kernels allocate nothing; counting references to their arrays would cost more than the work.
    "_nrt": False,
}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel with numba on its first call, and keep the result on disk."""
    return _compile(function, _OPTIONS)


def compiled_inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only kernels call."""
    return _compile(function, {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True})


def compiled_inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that is copied into its callers; a call would pass every array by value."""
    return _compile(
        function, {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
    )


@contextmanager
def on_compilation(note: Callable[[], object]) -> Iterator[None]:
    """Call a function when a kernel is compiled, at most once; not when it is loaded from the disk."""
    with event.install_listener("numba:compile", _Once(note)):
        yield


class _Once(event.Listener):
    def __init__(self, note: Callable[[], object]) -> None:
        self._pending = [note]

    def on_start(self, event: event.Event) -> None:
        while self._pending:
            self._pending.pop()()

    def on_end(self, event: event.Event) -> None:
        pass


def _hash_of_sources(module: str) -> str:
    """Return a hash of the file of a kernel and of all kernel files that it imports."""
    folder, found, pending = Path(__file__).parent, set[str](), [module.rpartition(".")[2]]
    while pending:
        name = pending.pop()
        path = folder / f"{name}.py"
        if name in found or not path.exists():
            continue
        found.add(name)
        for inner, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
            pending += [inner] if inner else re.findall(r"\w+", names)
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


_IMPORT = re.compile(r"^from plnet\.regions\.kernels(?:\.(\w+))? import (.+)$", re.MULTILINE)


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    function.__qualname__ = f"{function.__qualname__}_{_hash_of_sources(function.__module__)}"
    try:
        return numba.njit(**options)(function)
    except RuntimeError:
        # Neither the package folder nor the home folder is writable.
        config.CACHE_DIR = str(Path(tempfile.gettempdir()) / "plnet-kernels")  # pyright: ignore[reportAttributeAccessIssue]
        return numba.njit(**options)(function)
