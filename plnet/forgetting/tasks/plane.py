"""Task sequences in the plane, which one can draw together with the linear regions of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from plnet.checks import check_choice
from plnet.errors import TaskError
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.inputs import check_count
from plnet.forgetting.tasks.task import Task, TaskSequence

__all__ = ["SHAPES", "plane"]


def plane(
    n_tasks: int = 3,
    shape: str = "moons",
    *,
    angles: Sequence[float] | None = None,
    noise: float = 0.1,
    n_train: int = 200,
    n_validation: int = 0,
    n_test: int = 200,
    fixed_seed: int | None = None,
) -> TaskSequence:
    """Return tasks with two inputs and two classes: one shape, turned by another angle in each task.

    Parameters
    ----------
    n_tasks : int
    shape : "moons", "xor", "spirals" or "halves"
        Two half moons; four clouds with opposite ones of one class; two spirals; two sides of a line.
    angles : sequence of float, optional
        In degrees, one for each task; evenly spread over 180 degrees without it.
    noise : float
        Standard deviation of a normal noise on both inputs.
    n_train, n_validation, n_test : int
        Samples, half of each class.
    fixed_seed : int, optional
        Seed of the samples of all replicates. Without it each draws its own.

    Returns
    -------
    TaskSequence

    Raises
    ------
    TaskError
        If the shape is not known, or there are too few angles or samples, or the noise is negative.

    Examples
    --------
    >>> from plnet.forgetting import plane
    >>> plane(2, "xor").draw(0)[1].train.x.shape
    (200, 2)
    """
    check_count(n_tasks)
    check_choice("shape", shape, SHAPES, TaskError)
    turns = [180.0 * t / n_tasks for t in range(n_tasks)] if angles is None else [float(a) for a in angles]
    if len(turns) != n_tasks or not np.isfinite(turns).all():
        raise TaskError(f"Expected {n_tasks} angles, one for each task; got {angles!r}.")
    if not noise >= 0:
        raise TaskError(f"Expected noise of at least 0, got {noise}.")
    sizes = {"train": n_train, "validation": n_validation, "test": n_test}
    if min(n_train, n_test) < 2 or n_validation < 0:
        raise TaskError(f"Expected at least two samples for training and for the test, got {sizes}.")

    def part(seed: int, task: int, name: str) -> tuple[np.ndarray, np.ndarray]:
        drawn = generator(seed if fixed_seed is None else fixed_seed, "plane", name, task)
        y = np.arange(sizes[name]) % 2
        x = SHAPES[shape](drawn, y) + noise * drawn.normal(size=(len(y), 2))
        return x @ _turn(turns[task]), y

    def recipe(seed: int) -> tuple[Task, ...]:
        return tuple(
            Task(
                label,
                part(seed, t, "train"),
                part(seed, t, "test"),
                part(seed, t, "validation"),
                classes=(0, 1),
            )
            for t, label in enumerate(names)
        )

    names = tuple(f"{angle:g}°" for angle in turns)
    words = f"{shape} in the plane, turned; {n_train}/{n_validation}/{n_test} samples; noise {noise:g}"
    return TaskSequence(f"{shape} in the plane", recipe, names, 2, 2, words)


def _turn(degrees: float) -> np.ndarray:
    """Return the matrix R for which rows x @ R are turned counter-clockwise."""
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _moons(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    angle = np.pi * rng.random(len(y))
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
    return np.where(y[:, None] == 0, upper, -upper)


def _xor(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    side = rng.choice([-1.0, 1.0], size=len(y))
    centres = np.stack([side, np.where(y == 0, side, -side)], axis=1)
    return 0.7 * centres + 0.15 * rng.normal(size=centres.shape)


def _spirals(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    radius = np.sqrt(rng.random(len(y)))
    angle = 2.5 * np.pi * radius + np.pi * y
    return 1.2 * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _halves(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    x = rng.uniform(-1, 1, size=(len(y), 2))
    x[:, 0] = np.where(y == 0, -1, 1) * (0.1 + 0.9 * np.abs(x[:, 0]))
    return x


SHAPES: dict[str, Callable[[np.random.Generator, np.ndarray], Any]] = {
    "moons": _moons,
    "xor": _xor,
    "spirals": _spirals,
    "halves": _halves,
}
