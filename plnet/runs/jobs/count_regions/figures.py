"""The figure of ``count_regions.py``: the counts side by side, in one scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plnet.io import open_npz
from plnet.plotting import panels, plot_regions, save_figure, style
from plnet.plotting.axes_row import compare_heights
from plnet.regions.complex import RegionComplex
from plnet.runs.config.options import PlotOptions
from plnet.runs.jobs.count_regions.counting import Counted, count_again
from plnet.runs.jobs.count_regions.report import FIGURE
from plnet.runs.jobs.reports import read_metrics, remove_other_figures
from plnet.runs.store.outputs import RunFolder

__all__ = ["draw_panels", "redraw_panels"]


def draw_panels(
    path: Path,
    counts: Mapping[str, Counted],
    plot: PlotOptions,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
) -> tuple[Path, ...]:
    """Draw one panel for each count and save the figure in all formats.

    Parameters
    ----------
    path : Path
        Without suffix.
    counts : mapping
        Title of each panel to what was counted; all on the same domain.
    plot : PlotOptions
    images : ndarray, shape (p, ...), optional
        Inputs of the network that are marked.
    labels : ndarray, shape (p,), optional
        What is written beside them.

    Returns
    -------
    tuple of Path
        The files; none if a count stopped before the first region.
    """
    if not all(len(counted.complex_) for counted in counts.values()):
        return ()
    flat = next(iter(counts.values())).complex_.dim == 1
    look = style(plot.column, plot.venue, columns=len(counts), ratio=0.5)
    with panels(len(counts), look) as (figure, axes):
        for ax, (title, counted) in zip(axes, counts.items(), strict=True):
            # One colour bar serves all panels; which classes there are differs between them.
            legend = ax is axes[-1] or plot.color_by == "class"
            _draw(ax, title, counted, images, labels, plot, legend=legend)
        _share_scale(axes)
        if flat:
            compare_heights(axes)
        else:
            figure.set_size_inches(figure.get_figwidth(), _height(axes))
        words = ", ".join(["linear regions", *filter(None, counts)])
        return save_figure(figure, path, plot.formats, title=words)


def redraw_panels(folder: RunFolder, plot: PlotOptions) -> None:
    """Draw the figure of a finished run with other options; nothing is trained or counted.

    Raises
    ------
    FileFormatError
        If a stored file cannot be read.
    """
    metrics = read_metrics(folder.path)
    if "regions_before" in metrics:
        counts = {
            "before training": _stored(folder, "regions_before.npz", metrics["stopped_by_before"]),
            "after training": _stored(folder, "regions.npz", metrics["stopped_by_after"]),
        }
    else:
        counts = {"": _stored(folder, "regions.npz", metrics["stopped_by"])}
    drawn = draw_panels(folder.place(FIGURE), counts, plot, *_images(folder))
    if drawn:
        remove_other_figures(folder, drawn, FIGURE)


def _stored(folder: RunFolder, name: str, stopped_by: str) -> Counted:
    return count_again(RegionComplex.load(folder.path / name), stopped_by)


def _images(folder: RunFolder) -> tuple[np.ndarray | None, np.ndarray | None]:
    path = folder.path / "points.npz"
    if not path.is_file():
        return None, None
    with open_npz(path) as points:
        return points["images"], points["labels"]


def _draw(
    ax: Any,
    title: str,
    counted: Counted,
    images: np.ndarray | None,
    labels: np.ndarray | None,
    plot: PlotOptions,
    *,
    legend: bool,
) -> None:
    found, known = counted.complex_, counted.boundary is not None
    plot_regions(
        found,
        ax=ax,
        # The class is not known where the boundary is not.
        color_by="pattern" if plot.color_by == "class" and not known else plot.color_by,
        boundary=known,
        points=None if images is None else images.reshape(len(images), -1),
        labels=None if labels is None else [str(label) for label in labels],
        legend=legend,
    )
    size = f"{'' if found.complete else 'at least '}{len(found)} regions"
    ax.set_title(f"{title}: {size}" if title else size)
    if found.dim == 2:
        ax.label_outer()


def _height(axes: Any) -> float:
    """Return the height of the figure in inches that fits panels of equal units on both axes."""
    width = axes[0].figure.get_figwidth()
    (left, right), (low, high) = axes[0].get_xlim(), axes[0].get_ylim()
    # About 0.4 inches beside and 0.55 above and below each panel hold the labels.
    panel = (width / len(axes) - 0.4) * (high - low) / (right - left)
    return min(max(panel, 0.2 * width), 1.5 * width) + 0.55


def _share_scale(axes: Any) -> None:
    """Let equal colours mean equal numbers in all panels, where colours mean numbers."""
    coloured = [item for ax in axes for item in ax.collections if item.get_array() is not None]
    limits = [item.get_clim() for item in coloured]
    for item in coloured:
        item.set_clim(min(low for low, _ in limits), max(high for _, high in limits))
