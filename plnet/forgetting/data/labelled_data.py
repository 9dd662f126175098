"""One labelled data set: an array of samples and their classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.checks import check_labels
from plnet.errors import TaskError
from plnet.forgetting.data.samples import as_samples

__all__ = ["LabelledData", "labelled"]


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Samples as rows of numbers, with their classes.

    Parameters
    ----------
    name : str
    x : ndarray, shape (N, m)
        Numbers of any type.
    y : ndarray of int64, shape (N,)
        Classes from 0.
    shape : tuple of int
        Of one sample, before it became a row: ``(8, 8)`` for an image.
    full_scale : float
        The largest grey value of an image, by which ``scaling="unit"`` divides; 1 for other data.
    n_test : int
        The last ``n_test`` samples are the test set that belongs to the data; 0 if there is none.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    shape: tuple[int, ...]
    full_scale: float = 1.0
    n_test: int = 0

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_inputs(self) -> int:
        """Number of inputs m."""
        return self.x.shape[1]

    @property
    def n_classes(self) -> int:
        """One more than the largest class."""
        return int(self.y.max()) + 1

    def image_shape(self, needed_for: str) -> tuple[int, int]:
        """Return height and width; raise `TaskError` if the samples are no grey images."""
        if len(self.shape) != 2:
            raise TaskError(
                f"{needed_for} needs images (N, height, width), but a sample of {self.name} has the shape "
                f"{self.shape}. Take images, or tasks such as permuted, which work with any inputs."
            )
        return self.shape[0], self.shape[1]


def labelled(
    name: str,
    x: Any,
    y: Any,
    *,
    full_scale: float = 1.0,
    n_test: int = 0,
    shape: tuple[int, ...] | None = None,
) -> LabelledData:
    """Return labelled data from arrays x (N, ...) and y (N,), checked.

    Parameters
    ----------
    name : str
        For messages and tables.
    x : array_like, shape (N, ...)
    y : array_like of int, shape (N,)
        Classes from 0.
    full_scale : float
        The largest grey value, for ``scaling="unit"``.
    n_test : int
        How many samples at the end are the test set.
    shape : tuple of int, optional
        Of one sample; that of a row of ``x`` without it.

    Raises
    ------
    TaskError
        If shapes, types or values cannot be used.
    """
    samples = as_samples((x, y), f"the samples of {name}")
    if len(samples) < 2:
        raise TaskError(f"Expected at least two samples in {name}, got {len(samples)}.")
    if samples.n_inputs == 0:
        raise TaskError(f"The samples of {name} have no inputs; x has the shape {np.shape(x)}.")
    check_labels(int(samples.y.max()), len(samples), f"the samples of {name}", TaskError)
    return LabelledData(
        name, samples.base, samples.y, tuple(np.shape(x)[1:]) if shape is None else shape, full_scale, n_test
    )
