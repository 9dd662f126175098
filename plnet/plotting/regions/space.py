"""Drawing in three dimensions: solid regions, pulled apart if wanted, or glass around the boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LightSource, to_rgba
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from plnet.plotting.palettes import BOUNDARY, WALL
from plnet.plotting.regions.points import marker_of
from plnet.plotting.regions.scene import (
    BORDER,
    MANY_REGIONS,
    Look,
    colormap,
    depth_colors,
    layer_entries,
    thinning,
)

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d import Axes3D

    from plnet.plotting.regions.colors import Coloring
    from plnet.plotting.regions.frame import Frame, View
    from plnet.plotting.regions.solids import Solids

__all__ = ["SpaceScene", "draw_space", "face_colors"]

_LIGHT = LightSource(azdeg=225, altdeg=45)

GLASS = 0.18
"""Opacity of the outside of the domain where the decision boundary is drawn in it."""

BOUNDARY_FACE = "#6E6E6E"
"""The decision boundary as a surface: grey, since shading needs room to be darker."""


@dataclass(frozen=True, eq=False)
class SpaceScene:
    """Everything that is drawn in three dimensions, in drawing coordinates.

    Parameters
    ----------
    solids : Solids
    coloring : Coloring
    frame : Frame
    limits : (low, high), each ndarray of shape (3,)
    boundary : list of ndarray, shape (k, 3)
        Polygons of the decision boundary.
    places : ndarray, shape (k, 3), or None
    labels : sequence of str or None
    explode : float
        How far regions are moved away from the middle, as a share of their distance.
    n_layers : int
    """

    solids: Solids
    coloring: Coloring
    frame: Frame
    limits: View
    boundary: list[np.ndarray]
    places: np.ndarray | None
    labels: Sequence[str] | None
    explode: float
    n_layers: int


def draw_space(scene: SpaceScene, look: Look, ax: Axes3D) -> None:
    """Draw solid regions of dimension 3 on axes, with equal scales."""
    glass = bool(scene.boundary) and not scene.explode
    polygons = scene.solids.exploded(scene.explode)
    # Where nothing is pulled apart, only the outside of the domain can be seen.
    shown = np.flatnonzero((scene.solids.layer < 0) | bool(scene.explode))
    faces = face_colors(scene.coloring, scene.solids)[shown]
    faces[:, 3] = GLASS if glass else 1.0
    _add(ax, [polygons[k] for k in shown], faces, scene.solids.layer[shown], scene, look, shade=not glass)
    if glass:
        edges = {"linewidths": 0.2, "edgecolors": BOUNDARY, "shade": True, "lightsource": _LIGHT}
        surface = {"facecolors": BOUNDARY_FACE, "label": "_boundary"}
        ax.add_collection3d(Poly3DCollection(_rectangular(scene.boundary), **surface, **edges))
    _mark(scene, ax)
    _arrange(scene, ax)
    if look.legend:
        _draw_key(scene, look, ax)


def face_colors(coloring: Coloring, solids: Solids) -> np.ndarray:
    """Return a colour for each polygon, shape (P, 4)."""
    if coloring.values is None:
        assert coloring.faces is not None
        table = np.array([to_rgba(color) for color in coloring.faces]).reshape(-1, 4)
    else:
        table = np.asarray(_mappable(coloring).to_rgba(np.ma.asarray(coloring.values)))
    return table[solids.region]


def _mappable(coloring: Coloring) -> ScalarMappable:
    norm = coloring.norm
    if norm is not None and coloring.values is not None:
        norm.autoscale_None(np.ma.asarray(coloring.values))
    return ScalarMappable(norm, colormap(coloring))


def _add(
    ax: Axes3D,
    polygons: list[np.ndarray],
    faces: np.ndarray,
    layer: np.ndarray,
    scene: SpaceScene,
    look: Look,
    *,
    shade: bool,
) -> None:
    n = len(scene.solids.centres)
    edges: Any = WALL
    if look.walls == "depth":
        colors = [to_rgba(color) for color in depth_colors(scene.n_layers)]
        edges = [colors[k] if k >= 0 else to_rgba(WALL) for k in layer.tolist()]
    elif look.walls == "none":
        edges = "none"
    thin = BORDER * thinning(n) if look.linewidth is None else look.linewidth
    if not shade:
        thin = thin / 2  # Lines on both sides of glass are seen at once.
    many = n > MANY_REGIONS if look.rasterized is None else look.rasterized
    collection = Poly3DCollection(
        _rectangular(polygons), linewidths=thin, label="_regions", rasterized=many, zsort="average"
    )
    # Shading would also darken the edges, so the faces alone are shaded.
    collection.set_facecolor(_shaded(polygons, faces) if shade else faces)
    collection.set_edgecolor(edges)
    ax.add_collection3d(collection)


def _rectangular(polygons: list[np.ndarray]) -> np.ndarray:
    """Return polygons as one array (P, k, 3) that repeats last corners.

    Matplotlib would pad a list with whatever is in the memory.
    """
    size = max(map(len, polygons), default=0)
    rows = [np.concatenate([p, np.repeat(p[-1:], size - len(p), axis=0)]) for p in polygons]
    return np.array(rows).reshape(len(polygons), size, 3)


def _shaded(polygons: list[np.ndarray], faces: np.ndarray) -> np.ndarray:
    """Darken polygons that are turned away from the light, both sides alike."""
    normals = np.array([_normal(p) for p in polygons]).reshape(-1, 3)
    light = np.abs(normals @ np.asarray(_LIGHT.direction))
    out = faces.copy()
    out[:, :3] *= (0.72 + 0.28 * light)[:, None]
    return out


def _normal(polygon: np.ndarray) -> np.ndarray:
    local = polygon - polygon.mean(axis=0)
    normal = np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0)
    return normal / (float(np.linalg.norm(normal)) or 1.0)


def _mark(scene: SpaceScene, ax: Axes3D) -> None:
    if scene.places is None:
        return
    for i, place in enumerate(scene.places):
        marker = marker_of(i, len(scene.places))
        x, y, z = place.tolist()
        edge = {"markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.8}
        ax.plot([x], [y], [z], linestyle="none", marker=marker, markersize=4.2, **edge)
        if scene.labels is not None:
            ax.text(x, y, z, f" {scene.labels[i]}")


def _arrange(scene: SpaceScene, ax: Axes3D) -> None:
    low, high = scene.limits
    grown = scene.explode / 2 * (high - low)
    (x0, y0, z0), (x1, y1, z1) = low - grown, high + grown
    ax.set(xlim=(x0, x1), ylim=(y0, y1), zlim=(z0, z1))
    three: tuple[Any, ...] = (ax.xaxis, ax.yaxis, ax.zaxis)
    for axis, label in zip(three, scene.frame.axis_labels, strict=True):
        axis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axis.set_label_text(label)
        axis.labelpad = -8
        axis.set_tick_params(pad=-3)
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set_linewidth(0.5)
    ax.grid(visible=False)
    width, depth, height = (high - low).tolist()
    ax.set_box_aspect((width, depth, height))


def _draw_key(scene: SpaceScene, look: Look, ax: Axes3D) -> None:
    coloring = scene.coloring
    handles: list[Any] = [
        Patch(facecolor=color, edgecolor=WALL, label=name) for color, name in coloring.entries
    ]
    if scene.boundary and not scene.explode:
        handles.append(Patch(facecolor=BOUNDARY_FACE, edgecolor=BOUNDARY, label="boundary"))
    if look.walls == "depth":
        colors = depth_colors(scene.n_layers)
        handles += layer_entries(colors, [0.8] * len(colors))
    if coloring.values is not None and np.ma.count(coloring.values):
        ax.figure.colorbar(_mappable(coloring), ax=ax, label=coloring.label, shrink=0.65, pad=0.1, aspect=14)
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.08, 0.95), borderaxespad=0.0)
