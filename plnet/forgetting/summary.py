"""`SequenceMetrics`: every metric of a result, with intervals over its replicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from plnet.errors import MetricError
from plnet.forgetting.curves import AccuracyCurves
from plnet.forgetting.metrics import METRICS, intransigence_chaudhry, min_acc, wc_acc
from plnet.forgetting.metrics.forward import FORWARD_TRANSFERS, NO_FORWARD_TRANSFER
from plnet.forgetting.result import SequenceResult, tasks_in_words
from plnet.forgetting.statistics import Estimate, mean_interval

__all__ = ["SequenceMetrics", "metric_values", "summarise"]


@dataclass(frozen=True, eq=False)
class SequenceMetrics:
    """Metrics by name: ``metrics["average_accuracy"].mean``.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        Each over the replicates that finished.
    missing : mapping of str to str
        Metrics that cannot be computed, with the reason.
    seeds : tuple of int
        Of the replicates that finished, in the order of ``Estimate.values``.
    n_diverged, n_unfinished : int
        Replicates that were left out.
    """

    estimates: Mapping[str, Estimate]
    missing: Mapping[str, str]
    seeds: tuple[int, ...]
    n_diverged: int
    n_unfinished: int

    def __getitem__(self, name: str) -> Estimate:
        if name in self.estimates:
            return self.estimates[name]
        if name in self.missing:
            raise MetricError(f"There is no {name}: {self.missing[name]}")
        raise MetricError(f"There is no metric {name!r}. There are: {', '.join(self.estimates)}.")

    def __contains__(self, name: object) -> bool:
        return name in self.estimates

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def keys(self) -> list[str]:
        """Return the names of the metrics."""
        return list(self.estimates)

    def __str__(self) -> str:
        width = max(map(len, self.estimates), default=0)
        lines = [f"{name:<{width}}  {estimate}" for name, estimate in self.estimates.items()]
        if self.n_diverged or self.n_unfinished:
            lines.append(f"left out: {self.n_diverged} diverged, {self.n_unfinished} not finished")
        return "\n".join(lines)

    def to_table(self) -> list[dict[str, Any]]:
        """Return one row for each metric.

        Returns
        -------
        list of dict
            Columns: metric, symbol, source, mean, low, high, confidence, interval, standard_deviation, n,
            n_diverged, n_unfinished, note. An interval that does not exist is NaN.
        """
        return [self._row(name, estimate) for name, estimate in self.estimates.items()]

    def values_table(self) -> list[dict[str, Any]]:
        """Return one row for each replicate that finished: its seed and every metric."""
        return [
            {"seed": seed, **{name: float(estimate.values[s]) for name, estimate in self.estimates.items()}}
            for s, seed in enumerate(self.seeds)
        ]

    def _row(self, name: str, estimate: Estimate) -> dict[str, Any]:
        symbol, source = _label(name)
        return {
            "metric": name,
            "symbol": symbol,
            "source": source,
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "confidence": estimate.confidence,
            "interval": estimate.interval,
            "standard_deviation": estimate.standard_deviation,
            "n": estimate.n,
            "n_diverged": self.n_diverged,
            "n_unfinished": self.n_unfinished,
            "note": estimate.note,
        }


_MORE = {
    "intransigence_chaudhry": ("I_T", "Chaudhry et al. 2018"),
    "min_acc": ("min-ACC", "De Lange et al. 2023"),
    "wc_acc": ("WC-ACC", "De Lange et al. 2023"),
}
"""Symbol and source of the metrics that need more than one accuracy matrix."""


def summarise(
    result: SequenceResult,
    *,
    joint: SequenceResult | None = None,
    part: str = "test",
    confidence: float = 0.95,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
) -> SequenceMetrics:
    """Return every metric of a result; see `SequenceResult.metrics`."""
    values, missing = metric_values(result, joint=joint, part=part)
    estimates = {
        # An accuracy is at most 1, so that is the scale of rounding.
        name: mean_interval(found, confidence=confidence, interval=interval, rng=rng, scale=1.0)
        for name, found in values.items()
    }
    seeds = tuple(seed for seed, kept in zip(result.seeds, result.finished, strict=True) if kept)
    return SequenceMetrics(
        MappingProxyType(estimates),
        MappingProxyType(missing),
        seeds,
        result.n_diverged,
        result.n_unfinished,
    )


def metric_values(
    result: SequenceResult, *, joint: SequenceResult | None = None, part: str = "test"
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return each metric of each replicate that finished, and why others are missing.

    Returns
    -------
    values : dict of str to ndarray, shape (n,)
    missing : dict of str to str

    Raises
    ------
    IncompleteResultError
        If no replicate has finished.
    MetricError
        If `joint` does not fit, or there are no accuracies of this part.
    """
    matrix = result.finished_accuracy(part)
    jobs: dict[str, Callable[[], Any]] = {
        name: partial(metric.function, matrix) for name, metric in METRICS.items()
    }
    if joint is not None:
        ceiling = _joint_diagonal(result, joint, part)
        jobs["intransigence_chaudhry"] = partial(intransigence_chaudhry, matrix, ceiling)
    if result.curves is not None and part == "test" and result.n_tasks > 1:
        lowest = _lowest(result, result.curves)
        jobs["min_acc"] = partial(min_acc, lowest)
        jobs["wc_acc"] = partial(wc_acc, lowest, matrix[:, -1, -1])
    values: dict[str, np.ndarray] = {}
    missing: dict[str, str] = {}
    if result.settings.get("new_classes"):
        missing.update(dict.fromkeys(FORWARD_TRANSFERS, NO_FORWARD_TRANSFER))
    for name, job in jobs.items():
        if name in missing:
            continue
        try:
            values[name] = job()
        except MetricError as error:
            missing[name] = str(error)
    return values, missing


def _label(name: str) -> tuple[str, str]:
    if name in METRICS:
        return METRICS[name].symbol, METRICS[name].source
    return _MORE[name]


def _joint_diagonal(result: SequenceResult, joint: SequenceResult, part: str) -> np.ndarray:
    """Return for the finished replicates the accuracy on each task right after joint training up to it."""
    if not isinstance(joint, SequenceResult):
        raise MetricError(
            f'Expected the result of the method "joint" on the same tasks, got {type(joint).__name__}.'
        )
    words = {tasks_in_words(joint), tasks_in_words(result)} - {None}
    if len(words) > 1:
        raise MetricError(f"The joint result is of other tasks: {sorted(map(str, words))}.")
    if joint.n_tasks != result.n_tasks:
        raise MetricError(f"The joint result has {joint.n_tasks} tasks, expected {result.n_tasks}.")
    place = {seed: s for s, seed in enumerate(joint.seeds)}
    wanted = [seed for seed, kept in zip(result.seeds, result.finished, strict=True) if kept]
    absent = [seed for seed in wanted if seed not in place]
    if absent:
        raise MetricError(
            f"The joint result lacks the seeds {absent[:5]}{' and more' if len(absent) > 5 else ''}; "
            "intransigence is paired by seed, so train it with the same seeds."
        )
    rows = joint.of_part(part)[[place[seed] for seed in wanted], 1:]
    return np.diagonal(rows, axis1=1, axis2=2)


def _lowest(result: SequenceResult, curves: AccuracyCurves) -> list[np.ndarray]:
    """Return the lowest accuracy of each finished replicate on each old task since it was learned.

    Shapes (n, 1). Moments that were not measured are passed over; the ends of later tasks always count.
    """
    lowest = []
    for task in range(1, result.n_tasks):
        at_ends = result.accuracy[:, task + 1 :, task - 1]
        seen = np.concatenate([curves.since_learned(task), at_ends], axis=1)[result.finished]
        lowest.append(np.fmin.reduce(seen, axis=1, keepdims=True))
    return lowest
