"""Pairs of an old and a new task, from very much alike to nothing in common, from data that need no network.

The three pairs of Goodfellow et al. (2013) use MNIST and Amazon reviews. These are analogues of theirs on
small data, not the same experiments, and are named so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from plnet.checks import check_choice
from plnet.errors import TaskError
from plnet.forgetting.data.labelled_data import LabelledData
from plnet.forgetting.data.load import DataLike, load_data
from plnet.forgetting.tasks.images import rotated, shifted
from plnet.forgetting.tasks.inputs import permuted
from plnet.forgetting.tasks.preparation import Preparation, make_task, prepared_for
from plnet.forgetting.tasks.projecting import projection
from plnet.forgetting.tasks.task import PARTS, Part, Task, TaskSequence

__all__ = ["dissimilar_pair", "reformatted_pair", "similar_pair"]

_CHANGES = ("shifted", "rotated")


def reformatted_pair(data: DataLike = "digits", **preparation: Any) -> TaskSequence:
    """Return the pair of the same task with inputs in another order: data → permuted data.

    Parameters
    ----------
    data : str, Path, LabelledData or pair of arrays
        As `load_data` takes it.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`.

    Returns
    -------
    TaskSequence
        An analogue of the pair "input reformatting" of Goodfellow et al. (2013); with ``data="mnist"`` it
        is theirs up to the permutation, which every replicate draws anew.
    """
    source = load_data(data)
    both = permuted(2, source, identity_first=True, **preparation)
    names = (source.name, f"permuted {source.name}")
    return _pair("reformatted", both, names)


def similar_pair(
    change: str = "shifted", data: DataLike = "digits", *, amount: float = 1, **preparation: Any
) -> TaskSequence:
    """Return a pair of similar tasks: images → the same images, a little shifted or rotated.

    Parameters
    ----------
    change : "shifted" or "rotated"
    data : str, Path, LabelledData or pair of arrays
        Grey images; as `load_data` takes it.
    amount : float
        Pixels to the right, a whole number; or multiples of 15 degrees.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`.

    Returns
    -------
    TaskSequence
        An analogue of the pair of two sentiment tasks of Goodfellow et al. (2013).

    Raises
    ------
    TaskError
        If the change is not known, or a shift is no whole number of pixels.
    """
    check_choice("change", change, _CHANGES, TaskError)
    source = load_data(data)
    if change == "shifted":
        if amount != round(amount):
            raise TaskError(f"Expected amount in whole pixels for a shift, got {amount}.")
        both = shifted([(0, 0), (0, int(amount))], source, **preparation)
    else:
        both = rotated([0, 15.0 * amount], source, **preparation)
    return _pair("similar", both, (source.name, f"{change} {source.name}"))


def dissimilar_pair(**preparation: Any) -> TaskSequence:
    """Return a pair of tasks with nothing in common: the digits 2 and 9 → breast cancer.

    The 30 features of the second task are standardised on its own training samples, since they are another
    kind of data, and brought to the 64 inputs of the first by a fixed orthonormal projection, the same in all
    replicates. Both tasks use the outputs 0 and 1.

    Parameters
    ----------
    **preparation
        ``test_fraction``, ``validation_fraction``, ``fixed_seed``, and ``scaling`` of the digits; see
        `Preparation`.

    Returns
    -------
    TaskSequence
        An analogue of the pair MNIST 2 / 9 → Amazon reviews of Goodfellow et al. (2013).
    """
    digits, cancer = load_data("digits"), load_data("breast_cancer")
    prepared = prepared_for(dissimilar_pair, preparation)
    chosen = np.flatnonzero(np.isin(digits.y, (2, 9)))
    two_nine = LabelledData(
        "digits 2 and 9", digits.x[chosen], (digits.y[chosen] == 9).astype(np.int64), digits.shape, 16.0
    )
    matrix = projection(cancer.n_inputs, digits.n_inputs)
    standardised = Preparation(
        prepared.test_fraction, prepared.validation_fraction, "standardise_each_task", prepared.fixed_seed
    )

    def recipe(seed: int) -> tuple[Task, ...]:
        old = _whole("digits 2 and 9", two_nine, prepared, seed)
        return old, _projected(_whole(name, cancer, standardised, seed), matrix)

    name = "breast cancer (projected)"
    words = f"{prepared.words(two_nine)}; {standardised.words(cancer)}, then projected to 64 inputs"
    return TaskSequence(
        "dissimilar pair (analogue)", recipe, ("digits 2 and 9", name), digits.n_inputs, 2, words
    )


def _whole(name: str, data: LabelledData, prepared: Preparation, seed: int) -> Task:
    """Return a task of all samples of a data set."""
    rows = prepared.rows(data, seed)
    (scale,) = prepared.scales(data, [(data.x, rows)])
    return make_task(name, data, rows, scale)


def _projected(task: Task, matrix: np.ndarray) -> Task:
    parts: dict[Part, tuple[np.ndarray, np.ndarray]] = {
        part: (task.part(part).x @ matrix, task.part(part).y) for part in PARTS
    }
    return Task(task.name, parts["train"], parts["test"], parts["validation"], classes=task.classes)


def _pair(kind: str, both: TaskSequence, names: tuple[str, str]) -> TaskSequence:
    return TaskSequence(
        f"{kind} pair (analogue)", both.recipe, names, both.n_inputs, both.n_classes, both.description
    )
