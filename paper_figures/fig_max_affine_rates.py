"""The greatest error of the best maximum of k affine functions, against k, in one and several dimensions.

Claim: in one dimension the fits reach the least possible errors, which fall like k^-2 with known constants;
in d dimensions the errors fall like k^(-2/d).
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paths
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plnet.plotting import plot_error_rate, save_figure, style

NAME = "max_affine_rates"


@dataclass(frozen=True)
class Curve:
    """Errors (n,) for numbers of pieces (n,), the least possible ones, and bounds of the limit."""

    label: str
    pieces: np.ndarray
    errors: np.ndarray
    optima: np.ndarray
    limits: tuple[float, float]
    slope: float


def load(folder: Path) -> dict[str, Curve]:
    with np.load(folder / "rates.npz", allow_pickle=False) as stored:
        names = [name.removesuffix("_label") for name in stored.files if name.endswith("_label")]
        return {
            name: Curve(
                str(stored[f"{name}_label"]),
                stored[f"{name}_pieces"],
                stored[f"{name}_errors"],
                stored[f"{name}_optima"],
                tuple(stored[f"{name}_limits"].tolist()),
                float(stored[f"{name}_slope"]),
            )
            for name in names
        }


def draw(curves: dict[str, Curve]) -> Figure:
    with style("full", "neurips", height=2.7):
        figure, axes = plt.subplots(1, 2, sharey=True)
        draw_panel(axes[0], [c for name, c in curves.items() if name.startswith("interval_")], (1,) * 9)
        cubes = {int(name.partition("_")[2]): c for name, c in curves.items() if name.startswith("cube_")}
        draw_panel(axes[1], list(cubes.values()), tuple(cubes), slopes=True)
        axes[0].set(title="(a) one dimension", ylabel="greatest error, certified")
        axes[1].set(title=r"(b) $|x|^2$ on the cube $[0, 1]^d$")
    return figure


def draw_panel(ax, curves: list[Curve], dims: tuple[int, ...], *, slopes: bool = False) -> None:
    handles = []
    for place, (curve, dim) in enumerate(zip(curves, dims, strict=False)):
        line = plot_error_rate(
            curve.pieces,
            curve.errors,
            ax=ax,
            optimal=curve.optima,
            constant=curve.limits,
            dim=dim,
            label=f"{curve.label}, slope {curve.slope:.2f}".replace("-", "−") if slopes else curve.label,
            place=place,
        )
        handles.append(line)
    ring = {"markerfacecolor": "none", "markeredgewidth": 0.5, "linestyle": "none", "color": "black"}
    handles.append(Line2D([], [], marker="o", markersize=5.2, label="least possible", **ring))
    handles.append(Line2D([], [], color="black", linewidth=0.5, label="limit for large $k$"))
    if any(curve.limits[0] < curve.limits[1] for curve in curves):
        bounds = "between bounds of the limit"
        handles.append(Patch(facecolor="black", alpha=0.35, linewidth=0, label=bounds))
    ax.set(xlabel="pieces $k$")
    ticks = [1, 2, 4, 8, 16, 32][: 6 if curves[0].pieces.max() > 24 else 5]
    ax.set_xticks(ticks, labels=ticks)
    ax.minorticks_off()
    ax.legend(handles=handles, loc="lower left", fontsize=6, labelspacing=0.2)


def main() -> None:
    figure = draw(load(paths.RESULTS / NAME))
    save_figure(figure, paths.OUTPUT / NAME)
    plt.close(figure)


if __name__ == "__main__":
    main()
