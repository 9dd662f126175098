"""Tasks, and sequences of tasks that every replicate draws anew from its seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from plnet.checks import check_labels
from plnet.errors import TaskError
from plnet.forgetting.data.samples import Samples, SamplesLike, as_samples

__all__ = [
    "PARTS",
    "Part",
    "Task",
    "TaskSequence",
    "as_sequence",
    "brings_new_classes",
    "check_tasks",
    "multi_head",
]

Part: TypeAlias = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False, init=False)
class Task:
    """A classification task: samples in three parts, and the outputs of the network that it is about.

    Parameters
    ----------
    name : str
    train, test : Samples, or a pair of arrays x (n, ...) and y (n,)
        Class c belongs to output c of the network.
    validation : the same, optional
        For early stopping and for choosing settings.
    classes : sequence of int, optional
        The classes of this task; those that occur in its samples without it.
    masked : bool
        Whether only the outputs of ``classes`` compete, in training and in tests: a head of its own, as in
        task-incremental learning. Otherwise all outputs do.

    Raises
    ------
    TaskError
        If a part cannot be used, or train or test is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.forgetting import Task
    >>> x, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> task = Task("corners", train=(x, y), test=(x, y))
    >>> task.n_inputs, task.classes, len(task.train), len(task.validation)
    (4, (0, 1), 4, 0)
    """

    name: str
    train: Samples
    validation: Samples
    test: Samples
    classes: tuple[int, ...]
    masked: bool

    def __init__(
        self,
        name: str,
        train: SamplesLike,
        test: SamplesLike,
        validation: SamplesLike | None = None,
        *,
        classes: Sequence[int] | None = None,
        masked: bool = False,
    ) -> None:
        parts = {
            part: as_samples(given, f"the {part} samples of task {name!r}")
            for part, given in (("train", train), ("validation", validation), ("test", test))
        }
        for part in ("train", "test"):
            if len(parts[part]) == 0:
                raise TaskError(f"Task {name!r} has no {part} samples. Every task needs at least one.")
        for part, samples in parts.items():
            if len(samples) == 0:
                parts[part] = replace(samples, base=np.empty((0, parts["train"].n_inputs)), columns=None)
        found = sorted({int(c) for samples in parts.values() for c in np.unique(samples.y)})
        chosen = found if classes is None else sorted({int(c) for c in classes})
        if chosen and chosen[0] < 0:
            raise TaskError(f"Task {name!r} has the class {chosen[0]}; classes are numbered from 0.")
        if classes is not None and (outside := sorted(set(found) - set(chosen))):
            raise TaskError(
                f"Task {name!r} has labels {outside} that are not among its classes {chosen}. "
                "Correct the labels, or name these classes too."
            )
        values = {"name": str(name), **parts, "classes": tuple(chosen), "masked": bool(masked)}
        for key, value in values.items():
            object.__setattr__(self, key, value)
        sizes = {part: self.part(part).n_inputs for part in PARTS if len(self.part(part))}
        if len(set(sizes.values())) > 1:
            raise TaskError(f"The parts of task {name!r} have different numbers of inputs: {sizes}.")

    @property
    def n_inputs(self) -> int:
        """Number of inputs d."""
        return self.train.n_inputs

    def part(self, name: Part) -> Samples:
        """Return the samples ``"train"``, ``"validation"`` or ``"test"``."""
        return getattr(self, name)

    def __repr__(self) -> str:
        sizes = "/".join(str(len(self.part(part))) for part in PARTS)
        return f"Task({self.name!r}, {sizes} samples, {self.n_inputs} inputs, classes {list(self.classes)})"


@dataclass(frozen=True, eq=False)
class TaskSequence:
    """A recipe for tasks that come one after another; every replicate draws its own from its seed.

    The draw depends on the seed only, so all methods that are compared meet the same tasks.

    Parameters
    ----------
    name : str
    recipe : callable
        ``recipe(seed)`` returns the tasks of a replicate. It gets no other randomness.
    task_names : tuple of str
        Of the T tasks, for tables and figures.
    n_inputs, n_classes : int
        Inputs of the network, and outputs of its head (of all heads together, with several).
    description : str
        Data, split and preprocessing in words.
    """

    name: str
    recipe: Callable[[int], Sequence[Task]] = field(repr=False)
    task_names: tuple[str, ...]
    n_inputs: int
    n_classes: int
    description: str = ""

    def __len__(self) -> int:
        return len(self.task_names)

    def draw(self, seed: int) -> tuple[Task, ...]:
        """Return the tasks of the replicate with this seed.

        Raises
        ------
        TaskError
            If the recipe returns tasks that do not go together.
        """
        tasks = tuple(self.recipe(seed))
        if len(tasks) != len(self):
            raise TaskError(f"{self.name} announces {len(self)} tasks, but seed {seed} gave {len(tasks)}.")
        check_tasks(tasks, n_classes=self.n_classes)
        if tasks[0].n_inputs != self.n_inputs:
            raise TaskError(
                f"{self.name} announces {self.n_inputs} inputs, but its tasks have {tasks[0].n_inputs}."
            )
        return tasks


def check_tasks(tasks: Sequence[Task], n_classes: int | None = None) -> None:
    """Raise `TaskError` if tasks cannot be learned by one network, one after another.

    Parameters
    ----------
    tasks : sequence of Task
    n_classes : int, optional
        Outputs of the network.

    Raises
    ------
    TaskError
        If there are none, their inputs differ in number, or a label is beyond the outputs.
    """
    if not tasks:
        raise TaskError("Expected at least one task, got none.")
    wrong = [task for task in tasks if not isinstance(task, Task)]
    if wrong:
        raise TaskError(f"Expected tasks of the type plnet.forgetting.Task, got {type(wrong[0]).__name__}.")
    sizes = {task.name: task.n_inputs for task in tasks}
    if len({task.n_inputs for task in tasks}) > 1:
        listed = ", ".join(f"{name!r}: {size}" for name, size in sizes.items())
        raise TaskError(
            f"The tasks have different numbers of inputs ({listed}), but one network learns them all. "
            "Bring them to one size, with zeros or with plnet.forgetting.project."
        )
    largest = max(max(task.classes) for task in tasks)
    if n_classes is not None and largest >= n_classes:
        name = next(task.name for task in tasks if max(task.classes) == largest)
        raise TaskError(
            f"Task {name!r} has the label {largest}, but the network has {n_classes} outputs, for labels 0 "
            f"to {n_classes - 1}. Correct the labels, or give the network {largest + 1} outputs."
        )


def brings_new_classes(tasks: Sequence[Task]) -> bool:
    """Say whether a later task has classes that none before had, and they compete with the old ones."""
    seen = set(tasks[0].classes)
    for task in tasks[1:]:
        if not task.masked and not seen.issuperset(task.classes):
            return True
        seen |= set(task.classes)
    return False


def as_sequence(tasks: TaskSequence | Iterable[Task]) -> TaskSequence:
    """Return a sequence; from a list of tasks, one that gives every replicate the same tasks.

    Raises
    ------
    TaskError
        If the tasks do not go together.
    """
    if isinstance(tasks, TaskSequence):
        return tasks
    if isinstance(tasks, (Task, str)) or not isinstance(tasks, Iterable):
        raise TaskError(
            f"Expected a list of tasks or a TaskSequence such as plnet.forgetting.permuted(5), got {tasks!r}."
        )
    fixed = tuple(tasks)
    check_tasks(fixed)
    largest = max(max(task.classes) for task in fixed)
    check_labels(largest, sum(len(task.train) for task in fixed), "the tasks", TaskError)
    return TaskSequence(
        name="tasks",
        recipe=lambda _: fixed,
        task_names=tuple(task.name for task in fixed),
        n_inputs=fixed[0].n_inputs,
        n_classes=1 + largest,
        description="the same tasks in every replicate",
    )


def multi_head(tasks: TaskSequence | Iterable[Task]) -> TaskSequence:
    """Return the tasks with a head of its own for each.

    Where classes of different tasks have the same number, the classes of task t are moved behind those of the
    tasks before it. In training and tests only the outputs of the task's own head compete.

    Parameters
    ----------
    tasks : TaskSequence or list of Task

    Returns
    -------
    TaskSequence

    Examples
    --------
    >>> from plnet.forgetting import multi_head, permuted
    >>> heads = multi_head(permuted(3))
    >>> heads.n_classes, heads.draw(0)[1].classes[:3]
    (30, (10, 11, 12))
    """
    single = as_sequence(tasks)
    first = single.draw(0)
    if all(task.masked for task in first):
        return single
    disjoint = len({c for task in first for c in task.classes}) == sum(len(task.classes) for task in first)
    width = 0 if disjoint else single.n_classes

    def recipe(seed: int) -> tuple[Task, ...]:
        return tuple(_with_head(task, width * t) for t, task in enumerate(single.draw(seed)))

    n_classes = single.n_classes if disjoint else width * len(single)
    words = f"{single.description}; one head for each task".lstrip("; ")
    return TaskSequence(single.name, recipe, single.task_names, single.n_inputs, n_classes, words)


def _with_head(task: Task, offset: int) -> Task:
    parts: dict[str, Any] = {}
    for part in PARTS:
        samples = task.part(part)
        parts[part] = replace(samples, y=samples.y + offset)
    return Task(task.name, **parts, classes=[c + offset for c in task.classes], masked=True)
