"""Figures to turn with the mouse, by plotly (an optional package)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import DimensionError, MissingExtraError
from plnet.plotting.palettes import WALL
from plnet.plotting.regions.colors import check_color_by, choose_colors
from plnet.plotting.regions.draw import complex_of
from plnet.plotting.regions.frame import frame_of, view_of
from plnet.plotting.regions.solids import Solids, boundary_polygons, graph_solids, solids_of
from plnet.plotting.regions.space import BOUNDARY_FACE, face_colors

if TYPE_CHECKING:
    from plnet.geometry.domain import Domain

__all__ = ["turnable_regions"]


def turnable_regions(
    complex_or_network: Any,
    domain: Domain | None = None,
    *,
    color_by: Any = "pattern",
    output: int | None = None,
    boundary: bool = True,
    explode: float = 0.0,
    view: Any = None,
) -> Any:
    """Return a plotly figure of the regions, to turn with the mouse.

    In three dimensions the solid regions, in two dimensions the graph of an output above them.

    Parameters
    ----------
    complex_or_network : RegionComplex, PLNetwork or torch.nn.Module
    domain : Domain, optional
        Only with a network; all of R^n if not given.
    color_by : str or array_like, shape (R,)
        As in `plot_regions`.
    output : int, optional
        The output whose graph is drawn (d = 2), the first if not given.
    boundary : bool
        Draw the decision boundary inside translucent regions (d = 3).
    explode : float
        Move each region away from the middle by this share of its distance (d = 3).
    view : sequence of d pairs (low, high), optional
        Part to draw.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    MissingExtraError
        If plotly is not installed.
    DimensionError
        If the domain has neither two nor three dimensions.
    """
    go = _plotly()
    color_by = check_color_by(color_by)
    complex_ = complex_of(complex_or_network, domain)
    if complex_.dim not in (2, 3):
        raise DimensionError(f"turnable_regions draws domains of dimension 2 or 3, got {complex_.dim}.")
    frame = frame_of(complex_.chart)
    limits = view_of(complex_, frame, view)
    wanted = isinstance(color_by, str) and color_by == "class"
    solid = complex_.dim == 3
    decision = complex_.decision_boundary() if wanted or (boundary and solid and not explode) else None
    drawn = decision.refined if wanted and decision is not None else complex_
    clip = view is not None or not bool(drawn.bounded.all())
    if solid:
        solids = solids_of(drawn, frame, limits, clip=clip)
    else:
        solids = graph_solids(complex_, drawn, frame, limits, output or 0, clip=clip)
    coloring = choose_colors(drawn, frame, solids.centres, color_by, output=output)
    inner = []
    if boundary and solid and not explode and decision is not None:
        inner = boundary_polygons(decision, frame, limits, clip=clip)
    return _figure(go, solids, face_colors(coloring, solids), frame.axis_labels, explode, inner, solid)


def _plotly() -> Any:
    try:
        return import_module("plotly.graph_objects")
    except ImportError as error:
        raise MissingExtraError(
            "plotly is not installed. Install it with: pip install 'plnet[plotly]'"
        ) from error


def _figure(
    go: Any,
    solids: Solids,
    colors: np.ndarray,
    labels: tuple[str, ...],
    explode: float,
    inner: list[np.ndarray],
    solid: bool,
) -> Any:
    polygons = solids.exploded(explode) if explode else solids.polygons
    if solid and not explode:
        keep = np.flatnonzero(solids.layer < 0)
        polygons, colors = [polygons[k] for k in keep], colors[keep]
    traces = [_mesh(go, polygons, colors, 0.25 if inner else 1.0), _outlines(go, polygons)]
    if inner:
        grey = np.tile([int(BOUNDARY_FACE[k : k + 2], 16) / 255 for k in (1, 3, 5)], (len(inner), 1))
        traces += [_mesh(go, inner, grey, 1.0), _outlines(go, inner)]
    names = [label.strip("$").replace("_{", "").replace("}", "") for label in labels]
    titles = dict(zip(("xaxis", "yaxis", "zaxis"), [*names, "output"], strict=False))
    figure = go.Figure(traces)
    axes = {axis: {"title": {"text": title}} for axis, title in titles.items()}
    space = {"aspectmode": "data" if solid else "cube", **axes}
    figure.update_layout(scene=space, showlegend=False, margin=dict.fromkeys("lrtb", 0))
    return figure


def _mesh(go: Any, polygons: list[np.ndarray], colors: np.ndarray, opacity: float) -> Any:
    """Return all polygons as one mesh; each is a fan of triangles."""
    starts = np.cumsum([0, *map(len, polygons)])
    points = np.concatenate([np.zeros((0, 3)), *polygons])
    triangles, shades = [], []
    for start, polygon, color in zip(starts.tolist(), polygons, colors, strict=False):
        shade = "rgb({},{},{})".format(*(round(255 * float(x)) for x in color[:3]))
        for k in range(1, len(polygon) - 1):
            triangles.append((start, start + k, start + k + 1))
            shades.append(shade)
    i, j, k = np.array(triangles, dtype=int).reshape(-1, 3).T
    x, y, z = points.T
    return go.Mesh3d(
        x=x, y=y, z=z, i=i, j=j, k=k, facecolor=shades, opacity=opacity, flatshading=True, hoverinfo="skip"
    )


def _outlines(go: Any, polygons: list[np.ndarray]) -> Any:
    """Return the sides of all polygons as one line with gaps."""
    gap = np.full((1, 3), np.nan)
    rings = [np.concatenate([p, p[:1], gap]) for p in polygons]
    x, y, z = np.concatenate([np.zeros((0, 3)), *rings]).T
    return go.Scatter3d(x=x, y=y, z=z, mode="lines", line={"color": WALL, "width": 1.5}, hoverinfo="skip")
