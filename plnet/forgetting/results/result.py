"""`SequenceResult`: what training a sequence of tasks has measured, for every replicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import IncompleteResultError, MetricError
from plnet.forgetting.metrics.matrix import as_accuracy
from plnet.forgetting.results.curves import AccuracyCurves
from plnet.forgetting.results.failures import DIVERGED, NEVER_LEARNED, Failures, failures_in_words

if TYPE_CHECKING:
    from plnet.forgetting.results.summary import SequenceMetrics

__all__ = ["SequenceResult"]


@dataclass(frozen=True, eq=False)
class SequenceResult:
    """Accuracies of S replicates of one method, on every task after every task.

    Parameters
    ----------
    accuracy : array_like, shape (S, T + 1, T)
        On the test part: entry ``[s, i, j]`` of replicate s on the (j + 1)-th task after training i tasks;
        row 0 is before training. NaN where it is not known.
    task_names : sequence of str
        The T tasks in the order of training.
    seeds : sequence of int
        One for each replicate. Equal seeds in two results mean equal data, order and initialisation, so they
        can be compared in pairs.
    method, model : str
        What was trained, in words.
    settings : mapping of str to plain values, optional
        Everything else that tells this result from others: strengths, learning rate, epochs.
    diverged : array_like of bool, shape (S,), optional
        Replicates whose training left the range of numbers, with rows of NaN from that task on, or left a
        training loss above ten times that of the untrained network.
    failures : Failures, optional
        Replicates that never learned, and what failed ones count as. Files of older versions lack it.
    digests : sequence of S sequences of T str, optional
        Of the data of each task of each replicate: equal exactly for equal data. Files of older versions lack
        them.
    epochs : array_like of int, shape (S, T), optional
        Epochs of training each task; 0 where it was not trained.
    validation : array_like, shape (S, T + 1, T), optional
        As `accuracy`, on the validation part: what settings may be chosen by.
    curves : AccuracyCurves, optional
        Accuracies also within tasks.
    seconds : float
        Wall time of the training.
    complete : bool
        False after a budget ran out or an interruption.

    Raises
    ------
    MetricError
        If the parts do not fit together.

    Examples
    --------
    >>> from plnet.forgetting.results.result import SequenceResult
    >>> result = SequenceResult([[[0.1, 0.1], [0.6, 0.1], [0.7, 0.8]]], ["a", "b"], seeds=[0])
    >>> result.n_replicates, result.n_tasks, result.n_tasks_trained
    (1, 2, 2)
    >>> float(result.metrics()["average_accuracy"].mean)
    0.75
    """

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

    def through(self, tasks: int) -> SequenceResult:
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

    def metrics(
        self,
        *,
        joint: SequenceResult | None = None,
        part: str = "test",
        confidence: float = 0.95,
        interval: str = "t",
        rng: np.random.Generator | int | None = None,
    ) -> SequenceMetrics:
        """Return every metric of the accuracy matrix, with intervals over the replicates.

        Failed replicates count as a network that names the most frequent class; ``.left_out`` has the same
        metrics without them. Replicates that did not finish are left out. Metrics that do not exist for this
        sequence, or need entries that were not measured, are in ``.missing`` with the reason.

        Parameters
        ----------
        joint : SequenceResult, optional
            Method "joint" with the same seeds, for the intransigence.
        part : {"test", "validation"}
            Which accuracies.
        confidence : float
            Of the intervals.
        interval : {"t", "bca", "percentile"}
            See `plnet.statistics.mean_interval`.
        rng : numpy.random.Generator or int, optional
            For the two bootstrap intervals.

        Raises
        ------
        IncompleteResultError
            If no replicate has finished, or all have failed.
        MetricError
            If `joint` does not fit, or there are no validation accuracies.
        """
        from plnet.forgetting.results.summary import summarise

        return summarise(self, joint=joint, part=part, confidence=confidence, interval=interval, rng=rng)

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

    def to_table(self) -> list[dict[str, Any]]:
        """Return one row for each accuracy: replicate, after which task, on which task.

        Returns
        -------
        list of dict
            Columns: those of the settings, method, model, seed, diverged, never_learned (None where that is
            not known), after (0 is before training), task
            (from 1), task_name, accuracy, and where they were measured validation and epochs (of training the
            task numbered `after`). A number that is not known is None.
        """
        from plnet.forgetting.results.table import accuracy_rows

        return accuracy_rows(self)

    def save(self, path: str | Path) -> Path:
        """Write everything to an npz file, atomically, and return its path.

        Raises
        ------
        OutputError
            If the file cannot be written.
        MetricError
            If a setting is not a plain value.
        """
        from plnet.forgetting.results.files import save_result

        return save_result(self, path)

    @staticmethod
    def load(path: str | Path) -> SequenceResult:
        """Read what `save` wrote.

        Raises
        ------
        FileFormatError
            If the file is missing, corrupt or of a newer schema.
        """
        from plnet.forgetting.results.files import load_result

        return load_result(path)

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
