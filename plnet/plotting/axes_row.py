"""Axes in a style, closed when they are no longer needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from plnet.errors import ConfigError
from plnet.plotting.styles import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["compare_heights", "panels"]


@contextmanager
def panels(count: int, look: Style, *, columns: int | None = None) -> Iterator[tuple[Figure, list[Axes]]]:
    """Make a figure with several axes, and close it at the end.

    Parameters
    ----------
    count : int
        Number of axes.
    look : Style
        From `style`, made for as many rows and columns.
    columns : int, optional
        Axes side by side, the others below them; all in one row if not given.

    Yields
    ------
    figure : Figure
    axes : list of Axes
        Row by row.

    Raises
    ------
    ConfigError
        If a number is not positive.

    Examples
    --------
    >>> from plnet.plotting import panels, style
    >>> with panels(2, style(columns=2)) as (figure, axes):
    ...     len(axes)
    2
    >>> with panels(5, style(rows=2, columns=3), columns=3) as (figure, axes):
    ...     len(axes), axes[4].get_subplotspec().rowspan.start
    (5, 1)
    """
    wide = count if columns is None else columns
    if not (count >= 1 and wide >= 1):
        raise ConfigError(
            f"Expected at least one panel and one column, got {count} panels, columns={columns}."
        )
    wide = min(wide, count)
    with look:
        figure, axes = plt.subplots(-(-count // wide), wide, squeeze=False)
        try:
            for ax in axes.flat[count:]:
                ax.remove()
            yield figure, list(axes.flat[:count])
        finally:
            plt.close(figure)


def compare_heights(axes: Sequence[Axes]) -> None:
    """Give axes side by side one vertical scale; where that would flatten one, say that each has its own.

    A scale of its own is kept where the values on some axes take less than an eighth of the height of all.
    """
    limits = [ax.get_ylim() for ax in axes]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    if min(top - bottom for bottom, top in limits) < (high - low) / 8:
        for ax in axes:
            ax.set_ylabel(f"{ax.get_ylabel()} (own scale)")
        return
    for ax in axes:
        ax.set_ylim(low, high)
        ax.label_outer()
