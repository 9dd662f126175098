"""The tasks of all replicates, drawn once and stacked for whichever members ask."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from plnet.errors import TaskError
from plnet.forgetting.tasks.batches import Bases, TaskBatch, stack_tasks
from plnet.forgetting.tasks.task import PARTS, Task, TaskSequence

__all__ = ["TaskSource"]

# Stacked samples that are kept for the next call; the rest is stacked anew.
_KEPT = 2**29


class TaskSource:
    """Gives the task at a place of the sequence to the members with some numbers.

    Parameters
    ----------
    sequence : TaskSequence
    seeds : sequence of int, length S
        Of the replicates; member ``h * S + s`` belongs to replicate s.
    dtype : torch.dtype
    device : torch.device

    Raises
    ------
    TaskError
        If the recipe gives tasks that do not go together, or replicates with tasks of different sizes.
    """

    def __init__(
        self, sequence: TaskSequence, seeds: Sequence[int], dtype: torch.dtype, device: torch.device
    ) -> None:
        self.sequence, self.dtype, self.device = sequence, dtype, device
        self.drawn = [sequence.draw(seed) for seed in seeds]
        _check_sizes(self.drawn)
        self._bases: Bases = {}
        self._kept: OrderedDict[tuple[int, tuple[int, ...]], TaskBatch] = OrderedDict()

    def has(self, part: str) -> bool:
        """Return whether every task has samples of a part."""
        return all(len(getattr(task, part)) for task in self.drawn[0])

    def digests(self) -> tuple[tuple[str, ...], ...]:
        """Return for each task of each replicate a text that is equal exactly for equal data."""
        known: dict[int, bytes] = {}
        return tuple(tuple(_digest(task, known) for task in tasks) for tasks in self.drawn)

    def digest(self) -> str:
        """Return a text that is equal exactly for equal samples of all replicates."""
        return hashlib.sha256(repr(self.digests()).encode()).hexdigest()

    def task(self, position: int, members: Sequence[int]) -> TaskBatch:
        """Return the task at a position, from 0, of the members with these numbers."""
        replicates = tuple(member % len(self.drawn) for member in members)
        key = (position, replicates)
        if key not in self._kept:
            tasks = [self.drawn[replicate][position] for replicate in replicates]
            self._kept[key] = stack_tasks(
                tasks,
                n_classes=self.sequence.n_classes,
                dtype=self.dtype,
                device=self.device,
                bases=self._bases,
            )
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(batch.nbytes for batch in self._kept.values()) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _digest(task: Task, known: dict[int, bytes]) -> str:
    """Digest a task; an array that `known` has by its identity, such as shared data, is not read again."""
    found = hashlib.sha256(f"{task.classes} {task.masked}".encode())
    for part in PARTS:
        samples = task.part(part)
        for field in fields(samples):
            array = getattr(samples, field.name)
            if id(array) not in known:
                known[id(array)] = _array_digest(array)
            found.update(known[id(array)])
    return found.hexdigest()


def _array_digest(array: np.ndarray | None) -> bytes:
    if array is None:
        return bytes(hashlib.sha256().digest_size)
    found: Any = hashlib.sha256(f"{array.shape} {array.dtype}".encode())
    found.update(np.ascontiguousarray(array))
    return found.digest()


def _check_sizes(drawn: Sequence[Sequence[Task]]) -> None:
    for position in range(len(drawn[0])):
        for part in PARTS:
            sizes = sorted({len(tasks[position].part(part)) for tasks in drawn})
            if len(sizes) > 1:
                raise TaskError(
                    f"Task {position + 1} has between {sizes[0]} and {sizes[-1]} {part} samples, depending "
                    "on the replicate; replicates that are trained together need tasks of one size. Let the "
                    "recipe take equally many samples for every seed, as split(balanced=True) does."
                )
