"""`SequenceResult`: what training a sequence of tasks has measured, for every replicate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plnet.forgetting.results.data import SequenceData
from plnet.forgetting.results.files import load_result, save_result
from plnet.forgetting.results.summary import SequenceMetrics, summarise
from plnet.forgetting.results.table import accuracy_rows

__all__ = ["SequenceResult"]


@dataclass(frozen=True, eq=False, repr=False)
class SequenceResult(SequenceData):
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
        return summarise(self, joint=joint, part=part, confidence=confidence, interval=interval, rng=rng)

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
        return save_result(self, path)

    @staticmethod
    def load(path: str | Path) -> SequenceResult:
        """Read what `save` wrote.

        Raises
        ------
        FileFormatError
            If the file is missing, corrupt or of a newer schema.
        """
        return load_result(SequenceResult, path)
