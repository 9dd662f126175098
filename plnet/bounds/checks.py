"""Checks of what the bounds take: dimensions, widths, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plnet.errors import NetworkError

__all__ = ["check_size", "check_sizes"]


def check_size(value: Any, what: str, least: int = 0) -> int:
    """Return an integer of at least `least`, or raise `NetworkError`."""
    if not hasattr(value, "__index__") or isinstance(value, bool) or value.__index__() < least:
        raise NetworkError(f"Expected {what} as an integer of at least {least}, got {value!r}.")
    return value.__index__()


def check_sizes(values: Sequence[Any], what: str, least: int = 0) -> list[int]:
    """Return integers of at least `least`, or raise `NetworkError`."""
    return [check_size(value, f"each entry of {what}", least) for value in values]
