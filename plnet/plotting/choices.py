"""One way to refuse a misspelt word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plnet.checks import close_matches
from plnet.errors import ConfigError

__all__ = ["check_choice"]


def check_choice(what: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the choices.

    Raises
    ------
    ConfigError
        With the closest and all admissible values.
    """
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    close = close_matches(str(value), known)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"Expected {what} to be one of {', '.join(map(repr, known))}, got {value!r}.{hint}")
