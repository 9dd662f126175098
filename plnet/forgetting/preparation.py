"""From a data set to the parts of a task: the split, and a scaling fitted on training samples only."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from inspect import signature
from typing import Any

import numpy as np

from plnet.errors import TaskError
from plnet.forgetting.labelled_data import LabelledData
from plnet.forgetting.samples import Samples
from plnet.forgetting.seeding import generator
from plnet.forgetting.task import PARTS, Part, Task
from plnet.suggestions import suggestion

__all__ = ["SCALINGS", "Preparation", "Scale", "choice", "make_task"]

SCALINGS = ("unit", "standardise", "none")


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
    scaling : "unit", "standardise" or "none"
        Divide by the largest grey value (1 for data that are no images); or give every input mean 0 and
        standard deviation 1 over the training samples of the replicate; or leave the numbers alone.
    fixed_seed : int, optional
        Seed of split, permutations and order for all replicates. Without it each draws its own from its seed.
    """

    test_fraction: float | None = None
    validation_fraction: float = 0.0
    scaling: str = "unit"
    fixed_seed: int | None = None

    def __post_init__(self) -> None:
        if self.test_fraction is not None and not 0 < self.test_fraction < 1:
            raise TaskError(f"Expected test_fraction between 0 and 1, such as 0.2; got {self.test_fraction}.")
        if not 0 <= self.validation_fraction < 1:
            raise TaskError(
                f"Expected validation_fraction from 0 to below 1, such as 0.1; got "
                f"{self.validation_fraction}."
            )
        choice(self.scaling, SCALINGS, "scaling")
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

    def scaled(self, base: np.ndarray, train: np.ndarray, full_scale: float) -> Scale:
        """Return offset and scale of each input, fitted on the training rows; none where nothing is to do."""
        if self.scaling == "standardise":
            samples = base[train].astype(np.float64)
            # An input that never changes becomes zero. Its deviation, as computed, need not be 0.
            constant = np.ptp(samples, axis=0) == 0
            scale = np.where(constant, 1.0, samples.std(axis=0))
            return Scale(np.where(constant, samples[0], samples.mean(axis=0)), scale)
        if self.scaling == "unit" and full_scale != 1.0:
            return Scale(np.zeros(base.shape[1]), np.full(base.shape[1], full_scale))
        return Scale(None, None)

    def words(self, data: LabelledData) -> str:
        """Describe split and scaling for a table or a caption."""
        scaling = {
            "unit": f"divided by {data.full_scale:g}" if data.full_scale != 1.0 else "inputs as they are",
            "standardise": "every input standardised on training samples",
            "none": "inputs as they are",
        }[self.scaling]
        official = _official_test(data, self.test_fraction)
        test = "its own test set" if official else f"{_fraction(self.test_fraction):g} for the test"
        kept = (
            f", {self.validation_fraction:g} of the rest for validation" if self.validation_fraction else ""
        )
        drawn = (
            "" if self.fixed_seed is None else f"; tasks drawn from seed {self.fixed_seed} for all replicates"
        )
        return f"{data.name}: {test}{kept}; {scaling}{drawn}"


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
            raise TaskError(
                f"{maker.__name__} has no option {name!r}.{suggestion(name, own + known)} There are "
                f"{', '.join(own + known)}."
            )
    return Preparation(**options)


@dataclass(frozen=True)
class Scale:
    """What is subtracted from each input, and what it is divided by then; None for nothing."""

    offset: np.ndarray | None
    scale: np.ndarray | None


def _fraction(test_fraction: float | None) -> float:
    return 0.2 if test_fraction is None else test_fraction


def _official_test(data: LabelledData, test_fraction: float | None) -> int:
    return data.n_test if test_fraction is None else 0


def make_task(
    name: str,
    data: LabelledData,
    rows: Mapping[Part, np.ndarray],
    preparation: Preparation,
    *,
    base: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    scale: Scale | None = None,
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
    preparation : Preparation
        For the scaling, which is fitted on the training rows.
    base : ndarray, shape (N, m), optional
        Changed samples, in the order of those of ``data``.
    labels : ndarray of int64, shape (N,), optional
        Changed classes.
    scale : Scale, optional
        What `Preparation.scaled` returned; with the same training samples it is the same for all tasks.
    columns : ndarray of int64, shape (d,), optional
        A choice of the inputs, or a permutation.
    classes, masked
        As in `Task`.
    """
    x = data.x if base is None else base
    y = data.y if labels is None else labels
    fitted = preparation.scaled(x, rows["train"], data.full_scale) if scale is None else scale
    offset, divisor = fitted.offset, fitted.scale
    if columns is not None and offset is not None and divisor is not None:
        offset, divisor = offset[columns], divisor[columns]
    parts = {part: Samples(x, y[rows[part]], rows[part], columns, offset, divisor) for part in PARTS}
    return Task(name, **parts, classes=classes, masked=masked)


def choice(value: str, known: Sequence[str], what: str) -> str:
    """Return a word that is known; raise `TaskError` with a suggestion for another."""
    if value in known:
        return value
    close = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise TaskError(f"Unknown {what} {value!r}.{hint} Expected one of {', '.join(map(repr, known))}.")
