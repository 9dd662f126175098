"""Linear programs that keep to a budget of time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linprog

from plnet.budgets import Deadline

__all__ = ["solved"]

_LONGEST = 0.9
"""Seconds for one program under a budget, so that the clock is looked at in between."""


def solved(
    cost: np.ndarray,
    limits: Any,
    right: np.ndarray,
    bounds: Any,
    deadline: Deadline | None,
    equal: tuple[np.ndarray, list[float]] = (None, None),  # type: ignore[assignment]
) -> Any:
    """Return scipy's result of ``min cost . x`` with ``limits x <= right``; None if not solved in time."""
    left = None if deadline is None else deadline.left()
    options = {} if left is None else {"time_limit": min(left, _LONGEST)}
    found = linprog(cost, limits, right, *equal, bounds=bounds, method="highs", options=options)
    return found if found.status == 0 else None
