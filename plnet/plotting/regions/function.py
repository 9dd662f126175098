"""`plot_function`: a network on a line, its breakpoints, its slopes, the units that cause them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from plnet.errors import ConfigError, DimensionError
from plnet.plotting.palettes import CATEGORIES, WALL
from plnet.plotting.regions.draw import complex_of
from plnet.plotting.regions.frame import frame_of, view_of
from plnet.plotting.regions.scene import DOTS, depth_colors
from plnet.plotting.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from plnet.geometry.domain import Domain
    from plnet.plotting.regions.frame import Frame, View
    from plnet.regions.complex import RegionComplex
    from plnet.regions.structure.breakpoints import Breakpoint

__all__ = ["plot_function"]

MOST_LABELS = 30
"""Above this number of breakpoints their units are marked by colour, without a label."""

_SPACING = 1.25
"""Distance between the labels of two breakpoints, in sizes of their type."""


def plot_function(
    complex_or_network: Any,
    domain: Domain | None = None,
    *,
    ax: Axes | None = None,
    slope_ax: Axes | None = None,
    outputs: Sequence[int] | None = None,
    slopes: bool = True,
    units: bool = True,
    view: Any = None,
    legend: bool = True,
) -> Axes:
    """Draw the outputs of a network on a domain of dimension 1, with breakpoints and slopes.

    Parameters
    ----------
    complex_or_network : RegionComplex, PLNetwork or torch.nn.Module
    domain : Domain, optional
        Only with a network; the whole line if not given.
    ax : Axes, optional
        Where to draw the function; otherwise a figure of the width of a column is made.
    slope_ax : Axes, optional
        Where to draw the slopes. In a figure of its own they go below the function.
    outputs : sequence of int, optional
        All outputs if not given.
    slopes : bool
        Draw the slope of each output as a step function.
    units : bool
        Name the units that cause each breakpoint above the axes, as ``layer.unit`` (layers from 1,
        units from 0). Where one output is drawn, in the colour of the layer. Above 30 breakpoints
        without names.
    view : pair (low, high), optional
        Part to draw, in the lengths on the axis.
    legend : bool
        Name the outputs and the layers.

    Returns
    -------
    Axes
        The axes of the function.

    Raises
    ------
    DimensionError
        If the domain is not one-dimensional.
    ConfigError
        If an output does not exist.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> first, last = Affine([[1], [1], [1]], [0, -1, -2]), Affine([[1, -2, 1]], [0])
    >>> hat = PLNetwork((first, ScalarPWL.relu(3), last), 1)
    >>> axes = plnet.plotting.plot_function(hat, plnet.Box(-1, 3))
    >>> len(axes.lines[1].get_xdata())
    3
    >>> plt.close(axes.figure)
    """
    complex_ = complex_of(complex_or_network, domain)
    if complex_.dim != 1:
        raise DimensionError(
            f"plot_function draws domains of dimension 1, got {complex_.dim}. "
            "Take a Segment between two points, or plot_regions."
        )
    chosen = _check_outputs(outputs, complex_.network.output_dim)
    frame = frame_of(complex_.chart)
    graph = _graph_of(complex_, frame, view_of(complex_, frame, view))
    if ax is not None:
        return _draw(graph, chosen, ax, slope_ax if slopes else None, units=units, legend=legend)
    width = style().width
    with style(height=width * (0.95 if slopes else 0.65)):
        if slopes:
            _, (upper, lower) = plt.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        else:
            upper, lower = plt.subplots()[1], None
        return _draw(graph, chosen, upper, lower, units=units, legend=legend)


@dataclass(frozen=True, eq=False)
class _Graph:
    """A function on the part of the line that is drawn.

    Parameters
    ----------
    x : ndarray, shape (k + 1,)
        Ends of the pieces in drawing coordinates, ascending.
    values : ndarray, shape (k + 1, m)
    slopes : ndarray, shape (k, m)
        For each length on the axis.
    found : list of Breakpoint
        The k - 1 breakpoints between the ends.
    n_layers : int
    label : str
        Of the axis.
    """

    x: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    found: list[Breakpoint]
    n_layers: int
    label: str


def _graph_of(complex_: RegionComplex, frame: Frame, view: View) -> _Graph:
    (low,), (high,) = view
    scale = float(frame.matrix[0, 0])
    found = [b for b in complex_.breakpoints() if low < float(b.position) * scale < high]
    places = [float(b.position) * scale for b in found]
    x = np.array([low, *places, high])
    ends = complex_.network.evaluate(complex_.chart.embed(x[[0, -1], None] / scale))
    inner = np.array([b.values.astype(float) for b in found]).reshape(len(found), ends.shape[1])
    middles = (x[1:] + x[:-1])[:, None] / (2 * scale)
    slopes = complex_.gradients[complex_.locate(middles), :, 0] / scale
    values = np.concatenate([ends[:1], inner, ends[1:]])
    n_layers = len(complex_.network.nonlinear_layers)
    return _Graph(x, values, slopes, found, n_layers, frame.axis_labels[0])


def _draw(
    graph: _Graph, chosen: list[int], ax: Axes, slope_ax: Axes | None, *, units: bool, legend: bool
) -> Axes:
    handles = _draw_curves(ax, graph, chosen)
    bottom = ax
    if slope_ax is not None:
        bottom = slope_ax
        _draw_slopes(slope_ax, graph, chosen)
    for part in {ax, bottom}:
        part.set_xlim(graph.x[0], graph.x[-1])
        part.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    bottom.set_xlabel(graph.label)
    ax.set_ylabel("output" if len(chosen) == 1 else "outputs")
    # Several outputs take the colours that would tell the layers apart.
    colored = len(chosen) == 1
    if units:
        handles += _draw_marks(ax, graph, colored)
    if legend and handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    if units and len(graph.found) <= MOST_LABELS:
        _name_units(ax, graph, colored)
    return ax


def _check_outputs(outputs: Sequence[int] | None, m: int) -> list[int]:
    chosen = list(range(m)) if outputs is None else list(outputs)
    if not chosen or any(not isinstance(k, int) or not 0 <= k < m for k in chosen):
        raise ConfigError(f"Expected outputs among 0 to {m - 1}, got {outputs!r}.")
    return chosen


def _color(place: int, size: int) -> Any:
    return "black" if size == 1 else CATEGORIES[place % len(CATEGORIES)]


def _draw_curves(ax: Axes, graph: _Graph, chosen: list[int]) -> list[Line2D]:
    handles, x = [], graph.x
    for place, k in enumerate(chosen):
        color = _color(place, len(chosen))
        handles += ax.plot(x, graph.values[:, k], color=color, zorder=4, label=f"output {k}")
        if len(graph.found) <= 5 * MOST_LABELS:
            ax.plot(x[1:-1], graph.values[1:-1, k], color=color, **DOTS)
    return handles if len(chosen) > 1 else []


def _draw_slopes(ax: Axes, graph: _Graph, chosen: list[int]) -> None:
    ax.axhline(0.0, color=WALL, linewidth=0.4, zorder=1)
    for place, k in enumerate(chosen):
        color = _color(place, len(chosen))
        ax.stairs(graph.slopes[:, k], graph.x, baseline=None, color=color, linewidth=1.0, zorder=4)
    ax.set_ylabel("slope")


def _draw_marks(ax: Axes, graph: _Graph, colored: bool) -> list[Line2D]:
    """Mark the breakpoints, with the colours of their layers if wanted."""
    colors, layers = _layer_colors(graph, colored), _first_layers(graph)
    for x, layer in zip(graph.x[1:-1].tolist(), layers, strict=True):
        ax.axvline(x, color=colors[layer], linewidth=0.5, zorder=1)
    used = sorted(set(layers)) if colored else []
    return [Line2D([], [], color=colors[k], linewidth=0.8, label=f"layer {k + 1}") for k in used]


def _name_units(ax: Axes, graph: _Graph, colored: bool) -> None:
    """Write the units of each breakpoint above the axes, side by side."""
    colors, layers = _layer_colors(graph, colored), _first_layers(graph)
    size = FontProperties(size=plt.rcParams["xtick.labelsize"]).get_size_in_points()
    places = graph.x[1:-1]
    for x, at, b, layer in zip(
        places.tolist(), _spread(ax, places, _SPACING * size), graph.found, layers, strict=True
    ):
        line = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0, "relpos": (0.5, 0.0)}
        ax.annotate(
            ", ".join(dict.fromkeys(f"{unit[0] + 1}.{unit[1]}" for unit in b.units)),
            (x, 1.0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(at, 1.06),
            textcoords=ax.transAxes,
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=size,
            color=colors[layer],
            arrowprops=line | {"color": colors[layer]},
        )


def _layer_colors(graph: _Graph, colored: bool) -> list[Any]:
    return depth_colors(graph.n_layers) if colored else [WALL] * graph.n_layers


def _first_layers(graph: _Graph) -> list[int]:
    return [min(unit[0] for unit in b.units) for b in graph.found]


def _spread(ax: Axes, places: np.ndarray, distance: float) -> list[float]:
    """Return places of labels as shares of the axes, in order and at least so many points apart."""
    figure: Any = ax.figure
    # The layout takes room for the legend, which makes the axes narrower.
    figure.draw_without_rendering()
    width = ax.get_window_extent().width * 72 / figure.dpi
    low, high = ax.get_xlim()
    gap = min(distance / width, 1 / max(len(places), 1))
    wanted = ((places - low) / (high - low)).tolist()
    right: list[float] = []
    for x in wanted:
        right.append(max(x, right[-1] + gap if right else gap / 2))
    left: list[float] = []
    for x in reversed(wanted):
        left.append(min(x, left[-1] - gap if left else 1 - gap / 2))
    # The middle of both ways to make room keeps the order and the distances.
    return [(a + b) / 2 for a, b in zip(right, reversed(left), strict=True)]
