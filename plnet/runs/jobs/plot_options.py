"""How the figures of all jobs look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plnet.checks import check_choice
from plnet.plotting import style
from plnet.plotting.regions.colors import check_color_by
from plnet.plotting.save import FORMATS

__all__ = ["PlotOptions"]


@dataclass(frozen=True)
class PlotOptions:
    """How a figure looks; wrong words are refused here, long before there is something to draw.

    Parameters
    ----------
    color_by : str
        As in `plnet.plot_regions`.
    column, venue : str
        Width of the figure, as in `plnet.plotting.style`.
    formats : sequence of str
        As in `plnet.plotting.save_figure`.

    Raises
    ------
    ConfigError
        If a word is unknown.
    """

    color_by: str = "pattern"
    column: str = "full"
    venue: str = "neurips"
    formats: Sequence[str] = ("pdf", "png")

    def __post_init__(self) -> None:
        check_color_by(self.color_by)
        style(self.column, self.venue)
        for name in self.formats:
            check_choice("format", name, FORMATS)
