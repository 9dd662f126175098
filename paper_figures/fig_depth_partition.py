"""The partition of a square by the walls of layer 1, of layers 1 and 2, and of all three hidden layers.

Claim: each layer cuts the regions of those before it; its walls, and the decision boundary, bend exactly at
the walls of earlier layers.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import paths
from matplotlib.figure import Figure

import plnet
from plnet.plotting import save_figure, style

NAME = "depth_partition"
DEPTHS = (1, 2, 3)


def load(folder: Path) -> list[plnet.RegionComplex]:
    return [plnet.RegionComplex.load(folder / f"regions_{depth}.npz") for depth in DEPTHS]


def draw(complexes: list[plnet.RegionComplex]) -> Figure:
    with style("full", "neurips", height=2.15):
        figure, axes = plt.subplots(1, len(complexes), sharey=True)
        for depth, complex_, ax in zip(DEPTHS, complexes, axes, strict=True):
            last = depth == len(complexes)
            plnet.plot_regions(complex_, ax=ax, color_by="none", walls="depth", boundary=last, legend=False)
            layers = "layer 1" if depth == 1 else f"layers 1–{depth}"
            ax.set_title(f"{layers}: {len(complex_)} regions")
            ax.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
            if depth > 1:
                ax.set_ylabel("")
        figure.legend(handles=key(len(complexes)), loc="outside lower center", ncols=len(complexes) + 1)
    return figure


def key(n_layers: int) -> list:
    from matplotlib.lines import Line2D

    from plnet.plotting.palettes import BOUNDARY
    from plnet.plotting.regions.scene import depth_colors, depth_widths

    styles = zip(depth_colors(n_layers), depth_widths(n_layers), strict=True)
    lines = [
        Line2D([], [], color=c, linewidth=w, label=f"walls of layer {i}")
        for i, (c, w) in enumerate(styles, 1)
    ]
    return [*lines, Line2D([], [], color=BOUNDARY, linewidth=1.2, label="decision boundary")]


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
