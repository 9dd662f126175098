"""Training of all members on one task, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from plnet.errors import TaskError
from plnet.forgetting.models.spec import Architecture
from plnet.forgetting.training.evaluation import Source
from plnet.forgetting.training.members import Members
from plnet.forgetting.training.options import TrainingOptions
from plnet.forgetting.training.threads import SMALL, threads_for
from plnet.forgetting.training.trainer_chunk import EpochView, train_chunk

__all__ = ["TaskReport", "chunk_size", "train_task"]


@dataclass(frozen=True, eq=False)
class TaskReport:
    """What happened in one task.

    Parameters
    ----------
    epochs : ndarray of int, shape (M,)
        Epochs that each member was trained; with patience, up to where it stopped.
    diverged : ndarray of bool, shape (M,)
    seconds : float
        Wall time.
    """

    epochs: np.ndarray
    diverged: np.ndarray
    seconds: float


def train_task(
    members: Members,
    source: Source,
    options: TrainingOptions | None = None,
    *,
    monitor: Sequence[Source] | None = None,
    observe: Callable[[EpochView], object] | None = None,
    tick: Callable[[int], object] | None = None,
) -> TaskReport:
    """Train all members on their next task, in place.

    Parameters
    ----------
    members : Members
    source : callable
        ``source(numbers)`` returns the `TaskData` of the members with these numbers.
    options : TrainingOptions, optional
    monitor : sequence of callables, optional
        Tasks whose validation accuracies, averaged, decide on early stopping; the task itself
        without it.
    observe : callable, optional
        Called after each epoch of each chunk with an `EpochView`, for curves and for forgetting
        events. It may look at parameters and must not change them.
    tick : callable, optional
        Called after each epoch with the number of members it was run for.

    Returns
    -------
    TaskReport

    Raises
    ------
    TaskError
        If there are no training samples, or patience finds no validation samples.

    Notes
    -----
    A member whose parameters are no longer finite is marked and leaves the program; the rest goes
    on. Orders, masks and methods draw from streams keyed by seed and task, so that results do not
    depend on `options.chunk` but for rounding in the last place. Small networks are trained with one
    thread of torch, whatever `torch.set_num_threads` says; compiled code divides members among threads.
    """
    options = TrainingOptions() if options is None else options
    begin = time.perf_counter()
    epochs = np.zeros(len(members), dtype=np.int64)
    if not options.keep_momentum:
        members.velocity.zero_()
    size = chunk_size(members, options)
    with threads_for(members.architecture) as threads:
        for start in range(0, len(members), size):
            rows = range(start, min(start + size, len(members)))
            data = source(rows)
            _check(data, options, monitor is None)
            watched = [data] if monitor is None else [one(rows) for one in monitor]
            run = train_chunk(members, rows, data, options, watched, observe, tick, threads=threads)
            epochs[rows.start : rows.stop] = run
    members.tasks_done += 1
    members.sources.append(source)
    return TaskReport(epochs, members.diverged.cpu().numpy().copy(), time.perf_counter() - begin)


def chunk_size(members: Members, options: TrainingOptions) -> int:
    """Return how many members make one batched program.

    On a CPU 16 of them for small networks, fewer for larger ones so that weights, gradients and
    momentum stay near the cache, and 1 from 300,000 parameters; on a GPU as many as take about
    4 GiB with their activations.
    """
    if options.chunk is not None:
        return min(options.chunk, len(members))
    if members.parameters.device.type == "cpu":
        return min(len(members), _cpu_chunk(members.architecture))
    return min(len(members), _gpu_chunk(members.architecture, options, members.parameters.element_size()))


def _cpu_chunk(architecture: Architecture) -> int:
    return max(1, min(16, SMALL // architecture.n_parameters))


def _gpu_chunk(architecture: Architecture, options: TrainingOptions, itemsize: int) -> int:
    activations = sum(layer.n_in + 4 * layer.rows for layer in architecture.layers) * options.batch_size
    return max(1, 2**32 // (itemsize * (4 * architecture.n_parameters + activations)))


def _check(data: object, options: TrainingOptions, own: bool) -> None:
    sizes = {part: data.size(part) for part in ("train", "validation")}  # type: ignore[attr-defined]
    if sizes["train"] == 0:
        raise TaskError("Expected a task with training samples, got none.")
    if options.patience is not None and own and sizes["validation"] == 0:
        raise TaskError(
            "Early stopping needs validation samples, and the task has none. Give it some, or patience=None."
        )
