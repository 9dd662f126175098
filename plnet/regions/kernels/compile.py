"""Compilation of kernels: cached on disk, without the global lock, never parallel.

numba keeps a compiled function until the file that defines it changes, and does not see
changes of the functions it calls. So a hash of all kernel files is part of every name.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config

__all__ = ["compiled", "compiled_inline", "compiled_inner"]

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


def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


_SOURCES = _hash_of_sources()


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    function.__qualname__ = f"{function.__qualname__}_{_SOURCES}"
    try:
        return numba.njit(**options)(function)
    except RuntimeError:
        # Neither the package folder nor the home folder is writable.
        config.CACHE_DIR = str(Path(tempfile.gettempdir()) / "plnet-kernels")  # pyright: ignore[reportAttributeAccessIssue]
        return numba.njit(**options)(function)
