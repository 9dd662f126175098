"""The same task of several members of an ensemble, stacked into tensors with the member axis first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from plnet.errors import TaskError
from plnet.forgetting.data.samples import Samples
from plnet.forgetting.tasks.task import PARTS, Part, Task

__all__ = ["TaskBatch", "stack_tasks"]

# Samples of one part of one member that are laid out as one tensor; above this, members share the base array.
# It must not depend on the number of members, or the chunk size would decide where rounding happens.
_LARGEST_COPY = 8 * 2**20

# Arrays that were brought to a device already, by identity, with the array itself so that it stays alive.
Bases: TypeAlias = dict[tuple[int, torch.dtype, torch.device], tuple[np.ndarray, torch.Tensor]]


class TaskBatch:
    """One task of M members; made by `stack_tasks`.

    Attributes
    ----------
    members : int
        M.
    n_inputs, n_classes : int
        d and C, the outputs of the network.
    names : tuple of str
        Name of the task for each member.
    active : torch.Tensor of bool, shape (M, C), or None
        The outputs that compete; None where all do.
    dtype, device
        Of what `gather` returns.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        n_classes: int,
        dtype: torch.dtype,
        device: torch.device,
        bases: Bases | None = None,
    ) -> None:
        self.members, self.n_inputs, self.n_classes = len(tasks), tasks[0].n_inputs, n_classes
        self.names = tuple(task.name for task in tasks)
        self.dtype, self.device = dtype, device
        self.active = _active(tasks, n_classes, device)
        self._tasks, self._bases = tuple(tasks), {} if bases is None else bases
        self._stacked: dict[str, Any] = {}

    def size(self, part: str) -> int:
        """Return the number n of samples of a part, the same for every member; 0 where there is none."""
        return len(self._tasks[0].part(_known(part)))

    def gather(self, part: str, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return chosen samples of each member.

        Parameters
        ----------
        part : "train", "validation" or "test"
        rows : torch.Tensor of int64, shape (M, B)
            Row m holds the numbers, from 0 to n - 1, of the samples of member m.

        Returns
        -------
        x : torch.Tensor, shape (M, B, d)
        y : torch.Tensor of int64, shape (M, B)
        """
        return self._part(part).gather(rows)

    def whole(self, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return all samples of a part in their order, shapes (M, n, d) and (M, n)."""
        return self._part(part).whole()

    @property
    def nbytes(self) -> int:
        """Memory of the samples that are laid out for this batch alone, in bytes."""
        return sum(stacked.nbytes for stacked in self._stacked.values())

    def _part(self, name: str) -> Any:
        # Stacked on first use: a task that is only tested needs no copy of its training samples.
        if name not in self._stacked:
            samples = [task.part(_known(name)) for task in self._tasks]
            self._stacked[name] = _stack(samples, self.dtype, self.device, self._bases)
        return self._stacked[name]


def stack_tasks(
    tasks: Sequence[Task],
    *,
    n_classes: int | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    bases: Bases | None = None,
) -> TaskBatch:
    """Stack the same task of several members.

    Parameters
    ----------
    tasks : sequence of Task
        One for each member, with the same numbers of samples and inputs.
    n_classes : int, optional
        Outputs C of the network; one more than the largest class without it.
    dtype : torch.dtype
    device : torch.device or str
    bases : dict, optional
        Shared by several calls, it keeps arrays that were brought to the device already.

    Returns
    -------
    TaskBatch

    Raises
    ------
    TaskError
        If the tasks have different sizes.

    Notes
    -----
    What a member gets does not depend on the other members, to the last bit.
    """
    if not tasks:
        raise TaskError("Expected one task for each member, got none.")
    for part in PARTS:
        sizes = sorted({len(task.part(part)) for task in tasks})
        if len(sizes) > 1:
            raise TaskError(
                f"Expected the same number of {part} samples for every member of a batch, got {sizes}."
            )
    if len({task.n_inputs for task in tasks}) > 1:
        raise TaskError(f"Expected one number of inputs, got {sorted({task.n_inputs for task in tasks})}.")
    classes = 1 + max(max(task.classes) for task in tasks) if n_classes is None else n_classes
    return TaskBatch(tasks, classes, dtype, torch.device(device), bases)


def _active(tasks: Sequence[Task], n_classes: int, device: torch.device) -> torch.Tensor | None:
    if not any(task.masked for task in tasks):
        return None
    mask = torch.zeros(len(tasks), n_classes, dtype=torch.bool)
    for row, task in zip(mask, tasks, strict=True):
        row[list(task.classes) if task.masked else slice(None)] = True
    return mask.to(device)


def _known(part: str) -> Part:
    if part not in PARTS:
        raise TaskError(f"Expected part {', '.join(PARTS)}; got {part!r}.")
    return part


def _stack(parts: Sequence[Samples], dtype: torch.dtype, device: torch.device, bases: Bases) -> Any:
    shared = _Shared.of(parts, dtype, device, bases)
    largest = max(len(part) * part.n_inputs for part in parts) * dtype.itemsize
    if largest == 0 or largest > _LARGEST_COPY:
        return shared
    return _Laid(*shared.whole())


@dataclass(frozen=True)
class _Laid:
    """Samples of all members in one tensor."""

    x: torch.Tensor
    y: torch.Tensor

    @property
    def nbytes(self) -> int:
        return self.x.nbytes + self.y.nbytes

    def whole(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x, self.y

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        members, n, d = self.x.shape
        start = torch.arange(members, device=rows.device)[:, None] * n
        flat = (rows + start).reshape(-1)
        x = self.x.reshape(members * n, d).index_select(0, flat)
        return x.reshape(*rows.shape, d), self.y.gather(1, rows)


@dataclass(frozen=True)
class _Shared:
    """Samples of all members as rows of arrays that members share."""

    bases: tuple[torch.Tensor, ...]
    member_base: tuple[int, ...]
    y: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor | None
    offset: torch.Tensor | None
    factor: torch.Tensor | None
    dtype: torch.dtype

    @staticmethod
    def of(parts: Sequence[Samples], dtype: torch.dtype, device: torch.device, bases: Bases) -> _Shared:
        different = {id(part.base): part.base for part in parts}
        place = {key: k for k, key in enumerate(different)}
        n, d = len(parts[0]), parts[0].n_inputs
        rows = [np.arange(n) if part.rows is None else part.rows for part in parts]
        columns = offset = factor = None
        if any(part.columns is not None for part in parts):
            columns = _integers([np.arange(d) if p.columns is None else p.columns for p in parts], device)
        if any(part.offset is not None for part in parts):
            offset = _numbers([np.zeros(d) if p.offset is None else p.offset for p in parts], dtype, device)
            inverse = [np.ones(d) if p.scale is None else 1.0 / p.scale for p in parts]
            factor = _numbers(inverse, dtype, device)
        return _Shared(
            tuple(_base(base, dtype, device, bases) for base in different.values()),
            tuple(place[id(part.base)] for part in parts),
            _integers([part.y for part in parts], device),
            _integers(rows, device),
            columns,
            offset,
            factor,
            dtype,
        )

    @property
    def nbytes(self) -> int:
        return self.y.nbytes + self.rows.nbytes

    def whole(self) -> tuple[torch.Tensor, torch.Tensor]:
        members, n = self.y.shape
        return self.gather(torch.arange(n, device=self.y.device).expand(members, n))

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        places = self.rows.gather(1, rows)
        if len(self.bases) == 1:
            x = self.bases[0].index_select(0, places.reshape(-1)).reshape(*rows.shape, self.bases[0].shape[1])
        else:
            x = torch.stack(
                [
                    self.bases[k].index_select(0, chosen)
                    for k, chosen in zip(self.member_base, places, strict=True)
                ]
            )
        if self.columns is not None:
            x = x.gather(2, self.columns[:, None, :].expand(-1, rows.shape[1], -1))
        x = x.to(self.dtype)
        if self.offset is not None and self.factor is not None:
            x = (x - self.offset[:, None, :]) * self.factor[:, None, :]
        return x, self.y.gather(1, rows)


def _base(base: np.ndarray, dtype: torch.dtype, device: torch.device, bases: Bases) -> torch.Tensor:
    key = (id(base), dtype, device)
    if key not in bases:
        # Small integers, such as grey values, stay as they are and take a fraction of the memory.
        small = base.dtype in (np.uint8, np.int8, np.int16)
        tensor = torch.from_numpy(np.array(base if small else base.astype(np.float64)))
        bases[key] = (base, tensor.to(device=device, dtype=tensor.dtype if small else dtype))
    return bases[key][1]


def _integers(arrays: Sequence[np.ndarray], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays).astype(np.int64)).to(device)


def _numbers(arrays: Sequence[np.ndarray], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays)).to(device=device, dtype=dtype)
