"""The result of ``run_forgetting.py`` in plain words, from the files of its folder alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plnet.errors import IncompleteResultError
from plnet.forgetting.results.failures import failures_in_words
from plnet.forgetting.results.result import SequenceResult
from plnet.runs.jobs.reports import with_places

__all__ = ["FIGURE", "PANELS", "RESULT_FILE", "describe_run_forgetting", "matrix_in_words"]

RESULT_FILE = "result.npz"
FIGURE = "forgetting"
# The panels of the figure, where each has a file of its own.
PANELS = {name: f"{FIGURE}_{name}" for name in ("matrix", "curves", "metrics")}
# What is printed; all others are in the files.
_SHOWN = {
    "average_accuracy": "ACC, mean accuracy at the end",
    "learning_accuracy": "LA, accuracy right after learning",
    "backward_transfer_lopez_paz": "BWT of Lopez-Paz and Ranzato",
    "forward_transfer_lopez_paz": "FWT of Lopez-Paz and Ranzato",
    "forgetting_chaudhry": "forgetting of Chaudhry et al.",
}
_LONGEST_NAME, _CELL = 30, 7


def describe_run_forgetting(folder: Path) -> str:
    """Return the lines that tell the result of a run: accuracy matrix, metrics, places of the files.

    Raises
    ------
    FileFormatError
        If the result cannot be read.
    """
    result = SequenceResult.load(folder / RESULT_FILE)
    lines = [f"{result.settings['tasks']}, {result.model}, method {result.method}"]
    try:
        lines += ["", matrix_in_words(result), "", *_metrics(result)]
    except IncompleteResultError as error:
        lines += ["", str(error)]
    if result.failed.any() and not result.failed.all():
        seeds = [str(s) for s, bad in zip(result.seeds, result.failed, strict=True) if bad]
        how = "left out above" if result.failures is None else "counted above as the most frequent class"
        lines += [f"{failures_in_words(result, configuration=True)} They are {how}: seed {', '.join(seeds)}."]
    return with_places([*lines, ""], folder, FIGURE, *PANELS.values())


def matrix_in_words(result: SequenceResult) -> str:
    """Return the mean accuracies in per cent as lines of text; rows are after training a task.

    Raises
    ------
    IncompleteResultError
        If no replicate has finished, or all have failed.
    """
    accuracy = result.counted_accuracy()
    names = [_short(f"{t + 1} {name}") for t, name in enumerate(result.task_names)]
    margin = max(len(name) for name in ["before", *names])
    head = f"Accuracy in %, mean of {len(accuracy)} replicates; rows: after task, columns: on task"
    lines = [head, " " * margin + "".join(f"{t + 1:>{_CELL}}" for t in range(result.n_tasks))]
    for label, row in zip(["before", *names], accuracy.mean(axis=0), strict=True):
        cells = "".join(f"{'–' if np.isnan(value) else f'{100 * value:.1f}':>{_CELL}}" for value in row)
        lines.append(f"{label:<{margin}}{cells}")
    return "\n".join(lines)


def _metrics(result: SequenceResult) -> list[str]:
    found = result.metrics()
    width = max(len(words) for words in _SHOWN.values())
    lines = []
    for name, words in _SHOWN.items():
        if name in found:
            beside = f"; left out: {found.left_out[name]}" if any(found.failure_words) else ""
            lines.append(f"{words:<{width}}  {found[name]}{beside}")
    return lines


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
