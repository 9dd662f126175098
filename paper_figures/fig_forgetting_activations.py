"""What a network forgets over five permuted-digit tasks, and whether its activation or dropout matters.

Claim: most of each task is lost within the next one. At equal numbers of parameters, piecewise-linear
activations keep nearly the same accuracy, and dropout does not raise it; sigmoid forgets less, because it
has learned less.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paths
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plnet.forgetting import SequenceResult
from plnet.plotting import (
    CATEGORIES,
    MARKERS,
    plot_accuracy_matrix,
    plot_task_curves,
    save_figure,
    style,
)

NAME = "forgetting_activations"
ACTIVATIONS = {"relu": "ReLU", "maxout": "maxout", "lwta": "LWTA", "tanh": "tanh", "sigmoid": "sigmoid"}
METRICS = ("average_accuracy", "learning_accuracy")

Data = dict[str, SequenceResult]


def load(folder: Path) -> Data:
    names = [f"{activation}{ending}" for activation in ACTIVATIONS for ending in ("", "_dropout")]
    return {name: SequenceResult.load(folder / f"{name}.npz") for name in names}


def draw(data: Data) -> Figure:
    with style("full", "neurips", height=2.1):
        figure, (left, middle, right) = plt.subplots(1, 3, width_ratios=(1.0, 1.2, 1.2))
        plot_accuracy_matrix(data["relu"], ax=left, colorbar=False)
        left.set_title("ReLU, accuracy (%)")
        plot_task_curves(data["relu"], ax=middle, legend=False)
        middle.set_title("ReLU, tasks 1 to 5")
        draw_retention(data, right)
    return figure


def draw_retention(data: Data, ax: Axes) -> None:
    """Draw the fall from the accuracy right after learning to that at the end, with t intervals."""
    for place, (ending, title) in enumerate({"": "no dropout", "_dropout": "dropout"}.items()):
        look = {"color": CATEGORIES[place], "marker": MARKERS[place], "linestyle": "none", "elinewidth": 0.7}
        results = [data[f"{activation}{ending}"].metrics() for activation in ACTIVATIONS]
        x = np.arange(len(results)) + (0.18 if place else -0.18)
        ends = {metric: [found[metric] for found in results] for metric in METRICS}
        for metric, values in ends.items():
            mean = np.array([value.mean for value in values])
            errors = [mean - [value.low for value in values], [value.high for value in values] - mean]
            ax.errorbar(x, mean, yerr=errors, label=title if metric == METRICS[0] else None, **look)
        low, high = ([value.mean for value in values] for values in ends.values())
        ax.vlines(x, low, high, color=CATEGORIES[place], linewidth=0.5)
    ax.set_xticks(range(len(ACTIVATIONS)), list(ACTIVATIONS.values()), rotation=35)
    ax.set(ylabel="accuracy", ylim=(0, 1.02), title="LA (upper) to ACC (lower)")
    ax.legend(loc="lower left", borderaxespad=0.2)


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
