"""`compare_results`: methods against each other on one metric, paired by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from plnet.checks import suggest_options
from plnet.errors import MetricError
from plnet.forgetting.metrics import METRICS
from plnet.forgetting.results.failures import DIVERGED, NEVER_LEARNED
from plnet.forgetting.results.pairing import check_same_tasks
from plnet.forgetting.results.result import SequenceResult
from plnet.forgetting.results.summary import metric_values
from plnet.forgetting.statistics import Contrast, Estimate, paired_contrast
from plnet.forgetting.statistics.contrasts import pairs_to_compare, with_holm

__all__ = ["Comparison", "compare_results"]


@dataclass(frozen=True, eq=False)
class Comparison(Contrast):
    """A contrast of a metric between two results that counts failed replicates, beside one without them.

    A failed replicate has diverged or never learned, and counts as a network that names the most frequent
    class.

    Parameters
    ----------
    first, second, difference, p_value, adjusted_p_value, n_contrasts
        As for `Contrast`, of all pairs.
    metric : str
    left_out : Contrast
        The same of the pairs in which neither replicate has failed; NaN where there is none.
    diverged, never_learned : pair of int
        Replicates of the first and of the second result that failed, among the pairs.
    note : str
        What to know before quoting it; empty if nothing.
    """

    metric: str = ""
    left_out: Contrast | None = None
    diverged: tuple[int, int] = (0, 0)
    never_learned: tuple[int, int] = (0, 0)
    note: str = ""

    def __str__(self) -> str:
        failed = [sum(pair) for pair in zip(self.diverged, self.never_learned, strict=True)]
        words = "no failed runs"
        if any(failed) and self.left_out is not None:
            words = f"{failed[0]} and {failed[1]} failed runs counted as the most frequent class; left out: "
            words += str(self.left_out).split(": ", 1)[1] if self.left_out.difference.n else "no pair is left"
        return "; ".join(filter(None, [super().__str__(), words, self.note]))

    def to_row(self) -> dict[str, Any]:
        """Return a row of a table; every number without the failed runs stands beside that with them.

        Returns
        -------
        dict
            Columns: metric, first, second; mean, low, high, n, p_value, adjusted_p_value, each followed by
            the same with ``_left_out``; diverged_first, diverged_second, never_learned_first,
            never_learned_second, n_contrasts, note.
        """
        row: dict[str, Any] = {"metric": self.metric, "first": self.first, "second": self.second}
        left_out = _numbers(self if self.left_out is None else self.left_out)
        for name, value in _numbers(self).items():
            row |= {name: value, f"{name}_left_out": left_out[name]}
        for name in ("diverged", "never_learned"):
            row |= dict(zip((f"{name}_first", f"{name}_second"), getattr(self, name), strict=True))
        return row | {"n_contrasts": self.n_contrasts, "note": self.note}


def _numbers(contrast: Contrast) -> dict[str, Any]:
    difference = {name: getattr(contrast.difference, name) for name in ("mean", "low", "high", "n")}
    return difference | {name: getattr(contrast, name) for name in ("p_value", "adjusted_p_value")}


@suggest_options
def compare_results(
    results: Mapping[str, SequenceResult],
    metric: str = "average_accuracy",
    *,
    reference: str | None = None,
    part: str = "test",
    confidence: float = 0.95,
    interval: str = "t",
    rng: np.random.Generator | int | None = None,
) -> tuple[Comparison, ...]:
    """Return the contrasts of a metric between results, paired by seed, with Holm's correction.

    Replicates that diverged or never learned count as a network that names the most frequent class: to leave
    them out would flatter a method that fails loudly, and to take what they measured one that fails in
    another way. Each contrast has the numbers without them beside the others. Every pair of results uses the
    seeds that both of them have finished, or failed with; what a third one does has no influence.

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
        As for `plnet.statistics.mean_interval`.

    Returns
    -------
    tuple of Comparison

    Raises
    ------
    MetricError
        If the tasks of the results differ, two of them have no seed in common, or the metric is not known for
        one of them.

    Notes
    -----
    A network that names one class has nothing to forget, so a failed run has the best values of forgetting
    and backward transfer. Where that happens ``note`` says so; compare an accuracy too.
    """
    if len(results) < 1:
        raise MetricError("Expected at least one result.")
    check_same_tasks(results)
    columns = {name: _column(name, result, metric, part) for name, result in results.items()}
    pairs = pairs_to_compare(columns, reference)
    options = {"confidence": confidence, "interval": interval, "rng": rng}
    counted = with_holm([_contrast(columns[a], columns[b], options) for a, b in pairs])
    left_out = with_holm([_contrast(columns[a].sound, columns[b].sound, options) for a, b in pairs])
    notes = [_not_known({name: results[name] for name in pair}) for pair in pairs]
    return tuple(_comparison(columns, metric, *parts) for parts in zip(counted, left_out, notes, strict=True))


def _not_known(results: Mapping[str, SequenceResult]) -> str:
    """Return what two results do not tell about their tasks and their failures; empty if they tell all."""
    silent = [name for name, result in results.items() if result.failures is None]
    failures = (
        f"{' and '.join(silent)} without failures: runs that never learned are not known, and "
        f"{sum(results[name].n_diverged for name in silent)} diverged ones are left out"
    )
    return "; ".join(filter(None, [check_same_tasks(results), failures if silent else ""]))


def _comparison(
    columns: Mapping[str, _Column], metric: str, counted: Contrast, left_out: Contrast, note: str
) -> Comparison:
    """Put a contrast of all pairs, and that of the pairs that have not failed, side by side."""
    first, second = columns[counted.first], columns[counted.second]
    seeds = _common(first, second)
    none = "" if seeds else counted.difference.note
    return Comparison(
        **{part.name: getattr(counted, part.name) for part in fields(Contrast)},
        metric=metric,
        left_out=left_out,
        diverged=(first.count(DIVERGED, seeds), second.count(DIVERGED, seeds)),
        never_learned=(first.count(NEVER_LEARNED, seeds), second.count(NEVER_LEARNED, seeds)),
        note="; ".join(filter(None, [note, none, _flattered(first, second, metric)])),
    )


@dataclass(frozen=True)
class _Column:
    """A metric of one result by seed, of the replicates that count, and how those failed that did."""

    name: str
    values: Mapping[int, float]
    failed: Mapping[int, str]
    seeds: tuple[int, ...]

    @property
    def sound(self) -> _Column:
        """The same without failed replicates."""
        values = {seed: value for seed, value in self.values.items() if not self.failed[seed]}
        return _Column(self.name, values, self.failed, self.seeds)

    def count(self, kind: str, seeds: tuple[int, ...]) -> int:
        return sum(self.failed[seed] == kind for seed in seeds)


def _flattered(first: _Column, second: _Column, metric: str) -> str:
    """Return a warning where failed replicates look better than the others; empty otherwise."""
    sign = 1 if metric not in METRICS or METRICS[metric].larger_is_better else -1
    both = [(one.failed[seed], sign * one.values[seed]) for one in (first, second) for seed in one.values]
    failed, others = ([value for word, value in both if bool(word) is bad] for bad in (True, False))
    if not failed or not others or np.mean(failed) <= np.mean(others):
        return ""
    return f"by {metric} the failed runs are better than the others, so compare an accuracy too"


def _column(name: str, result: SequenceResult, metric: str, part: str) -> _Column:
    if not result.counted.any():
        return _Column(name, {}, {}, result.seeds)
    values, missing = metric_values(result, part=part)
    if metric not in values:
        reason = missing.get(metric, f"there is no such metric; there are {', '.join(values)}")
        raise MetricError(f"{metric} of {name} is not known: {reason}")
    seeds = [seed for seed, kept in zip(result.seeds, result.counted, strict=True) if kept]
    failed = dict(zip(result.seeds, result.failure_words, strict=True))
    return _Column(name, dict(zip(seeds, values[metric].tolist(), strict=True)), failed, result.seeds)


def _common(first: _Column, *others: _Column) -> tuple[int, ...]:
    return tuple(seed for seed in first.values if all(seed in other.values for other in others))


def _contrast(first: _Column, second: _Column, options: Mapping[str, Any]) -> Contrast:
    """Return the contrast of all pairs; without numbers where there is none."""
    if not set(first.seeds) & set(second.seeds):
        raise _no_pairs([first.name, second.name])
    seeds = _common(first, second)
    a, b = ([column.values[seed] for seed in seeds] for column in (first, second))
    names = (first.name, second.name)
    few = len(seeds) < 3 and options["interval"] != "t"
    if seeds:
        return paired_contrast(a, b, names=names, **{**options, "interval": "t"} if few else options)
    note = "no pair is left"
    none = Estimate(
        math.nan, math.nan, math.nan, np.empty(0), options["confidence"], options["interval"], note
    )
    return Contrast(*names, none, math.nan, math.nan)


def _no_pairs(names: list[str]) -> MetricError:
    return MetricError(
        f"No seed finished in all of {', '.join(names)}, so there are no pairs. Train them with equal seeds."
    )
