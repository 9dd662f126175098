"""A row of axes in a style, closed when it is no longer needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from plnet.plotting.styles import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["panels"]


@contextmanager
def panels(columns: int, look: Style) -> Iterator[tuple[Figure, list[Axes]]]:
    """Make a figure with a row of axes, and close it at the end.

    Parameters
    ----------
    columns : int
        Number of axes.
    look : Style
        From `style`, made for as many columns.

    Yields
    ------
    figure : Figure
    axes : list of Axes

    Examples
    --------
    >>> from plnet.plotting import panels, style
    >>> with panels(2, style(columns=2)) as (figure, axes):
    ...     len(axes)
    2
    """
    with look:
        figure, axes = plt.subplots(1, columns, squeeze=False)
        try:
            yield figure, list(axes[0])
        finally:
            plt.close(figure)
