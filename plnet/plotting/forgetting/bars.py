"""`plot_metric_bars`: metrics of several methods, with intervals and the replicates behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from plnet.checks import check_choice, suggest_options
from plnet.errors import ConfigError
from plnet.forgetting.metrics import METRICS
from plnet.forgetting.statistics import Estimate
from plnet.plotting.forgetting.axes import (
    ACCURACIES,
    drawing_on,
    look_of_method,
    named_results,
    with_failures,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_metric_bars"]

_GROUP = 0.8
"""Share of the axis that the bars of one metric take."""

LONGEST_SYMBOL = 10
"""Longer names of metrics take two lines."""

_LINE, _LETTER, _HANDLE = 1.5, 0.5, 3.0
"""Height of a line of text, width of a letter, and of a patch with its spaces, in sizes of the type."""

_MORE = 1.05
"""Space beyond values that leave the axis of accuracies."""

MOST_POINTS = 40
"""Above this number of replicates their points would hide the bars."""


@suggest_options
def plot_metric_bars(
    results: Any,
    metrics: Sequence[str] = ("average_accuracy", "backward_transfer_lopez_paz"),
    *,
    ax: Axes | None = None,
    part: str = "test",
    confidence: float = 0.95,
    points: bool = True,
    legend: bool = True,
) -> Axes:
    """Draw metrics as bars, one group a metric and one bar a method, with t intervals of the mean.

    Parameters
    ----------
    results : SequenceResult, sequence of them, or mapping of str to them
        Names of a mapping are printed; otherwise the methods are.
    metrics : sequence of str
        Names in ``SequenceResult.metrics()``. The axis shows the symbol that tells each from its namesakes.
        Failed replicates count, as in ``metrics()``; the name of a result says how many there are.
    ax : Axes, optional
        Where to draw; otherwise a figure of the width of a column is made.
    part : {"test", "validation"}
    confidence : float
    points : bool
        Draw each replicate as a point, up to 40 of them.
    legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    ConfigError
        If a metric is misspelt or the results have no names.
    MetricError
        If a metric does not exist for a result.
    IncompleteResultError
        If no replicate of a result has finished.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from plnet.forgetting import SequenceResult
    >>> from plnet.plotting import plot_metric_bars
    >>> first = SequenceResult([[[0.1, 0.1], [0.9, 0.2], [0.5, 0.8]]], ["a", "b"], seeds=[0])
    >>> ax = plot_metric_bars(first)
    >>> [round(float(bar.get_height()), 3) for bar in ax.patches]
    [0.65, -0.4]
    >>> plt.close(ax.figure)
    """
    named = named_results(results)
    if isinstance(metrics, str) or not metrics:
        raise ConfigError(f"Expected a list of metrics, got {metrics!r}.")
    for metric in metrics:
        check_choice("metric", metric, METRICS)
    found = {name: result.metrics(part=part, confidence=confidence) for name, result in named.items()}
    estimates = {
        with_failures(name, named[name]): [table[metric] for metric in metrics]
        for name, table in found.items()
    }
    with drawing_on(ax, ratio=0.72) as target:
        _draw(target, estimates, list(metrics), points=points, legend=legend)
    return target


def _draw(
    ax: Axes, estimates: dict[str, list[Estimate]], metrics: list[str], *, points: bool, legend: bool
) -> None:
    width = _GROUP / len(estimates)
    for place, (name, values) in enumerate(estimates.items()):
        x = np.arange(len(metrics)) + (place - (len(estimates) - 1) / 2) * width
        look = look_of_method(place)
        hollow = "markerfacecolor" in look
        ax.bar(
            x,
            [value.mean for value in values],
            width=0.9 * width,
            color="white" if hollow else look["color"],
            edgecolor=look["color"],
            alpha=1.0 if hollow else 0.75,
            label=name,
        )
        for left, value in zip(x, values, strict=True):
            _draw_interval(ax, left, value)
            if points and value.n <= MOST_POINTS:
                _draw_points(ax, left, value.values, width, look)
    ax.axhline(0, color="black", linewidth=0.5)
    ax.set_xticks(range(len(metrics)), [_broken(METRICS[metric].symbol) for metric in metrics])
    ax.tick_params(axis="x", length=0)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.set_ylabel("mean over replicates")
    _set_limits(ax)
    if legend and len(estimates) > 1:
        _legend_below(ax, list(estimates))


def _set_limits(ax: Axes) -> None:
    """End the axis where those of accuracies end, for panels side by side; below 0 where values are."""
    low, high = float(ax.dataLim.y0), float(ax.dataLim.y1)
    bottom, top = ACCURACIES
    ax.set_ylim(bottom if low >= bottom else _MORE * low, top if high <= top else _MORE * high)


def _legend_below(ax: Axes, methods: list[str]) -> None:
    """Put the legend under the names of the metrics: the place above belongs to the title."""
    names = ax.get_xticklabels()
    lines = max(name.get_text().count("\n") + 1 for name in names)
    size = float(names[0].get_fontsize())
    down = -(size * _LINE * lines + plt.rcParams["xtick.major.pad"]) / 72
    inches = ax.get_window_extent().width / ax.figure.dpi
    columns = 72 * inches / (size * (_LETTER * max(map(len, methods)) + _HANDLE))
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + ScaledTranslation(0, down, ax.figure.dpi_scale_trans),
        ncols=max(1, min(int(columns), len(methods))),
        borderaxespad=0.2,
    )


def _broken(symbol: str) -> str:
    return symbol if len(symbol) <= LONGEST_SYMBOL else symbol.replace(" ", "\n", 1)


def _draw_interval(ax: Axes, x: float, estimate: Estimate) -> None:
    if not np.isnan(estimate.low):
        ax.errorbar(
            x,
            estimate.mean,
            yerr=[[estimate.mean - estimate.low], [estimate.high - estimate.mean]],
            fmt="none",
            ecolor="black",
            elinewidth=0.8,
            capsize=1.5,
            capthick=0.8,
            zorder=4,
        )


def _draw_points(ax: Axes, x: float, values: np.ndarray, width: float, look: dict[str, Any]) -> None:
    # Side by side in the order of the seeds, so that the same figure is drawn every time.
    spread = np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(1)
    ax.plot(
        x + spread * width,
        values,
        linestyle="none",
        marker=look["marker"],
        markersize=1.5,
        markerfacecolor="white",
        markeredgecolor="black",
        markeredgewidth=0.3,
        zorder=3,
        label="_replicates",
    )
