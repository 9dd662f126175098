"""`compare_results`: methods against each other on one metric, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plnet.errors import MetricError
from plnet.forgetting.result import SequenceResult, tasks_in_words
from plnet.forgetting.statistics import Contrast, compare_paired
from plnet.forgetting.summary import metric_values

__all__ = ["compare_results", "paired_values"]


def compare_results(
    results: Mapping[str, SequenceResult],
    metric: str = "average_accuracy",
    *,
    reference: str | None = None,
    part: str = "test",
    confidence: float = 0.95,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
) -> tuple[Contrast, ...]:
    """Return the contrasts of a metric between results, paired by seed, with Holm's correction.

    Every contrast uses the same seeds: those with which all results finished. So a method that diverges with
    some seeds takes them away from all; ``difference.n`` says how many are left.

    Parameters
    ----------
    results : mapping of str to SequenceResult
        By the name to print.
    metric : str
        A name in ``SequenceResult.metrics()``.
    reference : str, optional
        Compare every other result with this one; all pairs if not given.
    part : {"test", "validation"}
    confidence, interval, rng
        As for `plnet.forgetting.statistics.mean_interval`.

    Returns
    -------
    tuple of Contrast

    Raises
    ------
    MetricError
        If the results have no seed in common, or the metric is not known for one of them.
    """
    _, values = paired_values(results, metric, part=part)
    return compare_paired(values, reference=reference, confidence=confidence, interval=interval, rng=rng)


def paired_values(
    results: Mapping[str, SequenceResult], metric: str, *, part: str = "test"
) -> tuple[tuple[int, ...], dict[str, np.ndarray]]:
    """Return a metric of several results for the seeds with which all of them finished.

    Returns
    -------
    seeds : tuple of int
        In the order of the first result.
    values : dict of str to ndarray, shape (n,)

    Raises
    ------
    MetricError
        If the results have no seed in common, or the metric is not known for one of them.
    """
    if not results:
        raise MetricError("Expected at least one result.")
    tasks = {name: result.n_tasks for name, result in results.items()}
    if len(set(tasks.values())) > 1:
        raise MetricError(f"Results of sequences of different lengths cannot be paired: {tasks}.")
    words = {name: tasks_in_words(result) for name, result in results.items()}
    if len(set(words.values()) - {None}) > 1:
        raise MetricError(
            f"Results of different tasks cannot be paired by seed: {words}. plnet.forgetting.statistics."
            "unpaired_contrast compares values that are not paired."
        )
    found = {name: _by_seed(name, result, metric, part) for name, result in results.items()}
    first = next(iter(found.values()))
    seeds = tuple(seed for seed in first if all(seed in values for values in found.values()))
    if not seeds:
        raise MetricError(
            f"No seed finished in all of {', '.join(results)}, so there are no pairs. "
            "Train them with equal seeds."
        )
    return seeds, {name: np.array([values[seed] for seed in seeds]) for name, values in found.items()}


def _by_seed(name: str, result: SequenceResult, metric: str, part: str) -> dict[int, float]:
    values, missing = metric_values(result, part=part)
    if metric not in values:
        reason = missing.get(metric, f"there is no such metric; there are {', '.join(values)}")
        raise MetricError(f"{metric} of {name} is not known: {reason}")
    seeds = [seed for seed, kept in zip(result.seeds, result.finished, strict=True) if kept]
    return dict(zip(seeds, values[metric].tolist(), strict=True))
