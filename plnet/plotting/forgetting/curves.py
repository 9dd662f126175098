"""`plot_task_curves` and `plot_seen_accuracy`: accuracies over the sequence, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from plnet.checks import suggest_options
from plnet.errors import ConfigError
from plnet.forgetting.metrics import average_accuracy_after
from plnet.forgetting.results.result import SequenceResult
from plnet.plotting.forgetting.axes import (
    ACCURACIES,
    drawing_on,
    intervals_at,
    look_of_method,
    look_of_task,
    named_results,
    short_names,
    with_failures,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_seen_accuracy", "plot_task_curves"]

_BAND = 0.2
"""Opacity of the bands of intervals."""

_RATIO = 0.68

_MARGIN = 0.02
"""Space at both ends of the time axis, so that the last markers are whole."""


@suggest_options
def plot_task_curves(
    result: SequenceResult,
    *,
    ax: Axes | None = None,
    part: str = "test",
    confidence: float = 0.95,
    legend: bool = True,
) -> Axes:
    """Draw the accuracy on each task over the sequence: one line a task, bands are t intervals of the mean.

    Where the result has curves within tasks, these are drawn, and vertical lines separate the tasks;
    otherwise points after each task. Failed replicates name the most frequent class. Lines begin where the
    task is trained; what is before is pale.

    Parameters
    ----------
    result : SequenceResult
    ax : Axes, optional
        Where to draw; otherwise a figure of the width of a column is made.
    part : {"test", "validation"}
        Curves within tasks are of the test part only.
    confidence : float
    legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    IncompleteResultError
        If no replicate has finished, or all have failed.
    """
    found = _task_values(result, part)
    with drawing_on(ax, _RATIO) as target:
        _draw_tasks(target, result, found, confidence, legend=legend)
    return target


def _draw_tasks(
    ax: Axes,
    result: SequenceResult,
    found: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    confidence: float,
    *,
    legend: bool,
) -> None:
    values, moments, learned, ends = found
    for task, name in enumerate(short_names(result.task_names)):
        look = look_of_task(task, result.n_tasks)
        known = ~np.isnan(values[:, :, task]).any(axis=0)
        x = moments[known]
        mean, low, high = intervals_at(values[:, known, task], confidence)
        after = x >= learned[task]
        early = x <= (x[after][0] if after.any() else np.inf)
        at_ends = np.flatnonzero(np.isin(x[after], ends[task:])).tolist()
        ax.plot(x[early], mean[early], color=look["color"], linewidth=0.5, alpha=0.5, label="_before")
        ax.plot(x[after], mean[after], **look, markevery=at_ends, label=name)
        ax.fill_between(x[after], low[after], high[after], color=look["color"], alpha=_BAND, linewidth=0)
    for end in ends[:-1]:
        ax.axvline(end, color="0.8", linewidth=0.5, zorder=0)
    ax.set(xlabel="tasks trained", ylabel="accuracy", ylim=ACCURACIES)
    ax.set_xlim(-_MARGIN * result.n_tasks, (1 + _MARGIN) * result.n_tasks)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if legend:
        ax.legend(title="task", loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2)


@suggest_options
def plot_seen_accuracy(
    results: Any,
    *,
    ax: Axes | None = None,
    part: str = "test",
    confidence: float = 0.95,
    legend: bool = True,
) -> Axes:
    """Draw A_k, the mean accuracy on the tasks seen so far, over the sequence: one line a method.

    Parameters
    ----------
    results : SequenceResult, sequence of them, or mapping of str to them
        Names of a mapping are printed; otherwise the methods are.
    ax : Axes, optional
        Where to draw; otherwise a figure of the width of a column is made.
    part : {"test", "validation"}
    confidence : float
        Of the t intervals.
    legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    IncompleteResultError
        If no replicate of a result has finished, or all have failed.
    ConfigError
        If the results have no names or different numbers of tasks.
    """
    named = named_results(results)
    lengths = {name: found.n_tasks for name, found in named.items()}
    if len(set(lengths.values())) > 1:
        raise ConfigError(f"Expected results with equal numbers of tasks, got {lengths}.")
    values = {
        with_failures(name, found): average_accuracy_after(found.counted_accuracy(part))
        for name, found in named.items()
    }
    with drawing_on(ax, _RATIO) as target:
        _draw_methods(target, values, confidence, legend=legend)
    return target


def _draw_methods(ax: Axes, values: dict[str, np.ndarray], confidence: float, *, legend: bool) -> None:
    for place, (name, found) in enumerate(values.items()):
        look = look_of_method(place)
        mean, low, high = intervals_at(found, confidence)
        tasks = np.arange(1, len(mean) + 1)
        ax.plot(tasks, mean, **look, label=name)
        ax.fill_between(tasks, low, high, color=look["color"], alpha=_BAND, linewidth=0)
    ax.set(xlabel="tasks trained", ylabel="mean accuracy on tasks seen", ylim=ACCURACIES)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if legend and len(values) > 1:
        ax.legend(loc="best")


def _task_values(result: SequenceResult, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return accuracies (n, P, T), their moments (P,), when each task begins (T,), when each ends (T,).

    Time is counted in tasks; within a task it runs with the epochs.
    """
    ends = np.arange(1, result.n_tasks + 1, dtype=float)
    if result.curves is None or part != "test":
        values = result.counted_accuracy(part)
        return values, np.arange(result.n_tasks + 1.0), ends, ends
    result.counted_accuracy(part)
    curves = result.counted_curves()
    last = np.array([curves.epoch[curves.task == task].max(initial=0) for task in range(result.n_tasks + 1)])
    share = curves.epoch / np.where(last > 0, last, 1)[curves.task]
    moments = np.where(curves.task > 0, curves.task - 1 + share, 0.0)
    return curves.accuracy, moments, ends - 1, ends
