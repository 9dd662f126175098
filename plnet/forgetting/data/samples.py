"""Labelled samples as rows of a shared array, seen through a choice of columns and a scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from plnet.errors import TaskError

__all__ = ["Samples", "SamplesLike", "as_samples"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples with their classes.

    Sample i is ``(base[rows[i], columns] - offset) / scale``. Replicates that differ in split, permutation
    and scaling so share one large array.

    Parameters
    ----------
    base : ndarray, shape (N, m)
        Numbers of any type; never copied.
    y : ndarray of int64, shape (n,)
        The class of each sample.
    rows : ndarray of int64, shape (n,), optional
        All rows, in their order, without it.
    columns : ndarray of int64, shape (d,), optional
        All columns, in their order, without it.
    offset, scale : ndarray, shape (d,), optional
        0 and 1 without them; both or none.
    """

    base: np.ndarray
    y: np.ndarray
    rows: np.ndarray | None = None
    columns: np.ndarray | None = None
    offset: np.ndarray | None = None
    scale: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_inputs(self) -> int:
        """Number of inputs d of a sample."""
        return self.base.shape[1] if self.columns is None else len(self.columns)

    @property
    def x(self) -> np.ndarray:
        """The samples as numbers, shape (n, d), float64; made anew at each call."""
        found = self.base if self.rows is None else self.base[self.rows]
        found = np.asarray(found if self.columns is None else found[:, self.columns], dtype=np.float64)
        if self.offset is None or self.scale is None:
            return found.copy()
        return (found - self.offset) / self.scale

    def __iter__(self) -> Any:
        """Yield x and y, so that ``x, y = samples`` works."""
        yield self.x
        yield self.y


SamplesLike: TypeAlias = Samples | Sequence[Any]


def as_samples(given: Any, where: str) -> Samples:
    """Return samples from what a user gives: `Samples`, or a pair of arrays x (n, ...) and y (n,).

    Parameters
    ----------
    given : Samples, pair of arrays or None
        None stands for no samples, and then has no inputs.
    where : str
        Names the samples in messages, such as ``"the training data of task 'a'"``.

    Raises
    ------
    TaskError
        If shapes, types or values cannot be used.
    """
    if isinstance(given, Samples):
        return given
    if given is None:
        return Samples(np.empty((0, 0)), np.empty(0, dtype=np.int64))
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TaskError(f"Expected {where} as a pair (x, y) of arrays, got {type(given).__name__}.")
    x, y = (np.array(_to_numpy(part)) for part in given)
    if x.dtype.kind not in "fiub" or x.ndim < 2 or y.shape != (len(x),):
        raise TaskError(
            f"Expected {where} as numbers x (n, ...) and classes y (n,), got x {x.shape} {x.dtype} "
            f"and y {y.shape} {y.dtype}."
        )
    if y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.round(y)).all():
        y = y.astype(np.int64)
    if y.dtype.kind not in "iu" or y.min(initial=0) < 0:
        raise TaskError(f"Expected classes 0, 1, 2, ... as integers in y of {where}, got {y.dtype} {y[:5]}.")
    rows = x.reshape(len(x), math.prod(x.shape[1:]))
    bad = ~np.isfinite(rows)
    if bad.any():
        first = int(np.flatnonzero(bad.any(axis=1))[0])
        raise TaskError(
            f"{where[:1].upper()}{where[1:]} contain NaN or infinity in {int(bad.any(axis=1).sum())} of "
            f"{len(rows)} samples, first in sample {first}. Remove these samples or fill the gaps."
        )
    for array in (rows, labels := y.astype(np.int64)):
        array.setflags(write=False)
    return Samples(rows, labels)


def _to_numpy(part: Any) -> Any:
    """Return a tensor of any device as an array; everything else as it is."""
    return part.detach().cpu().numpy() if hasattr(part, "detach") else part
