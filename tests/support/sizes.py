"""Few cases among the quick tests, all the others among the slow ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def few(cases: Iterable[Any], quick: int | Callable[[Any], bool]) -> list[Any]:
    """Return the cases of a parametrised test, those that are not quick marked as slow.

    Parameters
    ----------
    cases : iterable
        Values of one parameter, or tuples of the values of several.
    quick : int or callable
        How many from the start are quick, or which ones.
    """
    chosen = []
    for number, case in enumerate(cases):
        is_quick = quick(case) if callable(quick) else number < quick
        values = case if isinstance(case, tuple) else (case,)
        chosen.append(case if is_quick else pytest.param(*values, marks=pytest.mark.slow))
    return chosen
