"""`plot_accuracy_matrix`: accuracy on every task after every task, as numbers on a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps

from plnet.checks import suggest_options
from plnet.forgetting.results.result import SequenceResult
from plnet.plotting.forgetting.axes import drawing_on, short_names
from plnet.plotting.palettes import MISSING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_accuracy_matrix"]

MOST_NUMBERS = 10
"""Above this number of tasks the numbers would not fit into the cells."""


@suggest_options
def plot_accuracy_matrix(
    result: SequenceResult,
    *,
    ax: Axes | None = None,
    part: str = "test",
    initial: bool = True,
    numbers: bool | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw the mean accuracy on each task (columns) after training each task (rows).

    The mean is over the replicates that count; failed ones name the most frequent class. Cells right after
    learning a task have a frame.

    Parameters
    ----------
    result : SequenceResult
    ax : Axes, optional
        Where to draw; otherwise a figure of the width of a column is made.
    part : {"test", "validation"}
    initial : bool
        Draw the row before training, marked "init".
    numbers : bool, optional
        Write the accuracy in per cent into each cell; up to 10 tasks if not given.
    colorbar : bool

    Returns
    -------
    Axes

    Raises
    ------
    IncompleteResultError
        If no replicate has finished.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from plnet.forgetting import SequenceResult
    >>> from plnet.plotting import plot_accuracy_matrix
    >>> result = SequenceResult([[[0.1, 0.1], [0.9, 0.2], [0.5, 0.8]]], ["a", "b"], seeds=[0])
    >>> ax = plot_accuracy_matrix(result)
    >>> [text.get_text() for text in ax.texts]
    ['10', '10', '90', '20', '50', '80']
    >>> plt.close(ax.figure)
    """
    mean = result.counted_accuracy(part).mean(axis=0)
    shown = mean if initial else mean[1:]
    rows, tasks = shown.shape
    with drawing_on(ax, ratio=min(0.2 + 0.6 * rows / tasks, 1.5)) as target:
        _draw(target, shown, result.task_names, initial=initial, numbers=numbers, colorbar=colorbar)
    return target


def _draw(
    ax: Axes,
    shown: np.ndarray,
    task_names: tuple[str, ...],
    *,
    initial: bool,
    numbers: bool | None,
    colorbar: bool,
) -> None:
    rows, tasks = shown.shape
    colors = colormaps["viridis"].with_extremes(bad=MISSING)
    image = ax.imshow(shown, cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    _frame_learned(ax, tasks, rows - tasks)
    names = short_names(task_names, longest=max(2, 30 // tasks))
    first = ["init"] if initial else []
    ax.set_xticks(range(tasks), names)
    ax.set_yticks(range(rows), first + names)
    ax.set(xlabel="accuracy on task", ylabel="after training task")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if numbers or (numbers is None and tasks <= MOST_NUMBERS):
        _write_numbers(ax, shown, np.asarray(image.cmap(image.norm(shown))))
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label="accuracy", shrink=0.9, pad=0.03, aspect=18)


def _frame_learned(ax: Axes, tasks: int, offset: int) -> None:
    for task in range(tasks):
        left, top = task - 0.5, task + offset - 0.5
        ax.plot(
            [left, left + 1, left + 1, left, left],
            [top, top, top + 1, top + 1, top],
            color="white",
            linewidth=1.0,
            solid_joinstyle="miter",
            label="_learned",
        )


def _write_numbers(ax: Axes, shown: np.ndarray, colors: np.ndarray) -> None:
    # Relative luminance of sRGB; black on light cells, white on dark ones.
    linear = np.where(
        colors[..., :3] <= 0.04045, colors[..., :3] / 12.92, ((colors[..., :3] + 0.055) / 1.055) ** 2.4
    )
    light = linear @ (0.2126, 0.7152, 0.0722) > 0.18
    for place, value in np.ndenumerate(shown):
        known = not np.isnan(value)
        ax.text(
            place[1],
            place[0],
            f"{100 * value:.0f}" if known else "–",
            ha="center",
            va="center",
            size="small",
            color="black" if light[place] or not known else "white",
        )
