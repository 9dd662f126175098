"""The figure of a finished main job, drawn again from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plnet.io import open_npz
from plnet.regions.complex import RegionComplex
from plnet.runs.jobs.count_regions.counting import Counted, count_again
from plnet.runs.jobs.count_regions.report import figure_files, read_metrics
from plnet.runs.store.outputs import RunFolder

if TYPE_CHECKING:
    from plnet.runs.jobs.count_regions.figures import PlotOptions

__all__ = ["redraw_main_job"]


def redraw_main_job(folder: RunFolder, plot: PlotOptions) -> None:
    """Draw the figure of a finished run with other options; nothing is trained or counted.

    Parameters
    ----------
    folder : RunFolder
    plot : PlotOptions

    Raises
    ------
    FileFormatError
        If a stored file cannot be read.
    """
    from plnet.runs.jobs.count_regions.figures import draw_panels

    metrics = read_metrics(folder.path)
    if "regions_before" in metrics:
        panels = {
            "before training": _stored(folder, "regions_before.npz", metrics["stopped_by_before"]),
            "after training": _stored(folder, "regions.npz", metrics["stopped_by_after"]),
        }
    else:
        panels = {"": _stored(folder, "regions.npz", metrics["stopped_by"])}
    drawn = draw_panels(folder.place("regions"), panels, plot, *_images(folder))
    for path in figure_files(folder.path):
        if drawn and path not in drawn:
            folder.place(path.name).unlink(missing_ok=True)


def _stored(folder: RunFolder, name: str, stopped_by: str) -> Counted:
    return count_again(RegionComplex.load(folder.path / name), stopped_by)


def _images(folder: RunFolder) -> tuple[np.ndarray | None, np.ndarray | None]:
    path = folder.path / "points.npz"
    if not path.is_file():
        return None, None
    with open_npz(path) as points:
        return points["images"], points["labels"]
