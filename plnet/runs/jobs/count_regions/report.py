"""The result of ``count_regions.py`` in plain words, from the files of its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plnet.runs.jobs.reports import read_metrics, with_places

__all__ = ["FIGURE", "count_in_words", "describe_count_regions"]

# Before and after training, or one count only.
_SUFFIXES = ("_before", "_after", "")
FIGURE = "regions"


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


def describe_count_regions(folder: Path) -> str:
    """Return the lines that tell the counts, with the places of the files.

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
    return with_places(lines, folder, FIGURE)
