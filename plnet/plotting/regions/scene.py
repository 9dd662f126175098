"""What is drawn, and how it should look, as two records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plnet.plotting.palettes import CATEGORIES, MISSING, WALL
from plnet.plotting.regions.polygons import clip_segments, wall_segments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.colors import Colormap

    from plnet.plotting.regions.colors import Coloring
    from plnet.plotting.regions.frame import Frame
    from plnet.regions.complex import RegionComplex
    from plnet.regions.level_sets.boundary import DecisionBoundary

__all__ = [
    "DOTS",
    "WALLS",
    "Look",
    "Scene",
    "colormap",
    "depth_colors",
    "depth_walls",
    "depth_widths",
    "draw_key",
    "fill_options",
    "layer_entries",
    "thinning",
]

WALLS = ("plain", "depth", "none")

DOTS: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.2, "zorder": 4.1}
"""Breakpoints on a curve."""

BORDER = 0.3
"""Points of the thin borders between few regions."""

_FULL_WIDTH = 2500
"""Up to this number of regions walls have their full width."""

MANY_REGIONS = 20_000
"""Above this number of regions they are stored as an image: a vector file of them is slow to show."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that is drawn, in drawing coordinates.

    Parameters
    ----------
    complex_ : RegionComplex
        The regions whose walls are drawn.
    frame : Frame
    limits : (low, high), each ndarray of shape (d,)
    cells : list of ndarray
        A polygon or interval for each region, or for each refined region.
    coloring : Coloring
        For the cells.
    decision : DecisionBoundary or None
    places : ndarray, shape (k, d), or None
    labels : sequence of str or None
    """

    complex_: RegionComplex
    frame: Frame
    limits: tuple[np.ndarray, np.ndarray]
    cells: list[np.ndarray]
    coloring: Coloring
    decision: DecisionBoundary | None
    places: np.ndarray | None
    labels: Sequence[str] | None

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.complex_.dim


@dataclass(frozen=True)
class Look:
    """Options that change only the looks."""

    walls: str
    linewidth: float | None
    legend: bool
    rasterized: bool | None


def fill_options(scene: Scene, look: Look) -> dict[str, Any]:
    """Return the options of the one collection that holds all cells."""
    coloring = scene.coloring
    many = len(scene.cells) > MANY_REGIONS
    options: dict[str, Any] = {
        "linewidths": BORDER * thinning(len(scene.cells)) if look.linewidth is None else look.linewidth,
        # Edges in the colour of the face hide the hairlines that viewers show between polygons.
        "edgecolors": WALL if look.walls == "plain" else "face",
        "rasterized": many if look.rasterized is None else look.rasterized,
        "zorder": 1,
    }
    if coloring.values is None:
        return options | {"facecolors": coloring.faces}
    return options | {"array": coloring.values, "cmap": colormap(coloring), "norm": coloring.norm}


def colormap(coloring: Coloring) -> Colormap:
    """Return the colour map of values, with a colour for those that are missing."""
    cmap = colormaps[coloring.cmap] if isinstance(coloring.cmap, str) else coloring.cmap
    return cmap.with_extremes(bad=MISSING)


def draw_key(scene: Scene, collection: Collection, ax: Axes, lines: Sequence[Any] = ()) -> None:
    """Draw a colour bar, or a legend of classes and of lines, to the right of the axes."""
    handles = [Patch(facecolor=color, edgecolor=WALL, label=name) for color, name in scene.coloring.entries]
    handles += list(lines)
    left = 1.03
    if scene.coloring.values is not None and np.ma.count(scene.coloring.values):
        bar = ax.inset_axes((left, 0.0, 0.045, 1.0))
        ax.figure.colorbar(collection, cax=bar, label=scene.coloring.label)
        bar.yaxis.set_ticks_position("right")
        left = 1.35
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(left, 1.0), borderaxespad=0.0)


def thinning(n_regions: int) -> float:
    """Return a factor for the widths of walls: many get thinner, so that colours show between them."""
    return min(1.0, (_FULL_WIDTH / max(n_regions, 1)) ** 0.5)


def depth_colors(n_layers: int) -> list[Any]:
    """Return a line colour for each layer; the same for layer k in all networks of up to six layers."""
    if n_layers < len(CATEGORIES):
        return list(CATEGORIES[:n_layers])
    return [colormaps["viridis"](x) for x in np.linspace(0.0, 0.85, n_layers)]


def depth_walls(scene: Scene) -> tuple[np.ndarray, np.ndarray, list[Any], np.ndarray]:
    """Return the walls in the view (S, 2, d), their layers (S,), and a colour and a width for each layer."""
    n_layers = len(scene.complex_.network.nonlinear_layers)
    segments, layers = wall_segments(scene.complex_)
    pieces, kept = clip_segments(segments, scene.frame, scene.limits)
    return pieces, layers[kept], depth_colors(n_layers), depth_widths(n_layers, len(scene.complex_))


def depth_widths(n_layers: int, n_regions: int = 1) -> np.ndarray:
    """Return a line width in points for each layer, thick for the first ones."""
    return np.maximum(0.9 - 0.15 * np.arange(n_layers), 0.4) * thinning(n_regions)


def layer_entries(colors: Sequence[Any], widths: Sequence[float]) -> list[Line2D]:
    """Return one entry of the legend for each layer."""
    return [
        Line2D([], [], color=color, linewidth=width, label=f"layer {k}")
        for k, (color, width) in enumerate(zip(colors, widths, strict=True), 1)
    ]
