"""Maxout units that are activations, exactly; one that none can be; and the best four lines for a square.

Claim: one unit with two pieces is ReLU, |z|, leaky ReLU and PReLU, exactly, on the whole line. With slope 1.7
the function is concave and no single unit is it. A square is approximated, with the least possible error.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paths
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plnet.plotting import CATEGORIES, plot_max_affine, save_figure, style

NAME = "maxout_expressivity"


def load(folder: Path) -> list[dict]:
    return json.loads(folder.joinpath("panels.json").read_text(encoding="utf-8"))


def draw(panels: list[dict]) -> Figure:
    with style("full", "neurips", height=3.5):
        figure, axes = plt.subplots(2, 3, sharex=True, sharey=True)
        handles: dict[str, Line2D] = {}
        for number, (panel, ax) in enumerate(zip(panels, axes.flat, strict=True)):
            for line in draw_panel(ax, panel, "abcdef"[number]):
                handles.setdefault(str(line.get_label()), line)
        for ax in axes[-1]:
            ax.set_xlabel("$z$")
        low, high = axes[0, 0].get_ylim()
        axes[0, 0].set_ylim(low, high + 0.55 * (high - low))  # Room for the words.
        witness = Line2D([], [], color=CATEGORIES[1], marker="o", markersize=2.5, linewidth=0.8)
        witness.set_label("chord below the function: not convex")
        figure.legend(handles=[*handles.values(), witness], loc="outside lower center", ncols=5)
    return figure


def draw_panel(ax: Axes, panel: dict, letter: str) -> list[Line2D]:
    slope = panel["slope"]
    function = np.square if slope is None else (lambda z: np.where(z > 0, z, slope * z))
    handles: list[Line2D] = []
    for unit in panel["units"]:
        positive = unit["sign"] > 0
        color = CATEGORIES[0 if positive else 2]
        options = {"function": function, "sign": unit["sign"], "color": color, "ax": ax}
        handles = plot_max_affine(unit["slopes"], unit["offsets"], -1.0, 1.0, **options)
        handles[1].set_label("unit" if positive else "minus a unit")
    ax.set_title(f"({letter}) {panel['title']}")
    ax.margins(y=0.12)
    if panel.get("witness"):
        x, y = np.array(panel["witness"]).T
        ax.plot(x[[0, 2]], y[[0, 2]], color=CATEGORIES[1], linewidth=0.8, zorder=4)
        ax.plot(x, y, color=CATEGORIES[1], marker="o", markersize=2.5, linestyle="none", zorder=5)
    ax.text(0.03, 0.96, words(panel), transform=ax.transAxes, va="top", fontsize=6.5, linespacing=1.25)
    return handles


def words(panel: dict) -> str:
    """Return weights and verdict of a panel."""
    if panel["slope"] is None:
        least = f"possible: {panel['optimal_error']:.6g}"
        return f"one unit, greatest error\n{panel['error']:.6g}, the least\n{least}"
    proof = f"deviation {panel['deviation']}, proved" if panel["equivalent"] else "not the same"
    formula = panel["formula"].replace("-", "−")
    if panel["one_unit"]:
        return f"one unit, two pieces\n{formula}\n{proof}"
    return f"no single unit;\n{formula},\n{proof}"


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
