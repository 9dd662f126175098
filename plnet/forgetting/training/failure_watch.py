"""Looks after each task at the members that have failed in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from plnet.forgetting.models.batched_network import BatchedNetwork
from plnet.forgetting.results.failures import LOSS_FACTOR, Failures, never_learned, one_class_accuracy
from plnet.forgetting.tasks.task_source import TaskSource
from plnet.forgetting.training.evaluation import fit
from plnet.forgetting.training.members import Members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.trainer import chunk_size

__all__ = ["FailureWatch"]


class FailureWatch:
    """What is known of the failures of M members; see `Failures`.

    Parameters
    ----------
    members : Members
    source : TaskSource
    options : TrainingOptions

    Attributes
    ----------
    diverged, never_learned : ndarray of bool, shape (M,)
    task : ndarray of int, shape (M,)
        In which task, from 1, each has failed first; 0 if it has not.
    """

    def __init__(self, members: Members, source: TaskSource, options: TrainingOptions) -> None:
        self._members, self._source, self._options = members, source, options
        self._before = members.parameters
        self.diverged = np.zeros(len(members), dtype=bool)
        self.never_learned = np.zeros(len(members), dtype=bool)
        self.task = np.zeros(len(members), dtype=np.int64)

    def begin(self) -> None:
        """Keep the parameters with which a task begins."""
        self._before = self._members.parameters.clone()

    def look(self, task: int) -> None:
        """Take notice of the members that have failed in a task, counted from 0, which has just ended."""
        lost = self._members.diverged.cpu().numpy()
        right, loss = self._fit(task, self._members.parameters, range(len(lost)))
        if task == 0:
            labels = np.stack([tasks[0].train.y for tasks in self._source.drawn])
            self.never_learned = ~lost & never_learned(right.reshape(-1, len(labels)), labels).ravel()
        self.diverged |= lost | self._exploded(task, loss, np.flatnonzero(~lost))
        new = (self.diverged | self.never_learned) & (self.task == 0)
        self.task[new] = task + 1

    def failures(self, members: slice) -> Failures:
        """Return what is known of neighbouring members, one for each replicate."""
        drawn, validation = self._source.drawn, None
        if self._source.has("validation"):
            validation = np.stack([one_class_accuracy(tasks, "validation") for tasks in drawn])
        test = np.stack([one_class_accuracy(tasks, "test") for tasks in drawn])
        return Failures(self.never_learned[members], self.task[members], test, validation)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return copies of all that is known."""
        return {name: torch.from_numpy(getattr(self, name).copy()) for name in _KNOWN}

    def load_state_dict(self, saved: dict[str, torch.Tensor]) -> None:
        """Take over what `state_dict` returned."""
        for name in _KNOWN:
            getattr(self, name)[:] = saved[name].numpy()

    def _exploded(self, task: int, loss: np.ndarray, finite: np.ndarray) -> np.ndarray:
        """Say whose training has left a loss far above that of the untrained network.

        A loss that is no higher than at the beginning of the task is none: then the method did not let the
        member learn.
        """
        found = np.zeros(len(loss), dtype=bool)
        # The rest is no worse than a guess.
        suspects = finite[~(loss[finite] <= np.log(self._source.sequence.n_classes))]
        if len(suspects):
            numbers = suspects.tolist()
            _, untrained = self._fit(task, self._members.initial(numbers), numbers)
            _, before = self._fit(task, self._before[numbers], numbers)
            limit = np.fmax(LOSS_FACTOR * untrained, before)
            found[suspects] = ~(loss[suspects] <= limit)
        return found

    def _fit(
        self, task: int, parameters: torch.Tensor, numbers: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return samples right and mean loss on the training part of a task, for the rows of members."""
        network, size = BatchedNetwork(self._members.architecture), chunk_size(self._members, self._options)
        found = []
        for start in range(0, len(numbers), size):
            rows = slice(start, start + size)
            found.append(fit(network, parameters[rows], self._source.task(task, numbers[rows])))
        right, loss = zip(*found, strict=True)
        return np.concatenate(right), np.concatenate(loss)


_KNOWN = ("diverged", "never_learned", "task")
