"""The figures of ``check_maxout.py`` and ``fit_convex.py``, from the files of a run."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.io import open_npz, reading
from plnet.plotting import panels, plot_max_affine, save_figure, style
from plnet.plotting.palettes import CATEGORIES, WALL
from plnet.runs.jobs.count_regions.report import read_metrics

if TYPE_CHECKING:
    from plnet.maxout.learning.targets import ImitationTarget
    from plnet.runs.jobs.count_regions.figures import PlotOptions
    from plnet.runs.store.outputs import RunFolder

__all__ = ["draw_expression", "draw_fit", "read_pieces"]


def read_pieces(path: Path) -> list[dict[str, Any]]:
    """Return the units of a ``pieces.csv``: for each its sign, and slopes and intercepts of shape (k,).

    Raises
    ------
    FileFormatError
        If it cannot be read.
    """
    units = []
    with reading(path, "table of pieces", "Make the run again with rerun=all."):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for number in dict.fromkeys(row["unit"] for row in rows):
            unit = [row for row in rows if row["unit"] == number]
            units.append(
                {
                    "sign": int(unit[0]["sign"]),
                    "slopes": np.array([float(row["slope_float"]) for row in unit]),
                    "intercepts": np.array([float(row["intercept_float"]) for row in unit]),
                }
            )
    return units


def draw_expression(folder: RunFolder, target: ImitationTarget, plot: PlotOptions) -> tuple[Path, ...]:
    """Draw the exact units of an activation, and beside them the best start that learnt it.

    Parameters
    ----------
    folder : RunFolder
        With ``pieces.csv``, ``learnt.npz`` or both.
    target : ImitationTarget
    plot : PlotOptions

    Returns
    -------
    tuple of Path
        The files.
    """
    found = []
    if (folder.path / "pieces.csv").is_file():
        found.append(("exact units", read_pieces(folder.path / "pieces.csv")))
    if (folder.path / "learnt.npz").is_file():
        found.append(("best of the random starts", _learnt(folder.path / "learnt.npz")))
    with panels(len(found), style(plot.column, plot.venue, columns=2, ratio=0.6)) as (figure, axes):
        for ax, (title, units) in zip(axes, found, strict=True):
            handles = _draw_units(ax, units, target)
            ax.set(title=title, xlabel="$z$")
            ax.sharey(axes[0])
            if ax is axes[-1]:
                figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return save_figure(figure, folder.place("expression"), plot.formats, title=target.name)


def _draw_units(ax: Any, units: list[dict[str, Any]], target: ImitationTarget) -> list[Any]:
    """Draw a signed sum of units, and the function behind it; return the entries of a legend."""
    handles = []
    for place, unit in enumerate(units):
        lines = plot_max_affine(
            unit["slopes"],
            unit["intercepts"],
            target.low,
            target.high,
            function=None if place else target,
            sign=unit["sign"],
            ax=ax,
            color=CATEGORIES[place],
        )
        lines[-2].set_label("unit" if len(units) == 1 else ("first unit", "minus the second unit")[place])
        # One dashed entry stands for the pieces of all units.
        handles += lines[:-1] if place else lines
    if len(units) > 1:
        z = np.linspace(target.low, target.high, 513)
        tops = [
            unit["sign"] * (unit["slopes"][:, None] * z + unit["intercepts"][:, None]).max(axis=0)
            for unit in units
        ]
        handles += ax.plot(z, sum(tops), color="black", linewidth=0.9, zorder=4, label="sum")
    return handles


def _learnt(path: Path) -> list[dict[str, Any]]:
    with open_npz(path) as stored:
        best = int(np.argmin(stored["upper"]))
        weight, bias = stored["weight"][best], stored["bias"][best]
    signs = (1, -1)[: len(weight)]
    return [
        {"sign": sign, "slopes": w, "intercepts": b} for sign, w, b in zip(signs, weight, bias, strict=True)
    ]


def draw_fit(folder: RunFolder, target: Callable[[Any], np.ndarray], plot: PlotOptions) -> tuple[Path, ...]:
    """Draw a fit in one dimension: the target with the pieces, and the error below.

    Parameters
    ----------
    folder : RunFolder
        With ``fit.npz`` and ``metrics.json``.
    target : callable
    plot : PlotOptions

    Returns
    -------
    tuple of Path
        The files; none if the fit has several inputs or was made from samples.
    """
    metrics = read_metrics(folder.path)
    if metrics["dim"] != 1 or "low" not in metrics:
        return ()
    with open_npz(folder.path / "fit.npz") as stored:
        slopes, offsets = stored["slopes"][:, 0], stored["offsets"]
    (low,), (high,) = metrics["low"], metrics["high"]
    with panels(2, style(plot.column, plot.venue, columns=2, ratio=0.7)) as (figure, (left, right)):
        handles = plot_max_affine(slopes, offsets, low, high, function=target, ax=left)
        left.legend(handles=handles, loc="best")
        left.set(xlabel="$x$", ylabel="value", title="target and pieces")
        x = np.linspace(low, high, 2001)
        right.plot(x, (slopes[:, None] * x + offsets[:, None]).max(axis=0) - target(x), color=CATEGORIES[0])
        for error in (-metrics["sup_error"], metrics["sup_error"]):
            right.axhline(error, color=CATEGORIES[1], linewidth=0.5)
        right.axhline(0.0, color=WALL, linewidth=0.3)
        right.set(xlabel="$x$", ylabel="error", title="error, and the certified bound", xlim=(low, high))
        return save_figure(figure, folder.place("fit"), plot.formats)
