"""Choosing the settings of a method by validation accuracy, on replicates that serve for nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from plnet.errors import ConfigError, TaskError
from plnet.forgetting.methods.base import Method
from plnet.forgetting.methods.registry import method as make_method
from plnet.forgetting.models.spec import ModelSpec
from plnet.forgetting.results.result import SequenceResult
from plnet.forgetting.tasks.task import Task, TaskSequence
from plnet.forgetting.training.sequence import train_settings

__all__ = ["GRIDS", "SettingsSearch", "method_grid", "search_settings"]

GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "l2": {"strength": (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)},
    "ewc": {"strength": (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)},
    "online_ewc": {"strength": (5.0, 10.0, 20.0, 50.0), "decay": (0.5, 0.9, 1.0)},
    "si": {"strength": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0), "damping": (0.001, 0.01, 0.1)},
    "lwf": {"strength": (0.1, 0.3, 1.0, 3.0), "temperature": (1.0, 2.0)},
    "replay": {"strength": (1.0, 2.0, 4.0, 8.0), "memory_batch": (16, 64)},
    "agem": {"memory_batch": (64, 200)},
    "er_ace": {"memory_batch": (16, 64)},
}
"""The settings among which the defaults of the methods were chosen; `docs/forgetting.md` has the outcome."""


@dataclass(frozen=True, eq=False)
class SettingsSearch:
    """What a search has found.

    Parameters
    ----------
    candidates : tuple of Method, length H
    scores : ndarray, shape (H, S)
        Mean validation accuracy over all tasks after the last one; NaN where a replicate diverged.
    results : tuple of SequenceResult, length H
    """

    candidates: tuple[Method, ...]
    scores: np.ndarray
    results: tuple[SequenceResult, ...]

    @property
    def means(self) -> np.ndarray:
        """Mean score of each candidate, shape (H,); NaN where a replicate diverged."""
        return self.scores.mean(axis=1)

    @property
    def best(self) -> Method:
        """The candidate with the highest mean score, none of whose replicates diverged; the first in a tie.

        Raises
        ------
        ConfigError
            If every candidate diverged.
        """
        if np.isnan(self.means).all():
            raise ConfigError(
                "Every candidate of the search diverged in some replicate. Take smaller strengths, or a "
                "smaller learning rate."
            )
        return self.candidates[int(np.nanargmax(self.means))]

    @property
    def at_edge(self) -> tuple[str, ...]:
        """Settings whose best value is the smallest or largest one tried: the grid may be too short."""
        numbers = {
            name: values
            for name, values in _varied(self.candidates).items()
            if all(isinstance(value, (int, float)) for value in values)
        }
        best = self.best
        return tuple(name for name, v in numbers.items() if getattr(best, name) in (min(v), max(v)))

    def to_table(self) -> list[dict[str, Any]]:
        """Return a row for each candidate: its varied settings, mean score and diverged replicates."""
        varied = _varied(self.candidates)
        return [
            {
                "method": candidate.name,
                **{name: getattr(candidate, name) for name in varied},
                "validation_accuracy": float(mean),
                "diverged": int(np.isnan(scores).sum()),
            }
            for candidate, mean, scores in zip(self.candidates, self.means, self.scores, strict=True)
        ]


def method_grid(name: str, **axes: Sequence[Any]) -> tuple[Method, ...]:
    """Return a method with every combination of settings.

    Parameters
    ----------
    name : str
    **axes
        Values of each setting; without any, those of `GRIDS`.

    Raises
    ------
    ConfigError
        If the name or a setting is unknown, or nothing is to be searched.

    Examples
    --------
    >>> from plnet.forgetting.training.search import method_grid
    >>> [one.strength for one in method_grid("ewc", strength=(1.0, 10.0))]
    [1.0, 10.0]
    """
    make_method(name)
    chosen = axes or GRIDS.get(name, {})
    if not chosen or not all(len(values) for values in chosen.values()):
        raise ConfigError(
            f"There is nothing to search for the method {name!r}. Give values, as in strength=(1, 10)."
        )
    combinations = itertools.product(*chosen.values())
    return tuple(make_method(name, **dict(zip(chosen, values, strict=True))) for values in combinations)


def search_settings(
    tasks: TaskSequence | Iterable[Task],
    candidates: Sequence[Method],
    model: ModelSpec | str | Sequence[int] | None = None,
    *,
    seeds: Iterable[int],
    **training: Any,
) -> SettingsSearch:
    """Train with every candidate, and score each by the validation samples of all tasks.

    Parameters
    ----------
    tasks : TaskSequence or list of Task
        With validation samples.
    candidates : sequence of Method
        As `method_grid` returns; those that may share a batched program do.
    model
        As for `train_sequence`.
    seeds : iterable of int
        Others than those of the replicates that are reported, or the choice has seen their data.
    **training
        As for `train_sequence`: epochs, learning_rate and so on.

    Returns
    -------
    SettingsSearch

    Raises
    ------
    TaskError
        If the tasks have no validation samples.
    ConfigError
        If there are no candidates.

    Notes
    -----
    The score uses validation samples of all tasks when the last one is done, as is usual, though a learner
    that never sees old data again could not do so.

    Examples
    --------
    >>> from plnet.forgetting import permuted
    >>> from plnet.forgetting.training.search import method_grid, search_settings
    >>> tasks = permuted(2, validation_fraction=0.2)
    >>> found = search_settings(tasks, method_grid("l2", strength=(0.0, 0.1)), [8], seeds=[90, 91], epochs=1)
    >>> found.scores.shape
    (2, 2)
    """
    if not candidates:
        raise ConfigError("Expected at least one candidate to search among, got none.")
    seeds = tuple(seeds)
    results: list[SequenceResult | None] = [None] * len(candidates)
    for places in _programs(candidates):
        chosen = [candidates[place] for place in places]
        found = train_settings(tasks, model, chosen, seeds=seeds, **training)
        for place, result in zip(places, found, strict=True):
            results[place] = result
    known = tuple(result for result in results if result is not None)
    if any(result.validation is None for result in known):
        raise TaskError(
            "A search needs validation samples, and the tasks have none. Give the tasks some, as with "
            "validation_fraction=0.2."
        )
    scores = np.stack([_final(result) for result in known])
    scores.setflags(write=False)
    return SettingsSearch(tuple(candidates), scores, known)


def _final(result: SequenceResult) -> np.ndarray:
    assert result.validation is not None
    return np.where(result.diverged, np.nan, result.validation[:, -1].mean(axis=1))


def _programs(candidates: Sequence[Method]) -> list[list[int]]:
    """Group candidates that differ in per-member settings only."""
    groups: dict[Any, list[int]] = {}
    for place, candidate in enumerate(candidates):
        key = tuple(
            (part.name, getattr(candidate, part.name))
            for part in _fields(candidate)
            if part.name not in candidate.per_member
        )
        groups.setdefault((type(candidate), key), []).append(place)
    return list(groups.values())


def _varied(candidates: Sequence[Method]) -> dict[str, list[Any]]:
    """Return the settings of which candidates have different values."""
    values: dict[str, list[Any]] = {}
    for candidate in candidates:
        for part in _fields(candidate):
            seen = values.setdefault(part.name, [])
            if getattr(candidate, part.name) not in seen:
                seen.append(getattr(candidate, part.name))
    return {name: seen for name, seen in values.items() if len(seen) > 1}


def _fields(method: Method) -> tuple[Any, ...]:
    return fields(method) if is_dataclass(method) else ()
