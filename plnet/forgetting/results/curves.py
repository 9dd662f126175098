"""`AccuracyCurves`: accuracies on all tasks at many moments of the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.errors import MetricError
from plnet.forgetting.metrics.matrix import as_fractions

__all__ = ["AccuracyCurves"]


@dataclass(frozen=True, eq=False)
class AccuracyCurves:
    """Accuracies of S replicates on T tasks at P moments, in the order of time.

    Parameters
    ----------
    task : array_like of int, shape (P,)
        Which task was in training, from 1; 0 is before training.
    epoch : array_like, shape (P,)
        How many epochs of that task had been trained; fractions are moments within an epoch.
    accuracy : array_like, shape (S, P, T)
        NaN where a replicate was not measured, for instance because it had stopped early.

    Raises
    ------
    MetricError
        If the shapes do not fit or the moments are not in order.

    Examples
    --------
    >>> from plnet.forgetting.results.curves import AccuracyCurves
    >>> accuracy = [[[0.1, 0.1], [0.8, 0.2], [0.9, 0.2], [0.4, 0.7]]]
    >>> curves = AccuracyCurves([0, 1, 1, 2], [0, 1, 2, 1], accuracy)
    >>> curves.since_learned(1).tolist()
    [[0.4]]
    """

    task: np.ndarray
    epoch: np.ndarray
    accuracy: np.ndarray

    def __post_init__(self) -> None:
        task = np.array(self.task, dtype=np.int64)
        epoch = np.array(self.epoch, dtype=np.float64)
        accuracy = as_fractions(self.accuracy, "accuracies").copy()
        if task.ndim != 1 or epoch.shape != task.shape or accuracy.ndim != 3:
            raise MetricError(
                f"Expected task (P,), epoch (P,) and accuracy (S, P, T), got {task.shape}, {epoch.shape} "
                f"and {accuracy.shape}."
            )
        if accuracy.shape[1] != len(task):
            raise MetricError(f"Expected accuracies at {len(task)} moments, got {accuracy.shape[1]}.")
        steps = list(zip(task.tolist(), epoch.tolist(), strict=True))
        if sorted(steps) != steps or (len(task) and not 0 <= task[0] <= task[-1] <= accuracy.shape[2]):
            raise MetricError(
                f"Expected moments in the order of time, of tasks 0 to {accuracy.shape[2]}; got {steps}."
            )
        self._set(task=task, epoch=epoch, accuracy=accuracy)

    def since_learned(self, task: int) -> np.ndarray:
        """Return the accuracies on a task (from 1) at all moments of later tasks, shape (S, at most P).

        The last moment of the task itself is not among them, following De Lange et al. (2023).
        """
        return self.accuracy[:, self.task > task, task - 1]

    def through(self, tasks: int) -> AccuracyCurves:
        """Return what was measured on the first `tasks` tasks while they were trained."""
        kept = self.task <= tasks
        return AccuracyCurves(self.task[kept], self.epoch[kept], self.accuracy[:, kept, :tasks])

    def _set(self, **parts: Any) -> None:
        for name, value in parts.items():
            value.setflags(write=False)
            object.__setattr__(self, name, value)
