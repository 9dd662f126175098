"""`plot_regions`: the regions of a network in one, two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from plnet.checks import check_choice, suggest_options
from plnet.errors import ConfigError, DimensionError, DomainError, IncompleteResultError
from plnet.geometry.domain import Domain, Space
from plnet.plotting.regions.colors import check_color_by, choose_colors
from plnet.plotting.regions.frame import frame_of, view_of
from plnet.plotting.regions.line import draw_line
from plnet.plotting.regions.plane import draw_plane
from plnet.plotting.regions.points import coordinates_of
from plnet.plotting.regions.polygons import cell_polygons, centroids
from plnet.plotting.regions.scene import WALLS, Look, Scene
from plnet.plotting.regions.solids import boundary_polygons, solids_of
from plnet.plotting.regions.space import SpaceScene, draw_space
from plnet.plotting.styles import style
from plnet.regions.complex import RegionComplex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch.nn import Module

    from plnet.ir.network import PLNetwork

__all__ = ["complex_of", "plot_regions"]


@suggest_options
def plot_regions(
    complex_or_network: RegionComplex | PLNetwork | Module,
    domain: Domain | None = None,
    *,
    ax: Axes | None = None,
    color_by: Any = "pattern",
    boundary: bool = True,
    points: Any = None,
    labels: Sequence[str] | None = None,
    walls: str = "plain",
    output: int | None = None,
    view: Any = None,
    cmap: Any = None,
    vmin: float | None = None,
    vmax: float | None = None,
    legend: bool = True,
    linewidth: float | None = None,
    rasterized: bool | None = None,
    explode: float = 0.0,
) -> Axes:
    """Draw the regions of a network on a domain of dimension 1, 2 or 3.

    Parameters
    ----------
    complex_or_network : RegionComplex, PLNetwork or torch.nn.Module
        A network is enumerated on `domain` first.
    domain : Domain, optional
        Only with a network; all of R^n if not given.
    ax : Axes, optional
        Where to draw; otherwise a new figure of the width of a column is made.
    color_by : str or array_like, shape (R,)
        "pattern": neighbours differ; "class": the class, exact up to the boundary;
        "output": mean of an output on each region; "gradient_norm": length of its gradient
        along the domain (Frobenius norm of the Jacobian if no `output` is chosen);
        "volume": length or area; "none": white; or one number for each region.
    boundary : bool
        Draw the exact decision boundary: where the largest output changes, or where the
        only output is zero. Costs a second enumeration, of the network with that decision.
    points : array_like, shape (k, input_dim) or (k, d), optional
        Data to mark, as inputs of the network or as coordinates of the domain.
    labels : sequence of str, optional
        A label for each point.
    walls : {"plain", "depth", "none"}
        Thin borders, borders coloured by the layer of the unit that bends there, or none. In three
        dimensions "depth" needs `explode`.
    output : int, optional
        The output for "output" (the first if not given) and "gradient_norm".
    view : sequence of d pairs (low, high), optional
        Part to draw, in the lengths on the axes. By default the whole domain; where it is
        unbounded, the finite vertices but those far away from most, and a margin.
    cmap, vmin, vmax
        As in matplotlib, where colours say a number.
    legend : bool
        Draw the legend or colour bar, to the right of the axes. Axes of your own need room
        there: make their figure with ``layout="constrained"``.
    linewidth : float, optional
        Points of the thin borders; by default 0.3, and less above 2500 regions.
    rasterized : bool, optional
        Store the regions as an image inside a vector file; by default above 20 000 regions.
    explode : float
        In three dimensions, move each region away from the middle by this share of its distance, so
        that one can look inside; then the boundary is not drawn.

    Returns
    -------
    Axes
        For three dimensions `mpl_toolkits.mplot3d.Axes3D`, and a given `ax` must be one.

    Raises
    ------
    DimensionError
        If the domain has more than three dimensions, or points or labels do not fit.
    DomainError
        If a point is outside the domain, or `domain` comes with a complex.
    IncompleteResultError
        If a boundary or classes are wanted of a complex that is known only in part.
    ConfigError
        If an option is misspelt or impossible.

    Notes
    -----
    On a slice the axes are lengths in an orthonormal frame of the plane whose first axis
    points along the first direction, so areas, lengths and angles are those in the space of
    the inputs. All regions are one collection.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> cross = PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), input_dim=2)
    >>> axes = plnet.plot_regions(cross, plnet.Box(-1, 1), boundary=False)
    >>> len(axes.collections[0].get_paths())
    4
    >>> plt.close(axes.figure)
    """
    color_by = check_color_by(color_by)
    check_choice("walls", walls, WALLS)
    complex_ = complex_of(complex_or_network, domain)
    needs_class = isinstance(color_by, str) and color_by == "class"
    if (boundary or needs_class) and not complex_.complete:
        raise IncompleteResultError(
            f"The enumeration stopped early with {len(complex_)} regions, so its decision boundary is not "
            "known. Pass boundary=False and another color_by, or enumerate with a larger budget."
        )
    places = None if points is None else coordinates_of(complex_.chart, points)
    n_points = 0 if places is None else len(places)
    if labels is not None and len(labels) != n_points:
        raise DimensionError(f"Expected {n_points} labels, one for each point, got {len(labels)}.")
    frame = frame_of(complex_.chart)
    limits = view_of(complex_, frame, view)
    look = Look(walls, linewidth, legend, rasterized)
    boundary = boundary and not explode
    decision = complex_.decision_boundary() if boundary or needs_class else None
    drawn = decision.refined if needs_class and decision is not None else complex_
    clip = view is not None or not bool(drawn.bounded.all())
    marked = None if places is None else frame.place(places)
    if complex_.dim == 3:
        solids = solids_of(drawn, frame, limits, clip=clip)
        coloring = choose_colors(
            drawn, frame, solids.centres, color_by, output=output, cmap=cmap, vmin=vmin, vmax=vmax
        )
        surface = (
            [] if decision is None or not boundary else boundary_polygons(decision, frame, limits, clip=clip)
        )
        n_layers = len(complex_.network.nonlinear_layers)
        space = SpaceScene(solids, coloring, frame, limits, surface, marked, labels, explode, n_layers)
        return _draw_space(space, look, ax)
    cells = cell_polygons(drawn, frame, limits, clip=clip)
    centres, _ = centroids(cells)
    coloring = choose_colors(drawn, frame, centres, color_by, output=output, cmap=cmap, vmin=vmin, vmax=vmax)
    scene = Scene(
        complex_=complex_,
        frame=frame,
        limits=limits,
        cells=cells,
        coloring=coloring,
        decision=decision if boundary else None,
        places=marked,
        labels=labels,
    )
    if ax is None:
        with _own_style(scene, look):
            return _draw(scene, look, plt.subplots()[1])
    return _draw(scene, look, ax)


def _draw(scene: Scene, look: Look, ax: Axes) -> Axes:
    (draw_line if scene.dim == 1 else draw_plane)(scene, look, ax)
    return ax


def _draw_space(scene: SpaceScene, look: Look, ax: Any) -> Axes:
    if look.walls == "depth" and not scene.explode:
        raise ConfigError('In three dimensions walls="depth" needs explode > 0, which shows the walls.')
    if ax is None:
        with style(height=0.72 * style().width):
            return _draw_space(scene, look, plt.subplots(subplot_kw={"projection": "3d"})[1])
    if not hasattr(ax, "get_zlim"):
        raise ConfigError(
            "Regions of dimension 3 need axes in three dimensions. Make them with "
            'plt.subplots(subplot_kw={"projection": "3d"}), or leave ax out.'
        )
    draw_space(scene, look, ax)
    return ax


def _own_style(scene: Scene, look: Look) -> Any:
    """Return a style of the width of a column, with a height that leaves little paper empty."""
    if scene.dim == 1:
        return style()
    key = look.legend and (
        scene.coloring.values is not None or scene.coloring.entries or look.walls == "depth"
    )
    width = style().width
    low, high = scene.limits
    height = width * (0.62 if key else 0.82) * (high - low)[1] / (high - low)[0] + 0.35
    return style(height=float(np.clip(height, 0.5 * width, 1.5 * width)))


def complex_of(given: Any, domain: Domain | None) -> RegionComplex:
    """Return a complex, or enumerate a network on a domain of at most three dimensions."""
    if isinstance(given, RegionComplex):
        if domain is not None:
            raise DomainError(
                "A RegionComplex has its domain already. Pass a network with a domain, or only the complex."
            )
        _check_dim(given.dim)
        if not len(given):
            raise IncompleteResultError(
                "The complex has no regions: its enumeration stopped before the first one."
            )
        return given
    from plnet.ir.network import PLNetwork
    from plnet.regions.api import enumerate_regions

    if isinstance(given, PLNetwork):
        network = given
    else:
        from plnet.ir.reading.ingest import as_network

        network = as_network(given)
    place = Space(network.input_dim) if domain is None else domain
    if not isinstance(place, Domain):
        raise DomainError(f"Expected a domain such as plnet.Box(-1, 1), got {type(place).__name__}.")
    _check_dim(place.chart(network.input_dim).dim)
    return enumerate_regions(network, place)


def _check_dim(dim: int) -> None:
    if dim not in (1, 2, 3):
        raise DimensionError(
            f"Figures show domains of dimension 1, 2 or 3, got {dim}. "
            "Choose a plane in it, for example plnet.Slice.through(three_points, margin=0.5)."
        )
