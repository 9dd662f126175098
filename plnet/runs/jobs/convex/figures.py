"""The figure of ``fit_convex.py``, from the files of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.io import open_npz
from plnet.plotting import panels, plot_max_affine, save_figure, style
from plnet.plotting.palettes import CATEGORIES, WALL
from plnet.runs.jobs.convex.report import FIGURE
from plnet.runs.jobs.reports import read_metrics

if TYPE_CHECKING:
    from plnet.runs.config.options import PlotOptions
    from plnet.runs.store.outputs import RunFolder

__all__ = ["draw_fit"]


def draw_fit(folder: RunFolder, target: Callable[[Any], np.ndarray], plot: PlotOptions) -> tuple[Path, ...]:
    """Draw a fit in one dimension: the target with the pieces, and the error below.

    Parameters
    ----------
    folder : RunFolder
        With ``fit.npz`` and ``metrics.json``.
    target : callable
    plot : PlotOptions

    Returns
    -------
    tuple of Path
        The files; none if the fit has several inputs or was made from samples.
    """
    metrics = read_metrics(folder.path)
    if metrics["dim"] != 1 or "low" not in metrics:
        return ()
    with open_npz(folder.path / "fit.npz") as stored:
        slopes, offsets = stored["slopes"][:, 0], stored["offsets"]
    (low,), (high,) = metrics["low"], metrics["high"]
    with panels(2, style(plot.column, plot.venue, columns=2, ratio=0.7)) as (figure, (left, right)):
        handles = plot_max_affine(slopes, offsets, low, high, function=target, ax=left)
        left.legend(handles=handles, loc="best")
        left.set(xlabel="$x$", ylabel="value", title="target and pieces")
        x = np.linspace(low, high, 2001)
        right.plot(x, (slopes[:, None] * x + offsets[:, None]).max(axis=0) - target(x), color=CATEGORIES[0])
        for error in (-metrics["sup_error"], metrics["sup_error"]):
            right.axhline(error, color=CATEGORIES[1], linewidth=0.5)
        right.axhline(0.0, color=WALL, linewidth=0.3)
        right.set(xlabel="$x$", ylabel="error", title="error, and the certified bound", xlim=(low, high))
        return save_figure(figure, folder.place(FIGURE), plot.formats)
