"""Drawing in one dimension: the outputs over the line, on strips that show the pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from plnet.plotting.palettes import BOUNDARY, CATEGORIES, WALL
from plnet.plotting.regions.points import LABEL, mark_of
from plnet.plotting.regions.scene import DOTS, Look, Scene, depth_walls, draw_key, fill_options, layer_entries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curves", "draw_line"]

MANY_BREAKPOINTS = 150
"""Above this number breakpoints are not marked on the curves; the strips still show them."""

MANY_OUTPUTS = len(CATEGORIES)
"""Above this number the curves of the outputs are thin and share one colour."""


def draw_line(scene: Scene, look: Look, ax: Axes) -> None:
    """Draw a scene of dimension 1 on axes."""
    low, high = float(scene.limits[0][0]), float(scene.limits[1][0])
    strips = [_strip(cell) for cell in scene.cells]
    cells = PolyCollection(
        strips, label="_regions", transform=ax.get_xaxis_transform(), **fill_options(scene, look)
    )
    ax.add_collection(cells, autolim=False)
    lines: list[Any] = []
    if look.walls == "depth":
        lines += _draw_walls(scene, ax)
    y, values = curves(scene)
    lines += _draw_curves(ax, y, values)
    if scene.decision is not None:
        places = scene.frame.place(scene.decision.segments[:, 0])[:, 0]
        _vertical(
            ax, places[(places >= low) & (places <= high)], colors=BOUNDARY, linewidths=1.0, label="_boundary"
        )
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.set_xlabel(scene.frame.axis_labels[0])
    ax.set_ylabel("output" if values.shape[1] == 1 else "outputs")
    _mark_points(scene, ax)
    if look.legend:
        draw_key(scene, cells, ax, lines)


def curves(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the pieces in drawing coordinates (k,), ascending, and the outputs there (k, m)."""
    complex_ = scene.complex_
    vertices = scene.frame.place_homogeneous(complex_.leaves.vertices)
    finite = vertices[:, -1] > 0
    low, high = float(scene.limits[0][0]), float(scene.limits[1][0])
    y = vertices[finite, 0]
    y = np.unique(np.concatenate([y[(y > low) & (y < high)], [low, high]]))
    return y, complex_.network.evaluate(complex_.chart.embed(y[:, None] / scene.frame.matrix[0, 0]))


def _draw_curves(ax: Axes, y: np.ndarray, values: np.ndarray) -> list[Line2D]:
    inner = slice(1, -1)
    few = len(y) - 2 <= MANY_BREAKPOINTS
    m = values.shape[1]
    handles = []
    for k in range(m):
        # Nobody can tell ten colours of lines apart, so many outputs share one.
        color = "black" if m == 1 else CATEGORIES[k] if m <= MANY_OUTPUTS else WALL
        width = 1.0 if m <= MANY_OUTPUTS else 0.6
        handles += ax.plot(y, values[:, k], color=color, linewidth=width, zorder=4, label=f"output {k}")
        if few and m <= MANY_OUTPUTS:
            ax.plot(y[inner], values[inner, k], color=color, **DOTS)
    return handles if 1 < m <= MANY_OUTPUTS else []


def _draw_walls(scene: Scene, ax: Axes) -> list[Line2D]:
    pieces, depth, colors, widths = depth_walls(scene)
    _vertical(
        ax, pieces[:, 0, 0], colors=[colors[k] for k in depth], linewidths=widths[depth], label="_walls"
    )
    return layer_entries(colors, np.maximum(widths, 0.5).tolist())


def _vertical(ax: Axes, places: np.ndarray, **options: Any) -> None:
    ends = [[(x, 0.0), (x, 1.0)] for x in places.tolist()]
    ax.add_collection(
        LineCollection(ends, transform=ax.get_xaxis_transform(), zorder=3, **options), autolim=False
    )


def _strip(cell: np.ndarray) -> np.ndarray:
    if not len(cell):
        return np.empty((0, 2))
    a, b = sorted(cell[:, 0].tolist())
    return np.array([[a, 0.0], [b, 0.0], [b, 1.0], [a, 1.0]])


def _mark_points(scene: Scene, ax: Axes) -> None:
    """Mark points on the lower side of the axes, where they cover no curve."""
    if scene.places is None:
        return
    transform = ax.get_xaxis_transform()
    places = scene.places[:, 0].tolist()
    low, high = ax.get_xlim()
    for i, place in enumerate(places):
        # At the ends of the axes a label turns inwards, off the tick labels of the other axis.
        relative = (place - low) / (high - low)
        side = "left" if relative < 0.05 else "right" if relative > 0.95 else "center"
        ax.scatter(place, 0.0, s=18, **mark_of(i, len(places)), transform=transform, clip_on=False)
        if scene.labels is not None:
            ax.annotate(
                str(scene.labels[i]),
                (place, 0.0),
                xycoords=transform,
                xytext=({"left": 3, "right": -3}.get(side, 0), 5),
                textcoords="offset points",
                ha=side,
                va="bottom",
                **LABEL,
            )
