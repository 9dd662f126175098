"""The job of ``run_forgetting.py``: train replicates on a sequence of tasks, and write everything down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plnet.errors import IncompleteResultError
from plnet.forgetting.methods.base import Method
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.results.failures import NEVER_LEARNED, failures_in_words
from plnet.forgetting.results.result import SequenceResult
from plnet.forgetting.tasks.task import TaskSequence
from plnet.forgetting.training.sequence import train_sequence
from plnet.runs.config.options import PlotOptions, Runtime
from plnet.runs.jobs.forgetting.report import RESULT_FILE
from plnet.runs.jobs.runtime import check_device, determinism, threads
from plnet.runs.store.environment import describe_environment
from plnet.runs.store.layout import ENVIRONMENT_FILE, METRICS_FILE
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps
from plnet.runs.store.resume_training import TrainingCheckpoint

__all__ = ["RunForgettingOptions", "run_forgetting"]


@dataclass(frozen=True)
class RunForgettingOptions:
    """What is trained on what.

    Parameters
    ----------
    tasks : TaskSequence
    model : ModelSpec
    method : Method
    training : mapping
        Further arguments of `plnet.forgetting.train_sequence`.
    seeds : sequence of int
        One for each replicate.
    plot : PlotOptions, optional
        No figure without it.
    runtime : Runtime
    """

    tasks: TaskSequence
    model: ModelSpec
    method: Method
    training: Mapping[str, Any]
    seeds: Sequence[int]
    plot: PlotOptions | None = None
    runtime: Runtime = field(default_factory=Runtime)


def run_forgetting(
    folder: RunFolder,
    options: RunForgettingOptions,
    *,
    steps: Steps | None = None,
    progress: Any = "auto",
) -> dict[str, Any]:
    """Train all replicates, and write accuracies, metrics and figures.

    Parameters
    ----------
    folder : RunFolder
        Results are written as soon as they are known; after each task, a state from which an interrupted
        training goes on.
    options : RunForgettingOptions
    steps : Steps, optional
        What an earlier attempt in this folder has completed.
    progress : "auto", bool, None or callable
        As in `plnet.forgetting.train_sequence`.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    PLNetError
        If the parts do not go together, before any training.
    IncompleteResultError
        If every replicate has failed, when all has been written: a run without a result is not finished.
    KeyboardInterrupt
        After Ctrl-C, when what is known has been written; its text says where.
    """
    runtime = options.runtime
    device = check_device(runtime.device)
    checkpoint = TrainingCheckpoint(folder, Steps(None) if steps is None else steps)
    with threads(runtime.threads), determinism(runtime.deterministic):
        folder.json(ENVIRONMENT_FILE, describe_environment(device))
        result = train_sequence(
            options.tasks,
            options.model,
            options.method,
            seeds=options.seeds,
            device=device,
            progress=progress,
            checkpoint=checkpoint,
            **options.training,
        )
    metrics = _write(folder, result)
    if not result.complete:
        known = result.n_tasks_trained
        raise KeyboardInterrupt(
            f"Stopped by Ctrl-C after {known} of {result.n_tasks} tasks. What is known is in {folder.path}; "
            "the same command goes on from there."
        )
    if result.failed.all():
        # The state stays: the same command says the same again, without training.
        raise IncompleteResultError(
            f"{failures_in_words(result, configuration=True)} There are no metrics and no figures; the "
            f"accuracies are in {folder.path}."
        )
    if options.plot is not None:
        # Only a figure needs matplotlib.
        from plnet.runs.jobs.forgetting.figures import draw_forgetting

        draw_forgetting(folder, result, options.plot)
    checkpoint.remove()
    return metrics


def _write(folder: RunFolder, result: SequenceResult) -> dict[str, Any]:
    result.save(folder.place(RESULT_FILE))
    rows = result.to_table()
    folder.table("accuracy.csv", {name: [row.get(name) for row in rows] for name in rows[0]})
    metrics = {
        "model": result.model,
        "match": result.settings["match"],
        "n_parameters": result.settings["n_parameters"],
        "tasks_in_words": result.settings["tasks_in_words"],
        "n_tasks": result.n_tasks,
        "replicates": result.n_replicates,
        "finished": int(result.finished.sum()),
        "diverged": result.n_diverged,
        "never_learned": result.failure_words.count(NEVER_LEARNED),
        "complete": result.complete,
        **_numbers(folder, result),
        "seconds_training": result.seconds,
    }
    folder.json(METRICS_FILE, metrics)
    return metrics


def _numbers(folder: RunFolder, result: SequenceResult) -> dict[str, Any]:
    """Return mean, spread and interval of every metric, and the mean without failed replicates."""
    values: dict[str, Any] = {}
    parts = ["test"] if result.validation is None else ["test", "validation"]
    for part in parts:
        try:
            found = result.metrics(part=part)
        except IncompleteResultError:
            continue
        suffix = "" if part == "test" else "_validation"
        columns: dict[str, Any] = {"seed": list(found.seeds), "failed": list(found.failure_words)}
        for name in found:
            estimate = found[name]
            columns[name] = [float(value) for value in estimate.values]
            entries = {
                "": estimate.mean,
                "_sd": estimate.standard_deviation,
                "_low": estimate.low,
                "_high": estimate.high,
                "_left_out": found.left_out[name].mean,
            }
            for kind, value in entries.items():
                values[f"{name}{suffix}{kind}"] = _finite(value)
        folder.table(f"replicates{suffix}.csv", columns)
    return values


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
