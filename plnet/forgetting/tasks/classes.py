"""Task sequences that divide the classes of one data set among the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plnet.checks import check_choice
from plnet.errors import TaskError
from plnet.forgetting.data.load import DataLike, load_data
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.images import ORDERS
from plnet.forgetting.tasks.inputs import check_count
from plnet.forgetting.tasks.preparation import make_task, prepared_for
from plnet.forgetting.tasks.scaling import Scale
from plnet.forgetting.tasks.task import Part, Task, TaskSequence

__all__ = ["SCENARIOS", "split"]

SCENARIOS = ("class", "task", "domain")


def split(
    n_tasks: int = 5,
    data: DataLike = "digits",
    *,
    scenario: str = "class",
    order: str = "random",
    balanced: bool | None = None,
    **preparation: Any,
) -> TaskSequence:
    """Return tasks with a few classes of one data set each.

    Parameters
    ----------
    n_tasks : int
        Divides the number of classes.
    data : str, Path, LabelledData or pair of arrays
        As `load_data` takes it.
    scenario : "class", "task" or "domain"
        Class-incremental: one head, and all classes compete. Task-incremental: only the classes of the task
        compete, in training and in the test. Domain-incremental: every task uses the same outputs 0, 1, ...
    order : "given" or "random"
        Whether every replicate draws its own order of the classes.
    balanced : bool, optional
        Whether to take as many samples of each class as the smallest class has. Without it, yes for a random
        order, so that all replicates have tasks of one size, and no for the given one.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`. The split
        is made class by class.

    Returns
    -------
    TaskSequence

    Raises
    ------
    TaskError
        If the classes cannot be divided evenly.

    Examples
    --------
    >>> from plnet.forgetting import split
    >>> [task.classes for task in split(5, order="given").draw(0)]
    [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]

    References
    ----------
    van de Ven, Tolias (2019), Three scenarios for continual learning.
    """
    check_count(n_tasks)
    check_choice("scenario", scenario, SCENARIOS, TaskError)
    check_choice("order", order, ORDERS, TaskError)
    source, prepared = load_data(data), prepared_for(split, preparation)
    classes = np.unique(source.y)
    if len(classes) % n_tasks or len(classes) // n_tasks < (1 if scenario == "class" else 2):
        fitting = [n for n in range(1, len(classes) + 1) if len(classes) % n == 0]
        raise TaskError(
            f"{source.name} has {len(classes)} classes, which {n_tasks} tasks cannot share evenly"
            f"{'' if scenario == 'class' else ' with two classes or more each'}. "
            f"Take n_tasks from {', '.join(map(str, fitting))}."
        )
    each = len(classes) // n_tasks
    even = order == "random" if balanced is None else balanced

    def recipe(seed: int) -> tuple[Task, ...]:
        shuffled = classes
        if order == "random":
            shuffled = generator(prepared.seed(seed), "order").permutation(classes)
        groups = [sorted(group.tolist()) for group in shuffled.reshape(n_tasks, each)]
        rows = [prepared.rows_by_class(source, seed, group, balanced=even) for group in groups]
        scales = prepared.scales(source, [(source.x, found) for found in rows])
        return tuple(task(*parts) for parts in zip(groups, rows, scales, strict=True))

    def task(group: Sequence[int], rows: Mapping[Part, np.ndarray], scale: Scale) -> Task:
        name = f"classes {', '.join(map(str, group))}"
        labels, found = source.y, group
        if scenario == "domain":
            labels, found = np.searchsorted(group, source.y), range(each)
        return make_task(
            name,
            source,
            rows,
            scale,
            labels=labels,
            classes=list(found),
            masked=scenario == "task",
        )

    names = tuple(f"task {t + 1}" for t in range(n_tasks))
    if order == "given":
        names = tuple(f"classes {', '.join(map(str, group))}" for group in classes.reshape(n_tasks, each))
    words = f"{each} classes a task in {order} order, {scenario}-incremental; {prepared.words(source)}"
    words += "; classes of equal size" if even else ""
    outputs = each if scenario == "domain" else source.n_classes
    return TaskSequence(f"split {source.name}", recipe, names, source.n_inputs, outputs, words)
