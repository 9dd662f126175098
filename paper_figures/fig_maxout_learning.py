"""How often maxout units learn a function that they can express, against the number of their pieces.

Claim: two pieces express a convex activation with one kink. With Adam and the usual starts a third and a
fourth piece make success more frequent; from a normal start, with RMSprop and with momentum it becomes rarer
again beyond four pieces, and with plain gradient descent beyond three. What is not convex is never learnt by
one unit.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paths
from matplotlib.figure import Figure

from plnet.plotting import plot_success_rate, save_figure, style

NAME = "maxout_learning"
TITLES = {
    "target": "(a) target; empty: impossible",
    "start": r"(b) start, target $|z|$",
    "optimiser": r"(c) optimiser, target $|z|$",
}


@dataclass(frozen=True)
class Data:
    """Success rates (s, k) with intervals (s, k, 2) of series with a panel and a label."""

    pieces: np.ndarray
    panels: np.ndarray
    labels: np.ndarray
    rates: np.ndarray
    intervals: np.ndarray
    impossible: np.ndarray
    steps: np.ndarray


def load(folder: Path) -> Data:
    with np.load(folder / "success.npz", allow_pickle=False) as stored:
        return Data(**{name: stored[name] for name in Data.__dataclass_fields__})


def draw(data: Data) -> Figure:
    places = range(len(data.pieces))
    with style("full", "neurips", height=2.5):
        figure, axes = plt.subplots(1, len(TITLES), sharey=True)
        for (panel, title), ax in zip(TITLES.items(), axes, strict=True):
            rows = np.flatnonzero(data.panels == panel)
            handles = []
            for number, row in enumerate(rows):
                handle = plot_success_rate(
                    places,
                    data.rates[row],
                    data.intervals[row],
                    ax=ax,
                    label=str(data.labels[row]),
                    place=number,
                    shift=0.1 * (number - (len(rows) - 1) / 2),
                    impossible=data.impossible[row],
                )
                handles.append(handle)
            ax.set(title=title, xlabel="pieces $k$", xticks=places, xticklabels=data.pieces)
            ax.legend(
                handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, columnspacing=0.8
            )
        axes[0].set_ylabel(f"success rate after {data.steps} steps")
    return figure


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
