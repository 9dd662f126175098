"""What the figures of sequences of tasks share: axes, results by name, intervals at each place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps

from plnet.errors import ConfigError
from plnet.forgetting.results.result import SequenceResult
from plnet.plotting.palettes import CATEGORIES, MARKERS
from plnet.plotting.styles import style
from plnet.statistics import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "ACCURACIES",
    "drawing_on",
    "intervals_at",
    "look_of_method",
    "look_of_task",
    "named_results",
    "short_names",
    "with_failures",
]

ACCURACIES = (0.0, 1.02)
"""Limits of every axis of accuracies, so that panels side by side can be compared."""

_DARKEST, _LIGHTEST = 0.0, 0.85
"""Part of the colour map for tasks; its end is too light for lines on white."""


@contextmanager
def drawing_on(ax: Axes | None, ratio: float) -> Iterator[Axes]:
    """Give the axes of the caller with the settings of the caller, or new ones in the style of a column.

    Everything must be drawn inside the ``with`` statement, because type sizes are read when a text is made.
    """
    if ax is not None:
        yield ax
        return
    with style(ratio=ratio):
        yield plt.subplots()[1]


def named_results(results: Any) -> dict[str, SequenceResult]:
    """Return results by the name to print; those given without names are named by their method.

    Raises
    ------
    ConfigError
        If there is no result, something else is among them, or two have one name.
    """
    if isinstance(results, SequenceResult):
        results = [results]
    if isinstance(results, Mapping):
        named = dict(results)
    elif isinstance(results, Sequence) and all(isinstance(found, SequenceResult) for found in results):
        named = {found.method: found for found in results}
        if len(named) < len(results):
            raise ConfigError(
                "Two results have the same method. Name them: {'ewc, strength 10': first, ...}."
            )
    else:
        raise ConfigError(f"Expected results of train_sequence, got {type(results).__name__}.")
    if not named or not all(isinstance(found, SequenceResult) for found in named.values()):
        raise ConfigError("Expected at least one result of train_sequence, and nothing else.")
    return named


def intervals_at(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, low and high of the t interval of each column of (n, P); the mean where there is none."""
    found = [mean_interval(column, confidence=confidence, scale=1.0) for column in values.T]
    mean = np.array([estimate.mean for estimate in found])
    low = np.array([estimate.low for estimate in found])
    high = np.array([estimate.high for estimate in found])
    return mean, np.where(np.isnan(low), mean, low), np.where(np.isnan(high), mean, high)


def look_of_task(place: int, tasks: int) -> dict[str, Any]:
    """Return colour and marker of a task; dark is early, so the order shows also in grey."""
    share = place / max(tasks - 1, 1)
    color = colormaps["viridis"](_DARKEST + share * (_LIGHTEST - _DARKEST))
    return {"color": color, "marker": MARKERS[place % len(MARKERS)]}


def look_of_method(place: int) -> dict[str, Any]:
    """Return colour and marker of a method; both repeat together only after 7 methods, then hollow."""
    look = {"color": CATEGORIES[place % len(CATEGORIES)], "marker": MARKERS[place % len(MARKERS)]}
    if place >= len(CATEGORIES):
        look["markerfacecolor"] = "white"
    return look


def short_names(names: Sequence[str], longest: int = 12) -> list[str]:
    """Return names of tasks for an axis, or their numbers where a name is too long for it."""
    if max(map(len, names), default=0) <= longest:
        return list(names)
    return [str(place) for place in range(1, len(names) + 1)]


def with_failures(name: str, result: SequenceResult) -> str:
    """Return the name of a result with the number of its failed replicates, if there are any."""
    failed = int(result.failed.sum())
    return f"{name} ({failed} of {result.n_replicates} failed)" if failed else name
