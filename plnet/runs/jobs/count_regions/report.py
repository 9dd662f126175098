"""The result of the main job in plain words, from the files of its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plnet.errors import FileFormatError
from plnet.io import read_json
from plnet.runs.store.layout import METRICS_FILE

__all__ = ["count_in_words", "describe_main_job", "figure_files", "read_metrics"]

# Before and after training, or one count only.
_SUFFIXES = ("_before", "_after", "")
_FIGURE = "regions"
_DRAWN = (".eps", ".pdf", ".png", ".svg")


def count_in_words(metrics: Mapping[str, Any], suffix: str = "") -> str:
    """Return a count in plain words.

    Parameters
    ----------
    metrics : mapping
        With the entries of `plnet.runs.jobs.count_regions.counting.Counted.metrics`.
    suffix : str
        Of their names.
    """
    size, seconds = f"{metrics[f'regions{suffix}']} linear regions", metrics[f"seconds_counting{suffix}"]
    if not metrics[f"complete{suffix}"]:
        return f"at least {size} (stopped by {metrics[f'stopped_by{suffix}']} after {seconds:.3g} s)"
    return f"{size} ({'exact' if metrics[f'exact{suffix}'] else 'not proved'}, {seconds:.2g} s)"


def describe_main_job(folder: Path) -> str:
    """Return the lines that tell the result of the main job, with the places of its files.

    Raises
    ------
    FileFormatError
        If the numbers cannot be read.
    """
    metrics = read_metrics(folder)
    lines = []
    for suffix in _SUFFIXES:
        if f"regions{suffix}" not in metrics:
            continue
        words = count_in_words(metrics, suffix)
        if suffix == "_before":
            lines.append(f"Before training: {words}.")
        elif suffix == "_after":
            epochs, accuracy = metrics["epochs"], metrics["accuracy_test"]
            plural = "" if epochs == 1 else "s"
            lines.append(f"After training ({epochs} epoch{plural}): {words}; test accuracy {accuracy:.1%}.")
        else:
            lines.append(f"The network has {words}.")
    lines += [f"Figure:  {path}" for path in figure_files(folder)]
    return "\n".join([*lines, f"Numbers: {folder / METRICS_FILE}"])


def figure_files(folder: Path) -> list[Path]:
    """Return the files of the figure of the main job."""
    return sorted(path for path in folder.iterdir() if path.stem == _FIGURE and path.suffix.lower() in _DRAWN)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    Raises
    ------
    FileFormatError
        If there is none, or it cannot be read.
    """
    path = folder / METRICS_FILE
    try:
        values = read_json(path)
    except (OSError, FileFormatError) as error:
        raise FileFormatError(
            f"{path} cannot be read ({type(error).__name__}), although the run is finished. "
            "Make the run again with rerun=all."
        ) from error
    if not isinstance(values, dict):
        raise FileFormatError(f"Expected one object in {path}, got {type(values).__name__}.")
    return values
