"""Curves against the number of pieces: errors with the least possible ones, and success rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from plnet.errors import DimensionError
from plnet.plotting.palettes import CATEGORIES, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_error_rate", "plot_success_rate"]


def plot_error_rate(
    pieces: Sequence[int],
    errors: Any,
    *,
    ax: Axes,
    optimal: Any = None,
    constant: float | tuple[float, float] | None = None,
    dim: int = 1,
    label: str = "",
    place: int = 0,
) -> Line2D:
    """Draw greatest errors against the number of pieces, both scales logarithmic.

    Parameters
    ----------
    pieces : sequence of int
        Numbers k, ascending.
    errors : array_like, shape (n,)
        Positive; zeros are left out.
    ax : Axes
    optimal : array_like, shape (n,), optional
        Least possible errors: a ring around each point that there is one for; NaN where unknown.
    constant : float or (lo, hi), optional
        Limit c of the least error: the line c k^(-2/dim) is drawn thin. Where the limit is known between
        bounds only, a band lies between their lines.
    dim : int
    label : str
    place : int
        Which colour and marker.

    Returns
    -------
    Line2D
        The line with the markers, for a legend.

    Raises
    ------
    DimensionError
        If the numbers of pieces and errors differ.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from plnet.plotting import plot_error_rate
    >>> figure, ax = plt.subplots()
    >>> plot_error_rate([1, 2, 4], [0.5, 0.125, 0.03125], ax=ax, constant=0.5, label="square").get_label()
    'square'
    >>> plt.close(figure)
    """
    k, values = np.asarray(pieces, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if k.ndim != 1 or k.shape != values.shape:
        raise DimensionError(f"Expected as many errors as pieces, got {values.shape} and {k.shape}.")
    color, marker = CATEGORIES[place % len(CATEGORIES)], MARKERS[place % len(MARKERS)]
    shown = values > 0
    ax.set(xscale="log", yscale="log")
    if constant is not None:
        ends = np.array([k.min(), k.max()])
        low, high = np.broadcast_to(constant, 2)[:, None] * ends ** (-2 / dim)
        if np.array_equal(low, high):
            ax.plot(ends, low, color=color, linewidth=0.5, zorder=1)
        else:
            ax.fill_between(
                ends, low, high, facecolor=(color, 0.35), edgecolor=color, linewidth=0.4, zorder=1
            )
    (line,) = ax.plot(
        k[shown],
        values[shown],
        color=color,
        marker=marker,
        markersize=2.6,
        linestyle="none",
        zorder=3,
        label=label,
    )
    if optimal is not None:
        best = np.asarray(optimal, dtype=np.float64)
        ring = shown & (best > 0)
        rings = {"markersize": 5.2, "markerfacecolor": "none", "markeredgewidth": 0.5}
        ax.plot(k[ring], best[ring], color=color, marker="o", linestyle="none", zorder=2, **rings)
    return line


def plot_success_rate(
    pieces: Sequence[int],
    rates: Any,
    intervals: Any,
    *,
    ax: Axes,
    label: str = "",
    place: int = 0,
    shift: float = 0.0,
    impossible: Any = None,
) -> Line2D:
    """Draw success rates with their intervals against the number of pieces.

    Parameters
    ----------
    pieces : sequence of int
        Numbers k, ascending.
    rates : array_like, shape (n,)
    intervals : array_like, shape (n, 2)
        Lower and upper ends.
    ax : Axes
    label : str
    place : int
        Which colour and marker.
    shift : float
        Moves the points aside, so that several series do not hide each other.
    impossible : array_like of bool, shape (n,), optional
        Where success is proved to be impossible: an empty marker without an interval.

    Returns
    -------
    Line2D
        A marker for a legend, empty where success is impossible for all numbers of pieces.

    Raises
    ------
    DimensionError
        If the shapes do not fit.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from plnet.plotting import plot_success_rate
    >>> figure, ax = plt.subplots()
    >>> handle = plot_success_rate([1, 2], [0.0, 0.8], [(0.0, 0.1), (0.7, 0.9)], ax=ax, label="relu")
    >>> handle.get_label()
    'relu'
    >>> plt.close(figure)
    """
    k, heights, ends = (np.asarray(values, dtype=np.float64) for values in (pieces, rates, intervals))
    if k.ndim != 1 or heights.shape != k.shape or ends.shape != (len(k), 2):
        raise DimensionError(
            f"Expected rates (n,) and intervals (n, 2) for {len(k)} numbers of pieces, got {heights.shape} "
            f"and {ends.shape}."
        )
    never = np.zeros(len(k), dtype=bool) if impossible is None else np.asarray(impossible, dtype=bool)
    color, marker = CATEGORIES[place % len(CATEGORIES)], MARKERS[place % len(MARKERS)]
    x = k + shift
    # Rounding may put a rate a little outside its own interval.
    bars = np.abs(np.stack([heights - ends[:, 0], ends[:, 1] - heights]))
    bars[:, never] = 0.0
    ax.plot(x, heights, color=color, linewidth=0.5, zorder=2)
    dots = {"color": color, "marker": marker, "markersize": 2.8, "linestyle": "none"}
    ax.errorbar(x[~never], heights[~never], yerr=bars[:, ~never], elinewidth=0.7, zorder=3, **dots)
    empty = {"markerfacecolor": "white", "markeredgewidth": 0.7}
    ax.plot(x[never], heights[never], zorder=3.1, **dots, **empty)
    ax.set_ylim(-0.04, 1.04)
    return Line2D([], [], label=label, **dots, **(empty if never.all() else {}))
