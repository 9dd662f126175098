"""`SequenceMetrics`: every metric of a result, with intervals over its replicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from plnet.errors import MetricError
from plnet.forgetting.metrics import METRICS, intransigence_chaudhry, min_acc, wc_acc
from plnet.forgetting.metrics.forward import FORWARD_TRANSFERS, NO_FORWARD_TRANSFER
from plnet.forgetting.results.data import SequenceData
from plnet.forgetting.results.failures import DIVERGED, NEVER_LEARNED
from plnet.forgetting.results.pairing import check_same_tasks
from plnet.statistics import Estimate, mean_interval

__all__ = ["SequenceMetrics", "metric_values", "summarise"]


@dataclass(frozen=True, eq=False)
class SequenceMetrics:
    """Metrics by name: ``metrics["average_accuracy"].mean``.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        Each over the replicates that count: those that finished, and those that failed as a network that
        names the most frequent class.
    left_out : mapping of str to Estimate
        The same without the failed replicates.
    missing : mapping of str to str
        Metrics that cannot be computed, with the reason.
    seeds : tuple of int
        Of the replicates that count, in the order of ``Estimate.values``.
    failure_words : tuple of str
        For each of them "diverged", "never learned" or nothing.
    n_diverged, n_never_learned, n_unfinished : int
        Replicates of the result that failed, or were cut off.
    counted : bool
        False where diverged replicates had to be left out of ``estimates`` too, because the result does not
        know what they count as: it was made by hand, or stored by an older version.
    """

    estimates: Mapping[str, Estimate]
    left_out: Mapping[str, Estimate]
    missing: Mapping[str, str]
    seeds: tuple[int, ...]
    failure_words: tuple[str, ...]
    n_diverged: int
    n_never_learned: int
    n_unfinished: int
    counted: bool

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
        beside = {name: f"; left out: {found}" for name, found in self.left_out.items()}
        if not any(self.failure_words):
            beside = {}
        lines = [f"{name:<{width}}  {found}{beside.get(name, '')}" for name, found in self.estimates.items()]
        return "\n".join([*lines, *([self.failures] if self.failures else [])])

    @property
    def failures(self) -> str:
        """How many replicates failed or were cut off, and what they count as; empty if none did."""
        failed = {DIVERGED: self.n_diverged, NEVER_LEARNED: self.n_never_learned}
        how = "counted as the most frequent class" if self.counted else "left out"
        words = [f"{', '.join(f'{n} {kind}' for kind, n in failed.items() if n)} ({how})"]
        words = words if any(failed.values()) else []
        words += [f"{self.n_unfinished} not finished (left out)"] if self.n_unfinished else []
        return f"failures: {', '.join(words)}" if words else ""

    def to_table(self) -> list[dict[str, Any]]:
        """Return one row for each metric.

        Returns
        -------
        list of dict
            Columns: metric, symbol, source, mean, low, high, confidence, interval, standard_deviation, n;
            mean_left_out, low_left_out, high_left_out, n_left_out, without the failed replicates; n_diverged,
            n_never_learned, n_unfinished, note. An interval that does not exist is NaN.
        """
        return [self._row(name, estimate) for name, estimate in self.estimates.items()]

    def values_table(self) -> list[dict[str, Any]]:
        """Return one row for each replicate that counts: its seed, how it failed, and every metric."""
        return [
            {
                "seed": seed,
                "failed": failed,
                **{name: float(estimate.values[s]) for name, estimate in self.estimates.items()},
            }
            for s, (seed, failed) in enumerate(zip(self.seeds, self.failure_words, strict=True))
        ]

    def _row(self, name: str, estimate: Estimate) -> dict[str, Any]:
        symbol, source = _label(name)
        left_out = self.left_out[name]
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
            **{f"{key}_left_out": getattr(left_out, key) for key in ("mean", "low", "high", "n")},
            "n_diverged": self.n_diverged,
            "n_never_learned": self.n_never_learned,
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
    result: SequenceData,
    *,
    joint: SequenceData | None = None,
    part: str = "test",
    confidence: float = 0.95,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
) -> SequenceMetrics:
    """Return every metric of a result; see `SequenceResult.metrics`."""
    result.counted_accuracy(part)
    values, missing = metric_values(result, joint=joint, part=part)
    sound = result.sound[result.counted]
    # An accuracy is at most 1, so that is the scale of rounding.
    estimate = partial(mean_interval, confidence=confidence, interval=interval, rng=rng, scale=1.0)
    estimates = {name: estimate(found) for name, found in values.items()}
    left_out = {
        name: estimates[name] if sound.all() else estimate(found[sound]) for name, found in values.items()
    }
    note = "" if joint is None else check_same_tasks({"joint": joint, "the result": result})
    if note and "intransigence_chaudhry" in estimates:
        found = estimates["intransigence_chaudhry"]
        estimates["intransigence_chaudhry"] = replace(found, note=f"{found.note} {note}.".lstrip())
    words = tuple(np.array(result.failure_words)[result.counted].tolist())
    return SequenceMetrics(
        MappingProxyType(estimates),
        MappingProxyType(left_out),
        MappingProxyType(missing),
        tuple(seed for seed, kept in zip(result.seeds, result.counted, strict=True) if kept),
        words,
        result.n_diverged,
        result.failure_words.count(NEVER_LEARNED),
        result.n_unfinished,
        result.failures is not None,
    )


def metric_values(
    result: SequenceData, *, joint: SequenceData | None = None, part: str = "test"
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return each metric of each replicate that counts, and why others are missing.

    Returns
    -------
    values : dict of str to ndarray, shape (n,)
    missing : dict of str to str

    Raises
    ------
    IncompleteResultError
        If no replicate counts.
    MetricError
        If `joint` does not fit, or there are no accuracies of this part.
    """
    matrix = result.counted_accuracy(part, all_failed=True)
    jobs: dict[str, Callable[[], Any]] = {
        name: partial(metric.function, matrix) for name, metric in METRICS.items()
    }
    if joint is not None:
        ceiling = _joint_diagonal(result, joint, part)
        jobs["intransigence_chaudhry"] = partial(intransigence_chaudhry, matrix, ceiling)
    if result.curves is not None and part == "test" and result.n_tasks > 1:
        lowest = _lowest(result, matrix)
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


def _joint_diagonal(result: SequenceData, joint: SequenceData, part: str) -> np.ndarray:
    """Return for the replicates that count the accuracy on each task right after joint training up to it."""
    if not isinstance(joint, SequenceData):
        raise MetricError(
            f'Expected the result of the method "joint" on the same tasks, got {type(joint).__name__}.'
        )
    check_same_tasks({"joint": joint, "the result": result})
    place = {seed: s for s, seed in enumerate(joint.seeds)}
    wanted = [seed for seed, kept in zip(result.seeds, result.counted, strict=True) if kept]
    absent = [seed for seed in wanted if seed not in place]
    if absent:
        raise MetricError(
            f"The joint result lacks the seeds {absent[:5]}{' and more' if len(absent) > 5 else ''}; "
            "intransigence is paired by seed, so train it with the same seeds."
        )
    rows = joint.of_part(part)[[place[seed] for seed in wanted], 1:]
    return np.diagonal(rows, axis1=1, axis2=2)


def _lowest(result: SequenceData, matrix: np.ndarray) -> list[np.ndarray]:
    """Return the lowest accuracy of each replicate that counts on each old task since it was learned.

    Shapes (n, 1). Moments that were not measured are passed over; the ends of later tasks always count.
    """
    curves = result.counted_curves()
    lowest = []
    for task in range(1, result.n_tasks):
        seen = np.concatenate([curves.since_learned(task), matrix[:, task + 1 :, task - 1]], axis=1)
        lowest.append(np.fmin.reduce(seen, axis=1, keepdims=True))
    return lowest
