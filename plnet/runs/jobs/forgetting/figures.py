"""The figures of ``run_forgetting.py``: accuracy matrix, curves over the sequence, bars of metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plnet.forgetting.results.result import SequenceResult
from plnet.plotting import (
    panels,
    plot_accuracy_matrix,
    plot_metric_bars,
    plot_task_curves,
    save_figure,
    style,
)
from plnet.runs.config.options import PlotOptions
from plnet.runs.jobs.forgetting.report import FIGURE, PANELS, RESULT_FILE
from plnet.runs.jobs.reports import remove_other_figures
from plnet.runs.store.outputs import RunFolder

__all__ = ["draw_forgetting", "redraw_forgetting"]

# None is far below 0, so that bars and curves can have one axis.
_BARS = ("average_accuracy", "learning_accuracy", "forgetting_chaudhry")


def draw_forgetting(folder: RunFolder, result: SequenceResult, plot: PlotOptions) -> tuple[Path, ...]:
    """Draw a result: three panels side by side in a full column, or a figure each in half a column.

    Returns
    -------
    tuple of Path
        The files; none where no replicate has finished without failing.
    """
    if not result.sound.any():
        return ()
    title = f"forgetting, method {result.method}"
    if plot.column == "full":
        # Narrow panels have no room for names.
        numbered = replace(result, task_names=tuple(str(t + 1) for t in range(result.n_tasks)))
        look = style("full", plot.venue, columns=len(_DRAW), ratio=0.95)
        with panels(len(_DRAW), look) as (figure, axes):
            for ax, draw in zip(axes, _DRAW.values(), strict=True):
                draw(numbered, ax)
            _share_limits(axes[1:])
            return tuple(save_figure(figure, folder.place(FIGURE), plot.formats, title=title))
    files: list[Path] = []
    for name, draw in _DRAW.items():
        with panels(1, style(plot.column, plot.venue, ratio=0.8)) as (figure, axes):
            draw(result, axes[0])
            files += save_figure(figure, folder.place(PANELS[name]), plot.formats, title=f"{name}, {title}")
    return tuple(files)


def redraw_forgetting(folder: RunFolder, plot: PlotOptions) -> None:
    """Draw the figures of a finished run with other options; nothing is trained.

    Raises
    ------
    FileFormatError
        If the stored result cannot be read.
    """
    drawn = draw_forgetting(folder, SequenceResult.load(folder.path / RESULT_FILE), plot)
    remove_other_figures(folder, drawn, FIGURE, *PANELS.values())


def _share_limits(axes: Sequence[Any]) -> None:
    """Give panels of accuracies side by side one scale."""
    ends = [ax.get_ylim() for ax in axes]
    for ax in axes:
        ax.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))


def _bars(result: SequenceResult, ax: Any) -> None:
    found = result.metrics()
    plot_metric_bars(result, [name for name in _BARS if name in found], ax=ax, legend=False)


_DRAW: dict[str, Callable[[SequenceResult, Any], Any]] = {
    "matrix": lambda result, ax: plot_accuracy_matrix(result, ax=ax, colorbar=False),
    "curves": lambda result, ax: plot_task_curves(result, ax=ax),
    "metrics": _bars,
}
