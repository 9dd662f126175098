"""Domains on which regions are counted: through test images, or a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.errors import ConfigError
from plnet.geometry.domain import Box, Domain, Slice
from plnet.runs.jobs.count_regions.data import Dataset

__all__ = ["ChosenDomain", "box", "through_images"]


@dataclass(frozen=True, eq=False)
class ChosenDomain:
    """A domain, and the images it was made from.

    Parameters
    ----------
    domain : Domain
    coordinates : ndarray, shape (p, d), optional
        Where the images lie in the coordinates of the domain.
    images : ndarray, shape (p, ...), optional
    labels : ndarray of int, shape (p,), optional
    """

    domain: Domain
    coordinates: np.ndarray | None = None
    images: np.ndarray | None = None
    labels: np.ndarray | None = None


def through_images(
    data: Dataset | None,
    *,
    rng: Any,
    n_images: int = 3,
    classes: list[int] | None = None,
    margin: float = 0.5,
) -> ChosenDomain:
    """Return the plane through three test images of different classes, or the line through two.

    Parameters
    ----------
    data : Dataset
    rng : SeedSequence or int
        Chooses the images, and the classes where none are given.
    n_images : {2, 3}
    classes : list of int, optional
        Which classes, in this order; all different. The first image of a plane is the corner
        of its coordinates; without classes it is the one with the angle closest to a right angle.
    margin : float
        How far the domain goes beyond the images, in units of their distance.

    Raises
    ------
    ConfigError
        If there are no data, or too few classes among the test images.
    """
    option = {2: "segment", 3: "slice"}.get(n_images)
    if option is None:
        raise ConfigError(f"Expected domain.n_images to be 2 (segment) or 3 (slice), got {n_images}.")
    if data is None:
        raise ConfigError(
            f"domain={option} goes through test images, but there are no data. "
            "Take domain=box, or give data=digits."
        )
    if margin < 0:
        raise ConfigError(f"Expected domain.margin >= 0, got {margin}.")
    generator = np.random.default_rng(rng)
    present = np.unique(data.y_test)
    if classes is None:
        if len(present) < n_images:
            raise ConfigError(
                f"domain={option} needs test images of {n_images} classes, and the data {data.name} have "
                f"{len(present)} among the test images. "
                + ("Take domain=segment, or more data." if len(present) == 2 else "Give more classes.")
            )
        chosen = generator.choice(present, size=n_images, replace=False)
    else:
        chosen = np.asarray(classes)
        if len(chosen) != n_images or len(set(classes)) != n_images or not np.isin(chosen, present).all():
            raise ConfigError(
                f"Expected domain.classes as {n_images} different classes among {present.tolist()}, "
                f"got {list(classes)}."
            )
    rows = np.array([generator.choice(np.flatnonzero(data.y_test == label)) for label in chosen])
    if classes is None and n_images == 3:
        rows = rows[_corner_first(data.x_test[rows])]
    points = data.x_test[rows]
    coordinates = np.concatenate([np.zeros((1, n_images - 1)), np.eye(n_images - 1)])
    return ChosenDomain(
        Slice.through(points, margin=margin),
        coordinates=coordinates,
        images=points.reshape(n_images, *data.shape),
        labels=data.y_test[rows],
    )


def _corner_first(points: np.ndarray) -> np.ndarray:
    """Return an order of three points in which the parallelogram of the first one is the least oblique."""
    cosines = []
    for i in range(3):
        a, b = (points[j] - points[i] for j in range(3) if j != i)
        cosines.append(abs(a @ b) / np.sqrt((a @ a) * (b @ b)) if a.any() and b.any() else 1.0)
    corner = int(np.argmin(cosines))
    return np.array([corner, *(j for j in range(3) if j != corner)])


def box(
    data: Dataset | None = None,  # noqa: ARG001
    *,
    rng: Any = None,  # noqa: ARG001
    low: Any = -1.0,
    high: Any = 1.0,
) -> ChosenDomain:
    """Return the box low <= x <= high; numbers hold for every input.

    Parameters
    ----------
    data, rng
        Not used; all functions that choose a domain are called alike.
    low, high : float or list of float
    """
    return ChosenDomain(Box(low, high))
