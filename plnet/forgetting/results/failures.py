"""Replicates that have failed: what counts as a failure, and what a failed replicate counts as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from plnet.errors import MetricError
from plnet.forgetting.tasks.task import Part, Task

if TYPE_CHECKING:
    from plnet.forgetting.results.data import SequenceData

__all__ = [
    "DIVERGED",
    "LEVEL",
    "LOSS_FACTOR",
    "NEVER_LEARNED",
    "Failures",
    "failures_in_words",
    "never_learned",
    "one_class_accuracy",
]

LOSS_FACTOR = 10.0
"""Training has diverged where it leaves a loss so many times that of the untrained network."""

LEVEL = 0.001
"""Of the test that a network has learned something of its first task."""

DIVERGED, NEVER_LEARNED = "diverged", "never learned"


@dataclass(frozen=True, eq=False)
class Failures:
    """What is known of the failures among S replicates, besides that they have diverged.

    Parameters
    ----------
    never_learned : array_like of bool, shape (S,)
        Replicates whose training accuracy on the first task, right after it, is not above that of the most
        frequent class. Those that fail later stay: that is what a method does.
    task : array_like of int, shape (S,)
        In training which task, from 1, a replicate has failed; 0 for all others.
    test : array_like, shape (S, T + 1, T)
        Accuracies of a network that always names the most frequent class of the task trained last, as
        `one_class_accuracy` gives them. Row 0 is NaN.
    validation : array_like, shape (S, T + 1, T), optional
    """

    never_learned: np.ndarray
    task: np.ndarray
    test: np.ndarray
    validation: np.ndarray | None = None

    def __post_init__(self) -> None:
        kinds = {"never_learned": np.bool_, "task": np.int64, "test": np.float64, "validation": np.float64}
        for name, kind in kinds.items():
            if getattr(self, name) is not None:
                array = np.array(getattr(self, name), dtype=kind)
                array.setflags(write=False)
                object.__setattr__(self, name, array)

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise `MetricError` if this does not belong to accuracies of the shape (S, T + 1, T)."""
        wanted = {"never_learned": shape[:1], "task": shape[:1], "test": shape, "validation": shape}
        for name, size in wanted.items():
            found = getattr(self, name)
            if found is not None and found.shape != size:
                raise MetricError(f"Expected failures.{name} of shape {size}, got {found.shape}.")

    def through(self, tasks: int) -> Failures:
        """Return the part that belongs to the first `tasks` tasks."""
        rows = {
            name: None if (found := getattr(self, name)) is None else found[:, : tasks + 1, :tasks]
            for name in ("test", "validation")
        }
        return replace(self, **rows)

    def counted(self, accuracy: np.ndarray, failed: np.ndarray, part: str) -> np.ndarray:
        """Return accuracies (S, T + 1, T) in which failed replicates name only the most frequent class.

        What was measured before training stays.
        """
        instead = self.test if part == "test" or self.validation is None else self.validation
        return np.where(failed[:, None, None] & ~np.isnan(instead), instead, accuracy)


def never_learned(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Say which networks name the classes of some samples no better than the most frequent class does.

    Parameters
    ----------
    right : array_like of int, shape (m,)
        How many of the n samples each network gets right.
    labels : array_like of int, shape (n,) or (m, n)
        Classes of the samples.

    Returns
    -------
    ndarray of bool, shape (m,)
        By the one-sided exact binomial test of level `LEVEL`. False where the test could not tell even a
        network without an error: too few samples, or nearly all of one class.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.forgetting.results.failures import never_learned
    >>> never_learned([50, 64, 66, 100], np.arange(100) % 2).tolist()
    [True, True, False, False]
    """
    rows = np.atleast_2d(labels)
    n = rows.shape[1]
    share = np.array([np.bincount(row).max() for row in rows]) / n
    return (stats.binom.sf(np.asarray(right) - 1, n, share) > LEVEL) & (share**n <= LEVEL)


def one_class_accuracy(tasks: Sequence[Task], part: Part) -> np.ndarray:
    """Return the accuracies (T + 1, T) of a network that only ever names one class.

    After training a task it names the most frequent class of the training samples of that task. Where the
    outputs of a task compete among themselves only, it names the most frequent class of theirs. Row 0 is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.forgetting import Task
    >>> from plnet.forgetting.results.failures import one_class_accuracy
    >>> x = np.zeros((4, 1))
    >>> first, second = (Task("", (x, y), (x, y)) for y in ([0, 0, 0, 1], [1, 1, 2, 2]))
    >>> one_class_accuracy([first, second], "test")[1:].tolist()
    [[0.75, 0.0], [0.25, 0.5]]
    """
    named = [int(np.bincount(task.train.y).argmax()) for task in tasks]
    found = np.full((len(tasks) + 1, len(tasks)), np.nan)
    for column, task in enumerate(tasks):
        y = task.part(part).y
        for row, c in enumerate(named, start=1):
            found[row, column] = np.mean(y == (named[column] if task.masked else c)) if len(y) else np.nan
    return found


def failures_in_words(result: SequenceData, *, configuration: bool = False) -> str:
    """Return how many replicates of a result have failed, in which tasks, and what to lower.

    Parameters
    ----------
    result : SequenceData
    configuration : bool
        Name the options as a configuration does, and not as `train_sequence` does.
    """
    kinds = Counter(word for word in result.failure_words if word)
    how = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    who = "All" if result.failed.all() else f"{sum(kinds.values())} of"
    places: Counter[int] = Counter()
    if result.failures is not None:
        places.update(result.failures.task[result.failed].tolist())
    where = ", ".join(
        f"{count} in task {task} of {result.n_tasks} ({result.task_names[task - 1]})"
        for task, count in sorted(places.items())
        if 0 < task <= result.n_tasks
    )
    advice = _remedies(result.settings, late=any(task > 1 for task in places), configuration=configuration)
    if NEVER_LEARNED in kinds:
        advice += f" Or train longer, with more {'training.' * configuration}epochs."
    return f"{who} {result.n_replicates} replicates failed: {how}{where and '; ' + where}. {advice}"


def _remedies(settings: Mapping[str, Any], *, late: bool, configuration: bool) -> str:
    """Return what to lower, with the present values; penalties work from the second task on."""
    options = {"learning_rate": "training", "momentum": "training"} | ({"strength": "method"} if late else {})
    lower = [
        f"{f'{group}.' * configuration}{name} (now {settings[name]:g})"
        for name, group in options.items()
        if settings.get(name)
    ]
    words = f"Lower {', '.join(lower) or 'the learning rate'}"
    if settings.get("max_norm") is None:
        words += f", or limit the weights with {'model.' * configuration}max_norm=3"
    return f"{words}."
