"""`plot_max_affine`: a maximum of lines, its pieces, and the function that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from plnet.errors import DimensionError
from plnet.plotting.palettes import CATEGORIES, WALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_max_affine"]

_POINTS = 513


def plot_max_affine(
    slopes: Any,
    offsets: Any,
    low: float,
    high: float,
    *,
    function: Callable[[np.ndarray], np.ndarray] | None = None,
    sign: float = 1.0,
    ax: Axes,
    color: Any = CATEGORIES[0],
    zoom: float | None = None,
) -> list[Line2D]:
    """Draw the pieces of one maxout unit of one variable, their maximum, and a function behind them.

    Parameters
    ----------
    slopes, offsets : array_like, shape (k,)
        Numbers or fractions.
    low, high : float
        Ends of the interval.
    function : callable, optional
        Maps arrays elementwise; drawn wide and light behind the maximum.
    sign : float
        1 or -1: the unit is drawn with this sign.
    ax : Axes
    color : colour
        Of the pieces and the maximum.
    zoom : float, optional
        Height around the maximum in which the pieces are drawn, as a share of its range; 0.35 by default.

    Returns
    -------
    list of Line2D
        A line for the function, where there is one, for the maximum and for the pieces, for a legend.

    Raises
    ------
    DimensionError
        If slopes and offsets have no common shape (k,).

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from plnet.plotting import plot_max_affine
    >>> figure, ax = plt.subplots()
    >>> [line.get_label() for line in plot_max_affine([0, 1], [0, 0], -1, 1, ax=ax)]
    ['maximum', 'pieces']
    >>> plt.close(figure)
    """
    steep, heights = (np.asarray(values).astype(np.float64) for values in (slopes, offsets))
    if steep.ndim != 1 or steep.shape != heights.shape or not len(steep):
        raise DimensionError(
            f"Expected slopes and offsets of one shape (k,), got {steep.shape} and {heights.shape}."
        )
    x = _points(steep, heights, low, high)
    lines = sign * (steep[:, None] * x + heights[:, None])
    whole = lines.max(axis=0) if sign > 0 else lines.min(axis=0)
    handles = []
    if function is not None:
        values = np.asarray(function(x))
        (behind,) = ax.plot(x, values, color="#BBBBBB", linewidth=3.5, zorder=1, label="function")
        handles.append(behind)
    name = "maximum" if sign > 0 else "minus the maximum"
    (front,) = ax.plot(x, whole, color=color, linewidth=1.1, zorder=3, label=name)
    reach = (0.35 if zoom is None else zoom) * (np.ptp(whole) or 1.0)
    near = (lines >= whole.min() - reach) & (lines <= whole.max() + reach)
    for line, seen in zip(lines, near, strict=True):
        shown = np.where(seen, line, np.nan)
        ax.plot(x, shown, color=color, linewidth=0.6, linestyle=(0, (3, 2)), zorder=2)
    ax.set_xlim(low, high)
    dashes = Line2D([], [], color=color, linewidth=0.6, linestyle=(0, (3, 2)), label="pieces")
    ax.axhline(0.0, color=WALL, linewidth=0.3, zorder=0)
    return [*handles, front, dashes]


def _points(slopes: np.ndarray, offsets: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return points of the interval among which are all crossings of pieces."""
    first, second = np.triu_indices(len(slopes), 1)
    with np.errstate(all="ignore"):
        places = (offsets[second] - offsets[first]) / (slopes[first] - slopes[second])
    inside = places[np.isfinite(places) & (places > low) & (places < high)]
    return np.unique(np.concatenate([np.linspace(low, high, _POINTS), inside]))
