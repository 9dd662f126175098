"""Remedies against forgetting on permuted digits, each with the strength that validation data chose.

Claim: every remedy reduces forgetting, replay most; joint training is the ceiling.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import paths
from matplotlib.figure import Figure

from plnet.forgetting import SequenceResult
from plnet.plotting import plot_metric_bars, plot_seen_accuracy, save_figure, style

NAME = "forgetting_methods"
METHODS = {"plain": "plain", "l2": "L2", "si": "SI", "ewc": "EWC", "replay": "replay", "joint": "joint"}
METRICS = ("average_accuracy", "learning_accuracy", "forgetting_chaudhry")

Data = dict[str, SequenceResult]


def load(folder: Path) -> Data:
    return {title: SequenceResult.load(folder / f"{name}.npz") for name, title in METHODS.items()}


def draw(data: Data) -> Figure:
    with style("full", "neurips", height=2.25):
        figure, (left, right) = plt.subplots(1, 2, width_ratios=(2, 3), sharey=True)
        plot_seen_accuracy(data, ax=left, legend=False)
        plot_metric_bars(data, METRICS, ax=right, points=False, legend=False)
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(data))
    return figure


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
