"""Checks of the settings of methods, with messages for people."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from plnet.errors import ConfigError

__all__ = ["check_count", "check_number"]


def check_number(
    method: str, name: str, value: Any, *, positive: bool = False, most: float = math.inf
) -> None:
    """Raise `ConfigError` unless a setting is a finite number, at least 0 (or above it), at most `most`."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if number and math.isfinite(value) and value <= most and (value > 0 if positive else value >= 0):
        return
    low = "above 0" if positive else "0 or above"
    high = "" if math.isinf(most) else f" and at most {most:g}"
    raise ConfigError(f"Expected {name} of the method {method!r} to be a number {low}{high}, got {value!r}.")


def check_count(method: str, name: str, value: Any, *, least: int = 0) -> None:
    """Raise `ConfigError` unless a setting is an integer, at least `least`."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
        return
    raise ConfigError(
        f"Expected {name} of the method {method!r} to be an integer, at least {least}, got {value!r}."
    )
