"""Figures of linear regions that go into a paper unchanged.

The only part of plnet that knows matplotlib, which is loaded when the first name is used.
Nothing here changes matplotlib's global settings, and nothing shows a window.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.plotting.axes_row import panels
    from plnet.plotting.function import plot_function
    from plnet.plotting.palettes import CATEGORIES, CELLS, CLASSES, MARKERS
    from plnet.plotting.points import mark_points
    from plnet.plotting.regions import plot_regions
    from plnet.plotting.save import save_figure
    from plnet.plotting.styles import Style, style
    from plnet.plotting.turnable import turnable_regions
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
    "plot_function",
    "plot_regions",
    "save_figure",
    "style",
    "turnable_regions",
]

_HOMES = {
    "CATEGORIES": "palettes",
    "CELLS": "palettes",
    "CLASSES": "palettes",
    "MARKERS": "palettes",
    "VENUES": "venues",
    "Style": "styles",
    "Venue": "venues",
    "mark_points": "points",
    "panels": "axes_row",
    "plot_function": "function",
    "plot_regions": "regions",
    "save_figure": "save",
    "style": "styles",
    "turnable_regions": "turnable",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
