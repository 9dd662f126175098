"""The scaling of inputs: one for all tasks, unless its name says that it knows the task or the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from plnet.errors import TaskError

__all__ = ["SCALINGS", "Scale", "Scaling", "check_statistics", "fit_scales", "scaling_words"]

Scaling: TypeAlias = str | Sequence[Any]

SCALINGS = (
    "unit", "standardise", "standardise_overall", "standardise_each_task", "standardise_all_tasks", "none",
)  # fmt: skip
"""Names of scalings; a pair (means, deviations) of given statistics is another."""


@dataclass(frozen=True)
class Scale:
    """What is subtracted from each input, and what it is divided by then; None for nothing."""

    offset: np.ndarray | None = None
    scale: np.ndarray | None = None


def fit_scales(
    scaling: Scaling, tasks: Sequence[tuple[np.ndarray, np.ndarray]], full_scale: float
) -> tuple[Scale, ...]:
    """Return the scale of each task, in the order of training.

    Parameters
    ----------
    scaling : str, or pair of means and deviations
        As in `plnet.forgetting.tasks.preparation.Preparation`.
    tasks : sequence of pairs of ndarray
        For each task all its samples (N, m), and the rows (n,) that are for training.
    full_scale : float
        The largest grey value.

    Notes
    -----
    An input that never changes in the samples of the fit becomes zero there, and is divided by 1. One that
    hardly changes there may become large in later tasks.
    """
    inputs = tasks[0][0].shape[1]
    if not isinstance(scaling, str):
        same = _given(scaling, inputs)
    elif scaling == "unit" and full_scale != 1.0:
        same = Scale(np.zeros(inputs), np.full(inputs, full_scale))
    elif scaling == "standardise":
        same = _fit(tasks[:1])
    elif scaling == "standardise_overall":
        base, rows = tasks[0]
        samples = base[rows].astype(np.float64)
        same = _given((samples.mean(), samples.std() or 1.0), inputs)
    elif scaling == "standardise_all_tasks":
        same = _fit(tasks)
    elif scaling == "standardise_each_task":
        return tuple(_fit([task]) for task in tasks)
    else:
        same = Scale()
    return (same,) * len(tasks)


def scaling_words(scaling: Scaling, full_scale: float) -> str:
    """Describe a scaling for a table or a caption, and what it knows that a learner in sequence does not."""
    if not isinstance(scaling, str):
        return "every input standardised by given means and deviations"
    return {
        "unit": f"divided by {full_scale:g}" if full_scale != 1.0 else "inputs as they are",
        "standardise": "every input standardised on the training samples of the first task",
        "standardise_overall": "one mean and one deviation for all inputs, of the training samples of the "
        "first task",
        "standardise_each_task": "every input standardised on the training samples of its own task, which "
        "the test so has to know",
        "standardise_all_tasks": "every input standardised on the training samples of all tasks, also of "
        "future ones",
        "none": "inputs as they are",
    }[scaling]


def check_statistics(scaling: Any) -> None:
    """Raise `TaskError` unless a scaling is a pair of means and positive deviations."""
    try:
        means, deviations = (np.asarray(part, dtype=np.float64) for part in scaling)
    except (TypeError, ValueError):
        means = deviations = np.array(np.nan)
    if not (np.isfinite(means).all() and np.isfinite(deviations).all() and (deviations > 0).all()):
        raise TaskError(
            f"Expected scaling as one of {', '.join(SCALINGS)}, or as a pair of means and positive "
            f"deviations of the inputs; got {scaling!r}."
        )


def _given(scaling: Sequence[Any], inputs: int) -> Scale:
    parts = []
    for part in scaling:
        values = np.asarray(part, dtype=np.float64)
        if values.shape not in ((), (inputs,)):
            raise TaskError(
                f"Expected means and deviations for scaling as numbers, or with one number for each of the "
                f"{inputs} inputs; got the shape {values.shape}."
            )
        parts.append(np.broadcast_to(values, (inputs,)).copy())
    return Scale(*parts)


def _fit(tasks: Sequence[tuple[np.ndarray, np.ndarray]]) -> Scale:
    samples = np.concatenate([base[rows].astype(np.float64) for base, rows in tasks])
    # The deviation of an input that never changes, as computed, need not be 0.
    constant = np.ptp(samples, axis=0) == 0
    return Scale(
        np.where(constant, samples[0], samples.mean(axis=0)),
        np.where(constant, 1.0, samples.std(axis=0)),
    )
