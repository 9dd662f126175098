"""What training a sequence of tasks has measured, as checked arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from plnet.errors import IncompleteResultError, MetricError
from plnet.forgetting.metrics.matrix import as_accuracy
from plnet.forgetting.results.curves import AccuracyCurves
from plnet.forgetting.results.failures import DIVERGED, NEVER_LEARNED, Failures, failures_in_words

__all__ = ["SequenceData"]


@dataclass(frozen=True, eq=False)
class SequenceData:
    """The arrays of a `SequenceResult`, which describes them, and what follows from them alone."""

    accuracy: np.ndarray
    task_names: tuple[str, ...]
    seeds: tuple[int, ...]
    method: str = "plain"
    model: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    diverged: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    failures: Failures | None = None
    digests: tuple[tuple[str, ...], ...] = ()
    epochs: np.ndarray | None = None
    validation: np.ndarray | None = None
    curves: AccuracyCurves | None = None
    seconds: float = 0.0
    complete: bool = True

    def __post_init__(self) -> None:
        accuracy = _matrices("accuracy", self.accuracy)
        replicates, _, tasks = accuracy.shape
        self._set("accuracy", accuracy)
        self._set("task_names", _texts("task_names", self.task_names, tasks))
        self._set("seeds", _seeds(self.seeds, replicates))
        self._set("settings", MappingProxyType(dict(self.settings)))
        # Nothing said about it means that nobody diverged.
        diverged = self.diverged if np.size(self.diverged) else np.zeros(replicates)
        self._set("diverged", _array("diverged", diverged, (replicates,), np.bool_))
        if self.failures is not None:
            self.failures.check(accuracy.shape)
        if len(self.digests):
            rows = tuple(_texts("digests", row, tasks) for row in self.digests)
            if len(rows) != replicates:
                raise MetricError(f"Expected digests of {replicates} replicates, got {len(rows)}.")
            self._set("digests", rows)
        if self.epochs is not None:
            self._set("epochs", _array("epochs", self.epochs, (replicates, tasks), np.int64))
        if self.validation is not None:
            self._set("validation", _matrices("validation", self.validation, accuracy.shape))
        if self.curves is not None and self.curves.accuracy.shape[::2] != (replicates, tasks):
            raise MetricError(
                f"Expected curves of {replicates} replicates on {tasks} tasks, got shape "
                f"{self.curves.accuracy.shape}."
            )

    def __repr__(self) -> str:
        trained = "" if self.n_tasks_trained == self.n_tasks else f" ({self.n_tasks_trained} by all)"
        words = [word for word in self.failure_words if word]
        bad = "".join(f", {words.count(kind)} {kind}" for kind in dict.fromkeys(words))
        state = "" if self.complete else ", not complete"
        model = f"{self.model}, " if self.model else ""
        return (
            f"SequenceResult({self.method}, {model}{self.n_tasks} tasks{trained}, "
            f"{self.n_replicates} replicates{bad}{state}, {self.seconds:.3g} s)"
        )

    @property
    def n_replicates(self) -> int:
        """Replicates, with those that failed."""
        return self.accuracy.shape[0]

    @property
    def n_tasks(self) -> int:
        """Tasks of the sequence."""
        return self.accuracy.shape[2]

    @property
    def n_diverged(self) -> int:
        """Replicates that diverged."""
        return int(self.diverged.sum())

    @property
    def failed(self) -> np.ndarray:
        """Which replicates have diverged or never learned, shape (S,)."""
        never = False if self.failures is None else self.failures.never_learned
        return _read_only(self.diverged | never)

    @property
    def failure_words(self) -> tuple[str, ...]:
        """For each replicate "diverged", "never learned" or nothing."""
        return tuple(
            DIVERGED if diverged else NEVER_LEARNED if failed else ""
            for diverged, failed in zip(self.diverged, self.failed, strict=True)
        )

    @property
    def n_tasks_trained(self) -> int:
        """Tasks that every replicate which did not diverge has been trained and measured on.

        0 if all diverged.
        """
        kept = self.accuracy[~self.diverged]
        if len(kept) == 0:
            return 0
        return int(np.min(np.sum(~np.isnan(np.diagonal(kept[:, 1:], axis1=1, axis2=2)), axis=1)))

    @property
    def finished(self) -> np.ndarray:
        """Which replicates have gone through all tasks without diverging, shape (S,)."""
        last = self.accuracy[:, -1]
        return _read_only(~self.diverged & ~np.isnan(last).any(axis=1))

    @property
    def counted(self) -> np.ndarray:
        """Which replicates count in a mean, shape (S,): the finished, and the failed if it is known how."""
        return self.finished if self.failures is None else _read_only(self.finished | self.failed)

    @property
    def sound(self) -> np.ndarray:
        """Which replicates have finished and not failed, shape (S,)."""
        return _read_only(self.finished & ~self.failed)

    @property
    def n_unfinished(self) -> int:
        """Replicates that neither failed nor reached the end."""
        return int((~self.finished & ~self.failed).sum())

    def through(self, tasks: int) -> Self:
        """Return the result of the first `tasks` tasks, as if the sequence had ended there.

        A replicate that failed later counts as failed here too, so that the replicates stay the same.

        Raises
        ------
        MetricError
            If there are not so many tasks.
        """
        if isinstance(tasks, bool) or not isinstance(tasks, int) or not 1 <= tasks <= self.n_tasks:
            raise MetricError(f"Expected a number of tasks from 1 to {self.n_tasks}, got {tasks!r}.")
        return replace(
            self,
            accuracy=self.accuracy[:, : tasks + 1, :tasks],
            task_names=self.task_names[:tasks],
            failures=None if self.failures is None else self.failures.through(tasks),
            epochs=None if self.epochs is None else self.epochs[:, :tasks],
            validation=None if self.validation is None else self.validation[:, : tasks + 1, :tasks],
            curves=None if self.curves is None else self.curves.through(tasks),
            complete=self.complete or self.n_tasks_trained >= tasks,
            digests=tuple(row[:tasks] for row in self.digests),
        )

    def of_part(self, part: str) -> np.ndarray:
        """Return the accuracies (S, T + 1, T) on the part "test" or "validation".

        Raises
        ------
        MetricError
            If there are none.
        """
        if part not in ("test", "validation"):
            raise MetricError(f'Expected part "test" or "validation", got {part!r}.')
        if part == "validation" and self.validation is None:
            raise MetricError("This result has no validation accuracies; train with a validation part.")
        return self.accuracy if part == "test" or self.validation is None else self.validation

    def finished_accuracy(self, part: str = "test") -> np.ndarray:
        """Return the accuracies of the replicates that did not diverge and reached the end, as measured.

        Returns
        -------
        ndarray, shape (at most S, T + 1, T)

        Raises
        ------
        IncompleteResultError
            If there are none.
        """
        if not self.finished.any():
            done = self.n_tasks_trained
            hint = f" Take the first {done}: result.through({done})." if done else ""
            raise IncompleteResultError(
                f"No replicate has finished all {self.n_tasks} tasks: {self.n_diverged} of "
                f"{self.n_replicates} diverged, {self.n_unfinished} stopped early.{hint}"
            )
        return self.of_part(part)[self.finished]

    def counted_accuracy(self, part: str = "test", *, all_failed: bool = False) -> np.ndarray:
        """Return the accuracies of the replicates that count; failed ones name the most frequent class.

        Parameters
        ----------
        part : {"test", "validation"}
        all_failed : bool
            Whether there is an answer also where every replicate has failed.

        Returns
        -------
        ndarray, shape (at most S, T + 1, T)
            In the order of the replicates for which `counted` is true.

        Raises
        ------
        IncompleteResultError
            If there are none, or all have failed.
        """
        if self.failures is None or not self.counted.any():
            return self.finished_accuracy(part)
        if self.failed.all() and not all_failed:
            raise IncompleteResultError(failures_in_words(self))
        return self.failures.counted(self.of_part(part), self.failed, part)[self.counted]

    def counted_curves(self) -> AccuracyCurves:
        """Return the curves of the replicates that count, with failed ones as in `counted_accuracy`.

        Raises
        ------
        MetricError
            If there are no curves.
        """
        if self.curves is None:
            raise MetricError("This result has no curves. Take train_sequence(..., curves=1).")
        values = self.curves.accuracy
        if self.failures is not None:
            instead = self.failures.test[:, self.curves.task]
            values = np.where(self.failed[:, None, None] & ~np.isnan(instead), instead, values)
        return replace(self.curves, accuracy=values[self.counted])

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


def _matrices(name: str, values: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    matrix = as_accuracy(values)
    if matrix.ndim != 3:
        raise MetricError(f"Expected {name} of shape (S, T + 1, T) with S replicates, got {matrix.shape}.")
    if shape is not None and matrix.shape != shape:
        raise MetricError(f"Expected {name} of shape {shape} like the accuracy, got {matrix.shape}.")
    return _read_only(matrix.copy())


def _array(name: str, values: Any, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    array = np.array(values, dtype=kind)
    if array.shape != shape:
        raise MetricError(f"Expected {name} of shape {shape}, got {array.shape}.")
    return _read_only(array)


def _texts(name: str, values: Sequence[str], size: int) -> tuple[str, ...]:
    texts = (values,) if isinstance(values, str) else tuple(values)
    if len(texts) != size or not all(isinstance(text, str) for text in texts):
        raise MetricError(f"Expected {size} {name} as texts, got {values!r}.")
    return texts


def _seeds(values: Sequence[int], size: int) -> tuple[int, ...]:
    seeds = tuple(int(seed) for seed in values)
    if len(seeds) != size:
        raise MetricError(f"Expected {size} seeds, one for each replicate, got {len(seeds)}.")
    if len(set(seeds)) != size:
        raise MetricError(
            "Two replicates have the same seed, so they are one replicate counted twice. Give each its own."
        )
    return seeds


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
