"""Task sequences that turn or move the images of one data set."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from plnet.checks import check_choice
from plnet.errors import TaskError
from plnet.forgetting.data.images import rotate_rows, shift_rows
from plnet.forgetting.data.labelled_data import LabelledData
from plnet.forgetting.data.load import DataLike, load_data
from plnet.forgetting.seeding import generator
from plnet.forgetting.tasks.preparation import Preparation, make_task, prepared_for
from plnet.forgetting.tasks.task import Task, TaskSequence

__all__ = ["ORDERS", "rotated", "shifted"]

ORDERS = ("given", "random")


def rotated(
    angles: Sequence[float] = (0, 30, 60, 90, 120),
    data: DataLike = "digits",
    *,
    order: str = "given",
    **preparation: Any,
) -> TaskSequence:
    """Return tasks with the images of one data set, rotated by another angle in each task.

    Parameters
    ----------
    angles : sequence of float
        In degrees, counter-clockwise.
    data : str, Path, LabelledData or pair of arrays
        Grey images; as `load_data` takes it.
    order : "given" or "random"
        Whether every replicate draws its own order of the angles.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`.

    Returns
    -------
    TaskSequence

    Raises
    ------
    TaskError
        If the data are no images.
    """
    source = load_data(data)
    shape = source.image_shape("rotated")
    values = [_number(angle) for angle in angles]

    @functools.cache
    def changed(position: int) -> np.ndarray:
        return rotate_rows(source.x, shape, values[position])

    names = tuple(f"{angle:g}°" for angle in values)
    return _sequence("rotated", source, names, changed, order, prepared_for(rotated, preparation))


def shifted(
    shifts: Sequence[tuple[int, int]] = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)),
    data: DataLike = "digits",
    *,
    order: str = "given",
    **preparation: Any,
) -> TaskSequence:
    """Return tasks with the images of one data set, shifted by other whole pixels in each task.

    Parameters
    ----------
    shifts : sequence of (int, int)
        Pixels down and to the right.
    data : str, Path, LabelledData or pair of arrays
        Grey images; as `load_data` takes it.
    order : "given" or "random"
        Whether every replicate draws its own order of the shifts.
    **preparation
        ``test_fraction``, ``validation_fraction``, ``scaling``, ``fixed_seed``; see `Preparation`.

    Returns
    -------
    TaskSequence

    Raises
    ------
    TaskError
        If the data are no images, or a shift moves everything out.
    """
    source = load_data(data)
    shape = source.image_shape("shifted")
    values = [_shift(given, shape) for given in shifts]

    @functools.cache
    def changed(position: int) -> np.ndarray:
        return shift_rows(source.x, shape, *values[position])

    names = tuple(f"({down}, {right})" for down, right in values)
    return _sequence("shifted", source, names, changed, order, prepared_for(shifted, preparation))


def _sequence(
    what: str,
    data: LabelledData,
    names: tuple[str, ...],
    changed: Callable[[int], np.ndarray],
    order: str,
    prepared: Preparation,
) -> TaskSequence:
    if not names:
        raise TaskError(f"Expected at least one task in {what}, got none.")
    check_choice("order", order, ORDERS, TaskError)

    def recipe(seed: int) -> tuple[Task, ...]:
        rows, positions = prepared.rows(data, seed), range(len(names))
        if order == "random":
            positions = generator(prepared.seed(seed), "order").permutation(len(names)).tolist()
        scales = prepared.scales(data, [(changed(p), rows) for p in positions])
        return tuple(
            make_task(names[p], data, rows, scale, base=changed(p))
            for p, scale in zip(positions, scales, strict=True)
        )

    shown = names if order == "given" else tuple(f"task {t + 1}" for t in range(len(names)))
    words = f"images {what}: {', '.join(names)}, in {order} order; {prepared.words(data)}"
    return TaskSequence(f"{what} {data.name}", recipe, shown, data.n_inputs, data.n_classes, words)


def _number(angle: Any) -> float:
    try:
        value = float(angle)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise TaskError(f"Expected angles as numbers in degrees, got {angle!r}.")
    return value


def _shift(given: Any, shape: tuple[int, int]) -> tuple[int, int]:
    pair = list(given) if isinstance(given, (tuple, list)) else []
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) for v in pair):
        raise TaskError(f"Expected shifts as pairs of whole pixels (down, right), got {given!r}.")
    down, right = int(pair[0]), int(pair[1])
    if abs(down) >= shape[0] or abs(right) >= shape[1]:
        raise TaskError(
            f"The shift {(down, right)} moves images of {shape[0]} x {shape[1]} pixels out of sight."
        )
    return down, right
