"""Drawing in two dimensions: polygons, walls, the decision boundary, points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from plnet.plotting.palettes import BOUNDARY
from plnet.plotting.regions.points import mark_points
from plnet.plotting.regions.polygons import clip_segments
from plnet.plotting.regions.scene import Look, Scene, depth_walls, draw_key, fill_options, layer_entries
from plnet.regions.cells.limited import points_of
from plnet.regions.leaves import rounded_vertex

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["boundary_segments", "draw_plane"]


def draw_plane(scene: Scene, look: Look, ax: Axes) -> None:
    """Draw a scene of dimension 2 on axes, with equal scales."""
    low, high = scene.limits
    cells = PolyCollection(scene.cells, label="_regions", **fill_options(scene, look))
    ax.add_collection(cells)
    lines: list[Any] = []
    if look.walls == "depth":
        lines = _draw_walls(scene, ax)
    if scene.decision is not None:
        boundary = LineCollection(
            list(boundary_segments(scene)),
            colors=BOUNDARY,
            linewidths=1.2,
            capstyle="round",
            zorder=3,
            label="_boundary",
        )
        ax.add_collection(boundary)
        _keep_inside(boundary, scene, ax)
    ax.set_aspect("equal")
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    for axis, label in zip((ax.xaxis, ax.yaxis), scene.frame.axis_labels, strict=True):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axis.set_label_text(label)
    if scene.places is not None:
        mark_points(ax, scene.places, scene.labels)
    if look.legend:
        draw_key(scene, cells, ax, lines)


def _keep_inside(lines: LineCollection, scene: Scene, ax: Axes) -> None:
    """Cut off the round ends of lines where the domain ends."""
    root = scene.complex_.problem.root
    if not root.bounded:
        return  # Lines go on to the border of the axes.
    corners = np.array([rounded_vertex(vertex)[:-1] for vertex in points_of(root)])
    ring = scene.frame.place(corners[[*range(len(corners)), 0]])
    # A domain that fills the axes needs no clipping of its own, with which EPS files differ from run to run.
    if not (np.isclose(ring, scene.limits[0]) | np.isclose(ring, scene.limits[1])).all():
        lines.set_clip_path(Path(ring, closed=True), ax.transData)


def boundary_segments(scene: Scene) -> np.ndarray:
    """Return the decision boundary as segments in drawing coordinates, shape (S, 2, 2)."""
    decision = scene.decision
    assert decision is not None
    if np.isfinite(decision.length):
        return scene.frame.place(decision.segments)
    # Pieces that run to infinity are cut off at the view.
    return clip_segments(decision.ends, scene.frame, scene.limits)[0]


def _draw_walls(scene: Scene, ax: Axes) -> list[Line2D]:
    """Draw every wall in the colour of its layer; return one entry of the legend for each layer."""
    pieces, depth, colors, widths = depth_walls(scene)
    # Later layers are drawn first, so that the straight lines of layer 1 stay whole.
    order = np.argsort(-depth, kind="stable")
    lines = LineCollection(
        list(pieces[order]),
        colors=[colors[k] for k in depth[order]],
        linewidths=widths[depth[order]],
        capstyle="round",
        zorder=2,
        label="_walls",
    )
    ax.add_collection(lines)
    _keep_inside(lines, scene, ax)
    return layer_entries(colors, np.maximum(widths, 0.5).tolist())
