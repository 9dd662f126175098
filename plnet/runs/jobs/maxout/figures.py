"""The figure of ``check_maxout.py``, from the files of a run."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.io import open_npz, reading
from plnet.plotting import panels, plot_max_affine, save_figure, style
from plnet.plotting.palettes import CATEGORIES
from plnet.runs.jobs.maxout.report import FIGURE, PIECES_FILE

if TYPE_CHECKING:
    from plnet.maxout.learning.targets import ImitationTarget
    from plnet.runs.config.options import PlotOptions
    from plnet.runs.store.outputs import RunFolder

__all__ = ["draw_expression", "read_pieces"]


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
    if (folder.path / PIECES_FILE).is_file():
        found.append(("exact units", read_pieces(folder.path / PIECES_FILE)))
    if (folder.path / "learnt.npz").is_file():
        found.append(("best of the random starts", _learnt(folder.path / "learnt.npz")))
    with panels(len(found), style(plot.column, plot.venue, columns=2, ratio=0.6)) as (figure, axes):
        for ax, (title, units) in zip(axes, found, strict=True):
            handles = _draw_units(ax, units, target)
            ax.set(title=title, xlabel="$z$")
            ax.sharey(axes[0])
            if ax is axes[-1]:
                figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return save_figure(figure, folder.place(FIGURE), plot.formats, title=target.name)


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
