"""The results of ``check_maxout.py`` in plain words, from the files of its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plnet.errors import FileFormatError
from plnet.maxout.words import counted
from plnet.runs.jobs.reports import read_metrics, with_places

__all__ = ["FIGURE", "PIECES_FILE", "TEXT_FILE", "describe_check_maxout"]

FIGURE, PIECES_FILE, TEXT_FILE = "expression", "pieces.csv", "expressivity.txt"

_HOW = {
    "structural": "unit by unit",
    "enumeration": "on each linear region",
    "recession": "along a ray",
    "witness": "at a point",
    "branch_and_bound": "by branch and bound",
}


def describe_check_maxout(folder: Path) -> str:
    """Return the lines that tell what was proved and learnt, with the places of the files.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    """
    metrics = read_metrics(folder)
    if metrics["piecewise_linear"]:
        lines = [_read(folder / TEXT_FILE), f"Whole line: {_verdict(metrics, '')}."]
    else:
        lines = [f"{metrics['activation']} is smooth: finitely many pieces only approximate it."]
    if "units_network" in metrics:
        lines += _network(metrics)
    if "learnt" in metrics:
        lines += _learning(metrics)
    return with_places(lines, folder, FIGURE)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip()
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{path} cannot be read ({type(error).__name__}). Make the run again with rerun=all."
        ) from error


def _verdict(metrics: Mapping[str, Any], suffix: str) -> str:
    verdict, deviation = metrics[f"equivalent{suffix}"], metrics[f"max_deviation_text{suffix}"]
    how = _HOW.get(metrics[f"method{suffix}"], f"by {metrics[f'method{suffix}']}")
    if verdict is None:
        return f"not decided within the budget ({how})"
    if verdict:
        return f"the same function, proved {how}; the greatest deviation is exactly 0"
    value = metrics[f"max_deviation{suffix}"]
    # JSON has no infinity: a deviation without bound has a text only.
    if value is None:
        return f"another function, proved {how}; the deviation is {deviation or 'not known'}"
    size = "" if deviation is None or len(deviation) > 24 else f"exactly {deviation}, about "
    return f"another function, proved {how}; the greatest deviation is {size}{value:.6g}"


def _network(metrics: Mapping[str, Any]) -> list[str]:
    size = (
        f"{counted(metrics['units_network'], 'maxout unit')}, {counted(metrics['pieces_network'], 'piece')}"
    )
    return [
        f"Random network as maxout ({size}), everywhere: {_verdict(metrics, '_network')}.",
        f"The same on the box [-1, 1]^d: {_verdict(metrics, '_network_box')}.",
        f"With one weight moved: {_verdict(metrics, '_perturbed')}.",
    ]


def _learning(metrics: Mapping[str, Any]) -> list[str]:
    units = "one unit" if metrics["units"] == 1 else "a difference of two units"
    share = f"{metrics['learnt']} of {metrics['replicates']} random starts"
    low, high = metrics["learnt_low"], metrics["learnt_high"]
    lines = [
        f"Learning, {units} with {counted(metrics['pieces'], 'piece')}: {share} end within "
        f"{metrics['threshold']:.4g} of the function ({metrics['learnt_rate']:.1%}, "
        f"95 % interval {low:.1%} to {high:.1%})."
    ]
    if metrics["learnt_impossible"]:
        lines.append(
            f"No weights at all do: every such unit is off by at least {metrics['least_error']:.6g}."
        )
    if metrics["matching"] and metrics["learnt"]:
        lines.append("The best start's pieces beside the exact ones:")
        lines += [
            f"  exact {_line(*match['exact'])}, learnt {_line(*match['learnt'])}"
            for match in metrics["matching"]
        ]
    if metrics["stopped_by"]:
        lines.append(f"The training was stopped by {metrics['stopped_by']} after {metrics['steps']} steps.")
    return lines


def _line(slope: str | float, intercept: str | float) -> str:
    """Return an affine function in words; learnt numbers are rounded to six digits."""
    first, second = (f"{x:.6g}" if isinstance(x, float) else x for x in (slope, intercept))
    return f"{first} z + {second}".replace("+ -", "- ")
