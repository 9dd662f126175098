"""The linear regions on the plane through three digits, before and after training, in one scale.

Claim: training moves the walls, and the decision boundary comes to separate the three digits.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paths
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

import plnet
from plnet.plotting import CLASSES, MARKERS, save_figure, style
from plnet.plotting.palettes import BOUNDARY, WALL

NAME = "plane_before_after"


@dataclass(frozen=True)
class Data:
    """The regions, and the three images: coordinates (3, 2), images (3, height, width), labels (3,)."""

    before: plnet.RegionComplex
    after: plnet.RegionComplex
    coordinates: np.ndarray
    images: np.ndarray
    labels: np.ndarray


def load(folder: Path) -> Data:
    with np.load(folder / "points.npz", allow_pickle=False) as points:
        return Data(
            plnet.RegionComplex.load(folder / "regions_before.npz"),
            plnet.RegionComplex.load(folder / "regions.npz"),
            points["coordinates"],
            points["images"],
            points["labels"],
        )


def draw(data: Data) -> Figure:
    panels = {"before training": data.before, "after training": data.after}
    with style("full", "neurips", height=2.6):
        figure = plt.figure()
        left, right = figure.subfigures(1, 2, width_ratios=(8, 1))
        axes = left.subplots(1, 2, sharex=True, sharey=True)
        classes: set[int] = set()
        for (title, complex_), ax in zip(panels.items(), axes, strict=True):
            plnet.plot_regions(complex_, ax=ax, color_by="class", points=data.coordinates, legend=False)
            ax.set_title(f"{title}: {count(complex_)} regions")
            classes |= classes_on(complex_)
        axes[1].set_ylabel("")
        axes[1].tick_params(labelleft=False)
        handles = [
            Patch(facecolor=CLASSES[k], edgecolor=WALL, linewidth=0.3, label=str(k)) for k in sorted(classes)
        ]
        boundary = Line2D([], [], color=BOUNDARY, linewidth=1.2, label="boundary")
        left.legend(
            handles=[*handles, boundary],
            title="predicted digit",
            loc="outside lower center",
            ncols=len(handles) + 1,
        )
        draw_images(data, right.subplots(3, 1))
    return figure


def count(complex_: plnet.RegionComplex) -> str:
    return f"{len(complex_)}" if complex_.exact else f"at least {len(complex_)}"


def classes_on(complex_: plnet.RegionComplex) -> set[int]:
    """Return the classes that occur on the plane."""
    return set(complex_.decision_boundary().refined.patterns[:, -1].tolist())


def draw_images(data: Data, axes: np.ndarray) -> None:
    """Draw the three images in a column, each with the marker of its point."""
    for image, label, marker, ax in zip(data.images, data.labels, MARKERS, axes, strict=False):
        ax.imshow(image, cmap="gray_r", interpolation="nearest")
        ax.set(xticks=(), yticks=())
        mark_title(ax, marker, f"digit {label}")


def mark_title(ax: Axes, marker: str, text: str) -> None:
    ax.set_title(text, fontsize=7, pad=3, x=0.58)
    ax.plot(
        0.08,
        1.13,
        marker=marker,
        markersize=4,
        markerfacecolor="white",
        markeredgecolor="black",
        markeredgewidth=0.8,
        transform=ax.transAxes,
        clip_on=False,
    )


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
