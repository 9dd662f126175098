"""From a data set to the parts of a task: the split, and the scaling of the inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from inspect import signature
from typing import Any

import numpy as np

from plnet.checks import check_choice, did_you_mean
from plnet.errors import TaskError
from plnet.forgetting.data.labelled_data import LabelledData
from plnet.forgetting.data.samples import Samples
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.scaling import (
    SCALINGS,
    Scale,
    Scaling,
    check_statistics,
    fit_scales,
    scaling_words,
)
from plnet.forgetting.tasks.task import PARTS, Part, Task

__all__ = ["Preparation", "make_task"]


@dataclass(frozen=True)
class Preparation:
    """How data become training, validation and test samples.

    Parameters
    ----------
    test_fraction : float, optional
        Part of the samples kept for the test, rounded up. Without it the test set that belongs to the data,
        and one fifth where there is none.
    validation_fraction : float
        Part of the other samples kept for validation, rounded up; 0 for none.
    scaling : str, or pair of means and deviations
        One scaling for all tasks of a replicate: "unit" divides by the largest grey value (1 for data that
        are no images). "standardise" gives every input mean 0 and standard deviation 1 over the training
        samples of the *first* task. "standardise_overall" takes one mean and one deviation for all inputs
        from there, so that no input can become large in later tasks. A pair (means, deviations), numbers or
        arrays (m,), standardises by given statistics. "none" leaves the numbers alone.
        Two more know what a learner in sequence does not: "standardise_each_task" fits each task on its own,
        so the test has to know which task a sample is from; "standardise_all_tasks" fits on the training
        samples of all tasks, future ones too.
    fixed_seed : int, optional
        Seed of split, permutations and order for all replicates. Without it each draws its own from its seed.
    """

    test_fraction: float | None = None
    validation_fraction: float = 0.0
    scaling: Scaling = "unit"
    fixed_seed: int | None = None

    def __post_init__(self) -> None:
        if self.test_fraction is not None and not 0 < self.test_fraction < 1:
            raise TaskError(f"Expected test_fraction between 0 and 1, such as 0.2; got {self.test_fraction}.")
        if not 0 <= self.validation_fraction < 1:
            raise TaskError(
                f"Expected validation_fraction from 0 to below 1, such as 0.1; got "
                f"{self.validation_fraction}."
            )
        if isinstance(self.scaling, str):
            check_choice("scaling", self.scaling, SCALINGS, TaskError)
        else:
            check_statistics(self.scaling)
        if self.fixed_seed is not None and (not isinstance(self.fixed_seed, int) or self.fixed_seed < 0):
            raise TaskError(
                f"Expected fixed_seed as a non-negative integer or None; got {self.fixed_seed!r}."
            )

    def seed(self, seed: int) -> int:
        """Return the seed from which the tasks of a replicate are drawn."""
        return seed if self.fixed_seed is None else self.fixed_seed

    def rows(self, data: LabelledData, seed: int) -> dict[Part, np.ndarray]:
        """Divide all samples at random; the split depends on the seed only."""
        return self._divide(data, np.arange(len(data)), generator(self.seed(seed), "split"), data.name)

    def rows_by_class(
        self, data: LabelledData, seed: int, classes: Sequence[int], *, balanced: bool
    ) -> dict[Part, np.ndarray]:
        """Divide the samples of some classes at random, each class by itself.

        Parameters
        ----------
        data : LabelledData
        seed : int
            Of the replicate.
        classes : sequence of int
        balanced : bool
            Whether to take as many samples of each class as the smallest class of the data has.
        """
        official = _official_test(data, self.test_fraction)
        divided = [
            self._divide(
                data,
                self._of_class(data, c, seed, balanced, official),
                generator(self.seed(seed), "split", c),
                f"class {c} of {data.name}",
            )
            for c in classes
        ]
        return {part: np.concatenate([rows[part] for rows in divided]) for part in PARTS}

    def _of_class(
        self, data: LabelledData, label: int, seed: int, balanced: bool, official: int
    ) -> np.ndarray:
        rows = np.flatnonzero(data.y == label)
        if not balanced:
            return rows
        edge = len(data) - official
        drawn = generator(self.seed(seed), "balance", label)
        kept = []
        for low, high in ((0, edge), (edge, len(data))):
            part = rows[(rows >= low) & (rows < high)]
            fewest = min(
                np.bincount(data.y[low:high], minlength=data.n_classes)[np.unique(data.y)], default=0
            )
            kept.append(drawn.permutation(part)[:fewest])
        return np.concatenate(kept)

    def _divide(
        self, data: LabelledData, rows: np.ndarray, rng: np.random.Generator, what: str
    ) -> dict[Part, np.ndarray]:
        official = _official_test(data, self.test_fraction)
        shuffled = rng.permutation(rows)
        if official:
            test = np.sort(rows[rows >= len(data) - official])
            rest = shuffled[shuffled < len(data) - official]
        else:
            n_test = math.ceil(_fraction(self.test_fraction) * len(rows))
            test, rest = shuffled[:n_test], shuffled[n_test:]
        n_validation = math.ceil(self.validation_fraction * len(rest))
        if len(test) == 0 or len(rest) <= n_validation:
            raise TaskError(
                f"{len(rows)} samples of {what} leave nothing for the test or for training with "
                f"test_fraction={self.test_fraction} and validation_fraction={self.validation_fraction}. "
                "Give more samples or smaller fractions."
            )
        return {"train": rest[n_validation:], "validation": rest[:n_validation], "test": test}

    def scales(
        self, data: LabelledData, tasks: Sequence[tuple[np.ndarray, Mapping[Part, np.ndarray]]]
    ) -> tuple[Scale, ...]:
        """Return the scale of each task.

        Parameters
        ----------
        data : LabelledData
        tasks : sequence of pairs
            For each task in the order of training its samples (N, m), and the rows of each part.
        """
        return fit_scales(self.scaling, [(base, rows["train"]) for base, rows in tasks], data.full_scale)

    def words(self, data: LabelledData) -> str:
        """Describe split and scaling for a table or a caption."""
        official = _official_test(data, self.test_fraction)
        test = "its own test set" if official else f"{_fraction(self.test_fraction):g} for the test"
        kept = (
            f", {self.validation_fraction:g} of the rest for validation" if self.validation_fraction else ""
        )
        drawn = (
            "" if self.fixed_seed is None else f"; tasks drawn from seed {self.fixed_seed} for all replicates"
        )
        return f"{data.name}: {test}{kept}; {scaling_words(self.scaling, data.full_scale)}{drawn}"


def prepared_for(maker: Callable[..., Any], options: Mapping[str, Any]) -> Preparation:
    """Return the preparation that the options of a maker of tasks ask for.

    Raises
    ------
    TaskError
        If there is no such option; the message names the maker and the nearest option.
    """
    known = [field.name for field in fields(Preparation)]
    for name in options:
        if name not in known:
            own = [p.name for p in signature(maker).parameters.values() if p.kind is not p.VAR_KEYWORD]
            hint = did_you_mean(name, own + known, "{}")
            raise TaskError(
                f"{maker.__name__} has no option {name!r}.{hint} There are {', '.join(own + known)}."
            )
    return Preparation(**options)


def _fraction(test_fraction: float | None) -> float:
    return 0.2 if test_fraction is None else test_fraction


def _official_test(data: LabelledData, test_fraction: float | None) -> int:
    return data.n_test if test_fraction is None else 0


def make_task(
    name: str,
    data: LabelledData,
    rows: Mapping[Part, np.ndarray],
    scale: Scale,
    *,
    base: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    classes: Sequence[int] | None = None,
    masked: bool = False,
) -> Task:
    """Return a task from rows of a data set.

    Parameters
    ----------
    name : str
    data : LabelledData
    rows : mapping
        Rows of each part.
    scale : Scale
        One of those that `Preparation.scales` returned, of the inputs before a choice of columns.
    base : ndarray, shape (N, m), optional
        Changed samples, in the order of those of ``data``.
    labels : ndarray of int64, shape (N,), optional
        Changed classes.
    columns : ndarray of int64, shape (d,), optional
        A choice of the inputs, or a permutation.
    classes, masked
        As in `Task`.
    """
    x = data.x if base is None else base
    y = data.y if labels is None else labels
    offset, divisor = scale.offset, scale.scale
    if columns is not None and offset is not None and divisor is not None:
        offset, divisor = offset[columns], divisor[columns]
    parts = {part: Samples(x, y[rows[part]], rows[part], columns, offset, divisor) for part in PARTS}
    return Task(name, **parts, classes=classes, masked=masked)
