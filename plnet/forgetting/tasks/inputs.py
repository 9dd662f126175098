"""Task sequences that change the inputs or the labels of one data set: permuted, shuffled labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from plnet.errors import TaskError
from plnet.forgetting.data.labelled_data import LabelledData
from plnet.forgetting.data.load import DataLike, load_data
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.preparation import make_task, prepared_for
from plnet.forgetting.tasks.task import Task, TaskSequence

__all__ = ["check_count", "permuted", "shuffled_labels"]


def permuted(
    n_tasks: int = 5, data: DataLike = "digits", *, identity_first: bool = False, **preparation: Any
) -> TaskSequence:
    """Return tasks with the inputs of one data set in a random order, another for each task.

    Parameters
    ----------
    n_tasks : int
    data : str, Path, LabelledData or pair of arrays
        As `load_data` takes it.
    identity_first : bool
        Whether the first task has the inputs in their own order.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`.

    Returns
    -------
    TaskSequence
        All tasks of a replicate have the same split.

    Examples
    --------
    The digits with the defaults give 1437 training and 360 test samples, grey values divided by 16.

    >>> from plnet.forgetting import permuted
    >>> tasks = permuted(5).draw(0)
    >>> len(tasks), len(tasks[0].train), len(tasks[0].test)
    (5, 1437, 360)

    References
    ----------
    Goodfellow, Mirza, Xiao, Courville, Bengio (2013), An empirical investigation of catastrophic forgetting.
    """
    check_count(n_tasks)
    source, prepared = load_data(data), prepared_for(permuted, preparation)

    def recipe(seed: int) -> tuple[Task, ...]:
        rows = prepared.rows(source, seed)
        (scale,) = prepared.scales(source, [(source.x, rows)])
        orders = [
            None
            if identity_first and t == 0
            else generator(prepared.seed(seed), "permutation", t).permutation(source.n_inputs)
            for t in range(n_tasks)
        ]
        return tuple(
            make_task(name, source, rows, scale, columns=order)
            for name, order in zip(names, orders, strict=True)
        )

    names = tuple(f"permutation {t + 1}" for t in range(n_tasks))
    if identity_first:
        names = ("not permuted", *names[1:])
    words = f"inputs in a random order; {prepared.words(source)}"
    return TaskSequence(f"permuted {source.name}", recipe, names, source.n_inputs, source.n_classes, words)


def shuffled_labels(
    n_tasks: int = 5, data: DataLike = "digits", *, identity_first: bool = True, **preparation: Any
) -> TaskSequence:
    """Return tasks with the same inputs, in which the classes have exchanged their names.

    Parameters
    ----------
    n_tasks : int
    data : str, Path, LabelledData or pair of arrays
        As `load_data` takes it.
    identity_first : bool
        Whether the first task has the true names.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`.

    Returns
    -------
    TaskSequence
    """
    check_count(n_tasks)
    source, prepared = load_data(data), prepared_for(shuffled_labels, preparation)

    def recipe(seed: int) -> tuple[Task, ...]:
        rows = prepared.rows(source, seed)
        (scale,) = prepared.scales(source, [(source.x, rows)])
        return tuple(
            make_task(
                name,
                source,
                rows,
                scale,
                labels=_renamed(source, prepared.seed(seed), t, identity_first),
            )
            for t, name in enumerate(names)
        )

    names = tuple(f"labels {t + 1}" for t in range(n_tasks))
    words = f"classes with exchanged names; {prepared.words(source)}"
    return TaskSequence(
        f"{source.name} with shuffled labels", recipe, names, source.n_inputs, source.n_classes, words
    )


def _renamed(data: LabelledData, seed: int, task: int, identity_first: bool) -> np.ndarray:
    if identity_first and task == 0:
        return data.y
    return generator(seed, "labels", task).permutation(data.n_classes)[data.y]


def check_count(n_tasks: int) -> None:
    """Raise `TaskError` unless there is at least one task."""
    if not isinstance(n_tasks, (int, np.integer)) or isinstance(n_tasks, bool) or n_tasks < 1:
        raise TaskError(f"Expected n_tasks to be a positive whole number, got {n_tasks!r}.")
