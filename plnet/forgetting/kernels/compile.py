"""Compilation of the training kernels: cached on disk, without the global lock, never parallel.

numba keeps a compiled function until the file that defines it changes, and does not see
changes of the functions it calls. So a hash of this folder is part of every kernel's name.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config

__all__ = ["compiled", "compiled_inner"]

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # Sums may be reordered and products fused; NaN stays NaN, so that divergence is seen.
    "fastmath": {"contract", "reassoc", "nsz"},
}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel with numba on its first call, and keep the result on disk."""
    return _compile(function, _OPTIONS)


def compiled_inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only kernels call."""
    return _compile(function, {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True})


def _hash_of_folder() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


_HASH = _hash_of_folder()


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    function.__qualname__ = f"{function.__qualname__}_{_HASH}"
    try:
        return numba.njit(**options)(function)
    except RuntimeError:
        # Neither the package folder nor the home folder is writable.
        config.CACHE_DIR = str(Path(tempfile.gettempdir()) / "plnet-kernels")  # pyright: ignore[reportAttributeAccessIssue]
        return numba.njit(**options)(function)
