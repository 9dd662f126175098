"""Task sequences by their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from plnet.checks import check_choice, did_you_mean
from plnet.errors import TaskError
from plnet.forgetting.tasks.classes import split
from plnet.forgetting.tasks.images import rotated, shifted
from plnet.forgetting.tasks.inputs import permuted, shuffled_labels
from plnet.forgetting.tasks.pairs import dissimilar_pair, reformatted_pair, similar_pair
from plnet.forgetting.tasks.plane import plane
from plnet.forgetting.tasks.preparation import Preparation
from plnet.forgetting.tasks.task import TaskSequence

__all__ = ["RECIPES", "task_sequence"]

RECIPES: dict[str, Callable[..., TaskSequence]] = {
    recipe.__name__: recipe
    for recipe in (
        permuted,
        rotated,
        shifted,
        split,
        shuffled_labels,
        reformatted_pair,
        similar_pair,
        dissimilar_pair,
        plane,
    )
}


def task_sequence(name: str, **options: Any) -> TaskSequence:
    """Return a task sequence from its name and options.

    Parameters
    ----------
    name : str
        A function of `plnet.forgetting`: permuted, rotated, shifted, split, shuffled_labels,
        reformatted_pair, similar_pair, dissimilar_pair or plane.
    **options
        Its arguments.

    Raises
    ------
    TaskError
        If the name or an option is unknown, or a value is impossible.

    Examples
    --------
    >>> from plnet.forgetting import task_sequence
    >>> len(task_sequence("permuted", n_tasks=3))
    3
    """
    recipe = RECIPES[check_choice("task sequence", name, RECIPES, TaskError)]
    parameters = inspect.signature(recipe).parameters
    known = [key for key, entry in parameters.items() if entry.kind is not entry.VAR_KEYWORD]
    if len(known) < len(parameters):
        known += [part.name for part in fields(Preparation)]
    unknown = [key for key in options if key not in known]
    if unknown:
        raise TaskError(
            f"{name} has no option {unknown[0]!r}.{did_you_mean(unknown[0], known, '{}')} "
            f"It has {', '.join(known)}."
        )
    return recipe(**options)
