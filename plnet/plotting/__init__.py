"""Figures that go into a paper unchanged.

The only part of plnet that knows matplotlib, which is loaded when the first name is used.
Nothing here changes matplotlib's global settings, and nothing shows a window.
"""

from typing import TYPE_CHECKING

from plnet.lazy import homes, lazy_names

if TYPE_CHECKING:
    from plnet.plotting.axes_row import panels
    from plnet.plotting.forgetting.bars import plot_metric_bars
    from plnet.plotting.forgetting.curves import plot_seen_accuracy, plot_task_curves
    from plnet.plotting.forgetting.frontier import plot_frontier
    from plnet.plotting.forgetting.matrix import plot_accuracy_matrix
    from plnet.plotting.maxout.curves import plot_error_rate, plot_success_rate
    from plnet.plotting.maxout.max_affine import plot_max_affine
    from plnet.plotting.palettes import CATEGORIES, CELLS, CLASSES, MARKERS
    from plnet.plotting.regions.draw import plot_regions
    from plnet.plotting.regions.function import plot_function
    from plnet.plotting.regions.points import mark_points
    from plnet.plotting.regions.turnable import turnable_regions
    from plnet.plotting.save import save_figure
    from plnet.plotting.styles import Style, style
    from plnet.plotting.venues import VENUES, Venue

__all__ = [
    "CATEGORIES",
    "CELLS",
    "CLASSES",
    "MARKERS",
    "VENUES",
    "Style",
    "Venue",
    "mark_points",
    "panels",
    "plot_accuracy_matrix",
    "plot_error_rate",
    "plot_frontier",
    "plot_function",
    "plot_max_affine",
    "plot_metric_bars",
    "plot_regions",
    "plot_seen_accuracy",
    "plot_success_rate",
    "plot_task_curves",
    "save_figure",
    "style",
    "turnable_regions",
]

_HOMES = homes(
    {
        "axes_row": "panels",
        "forgetting.bars": "plot_metric_bars",
        "forgetting.curves": "plot_seen_accuracy plot_task_curves",
        "forgetting.frontier": "plot_frontier",
        "forgetting.matrix": "plot_accuracy_matrix",
        "maxout.curves": "plot_error_rate plot_success_rate",
        "maxout.max_affine": "plot_max_affine",
        "palettes": "CATEGORIES CELLS CLASSES MARKERS",
        "regions.draw": "plot_regions",
        "regions.function": "plot_function",
        "regions.points": "mark_points",
        "regions.turnable": "turnable_regions",
        "save": "save_figure",
        "styles": "Style style",
        "venues": "VENUES Venue",
    }
)

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
