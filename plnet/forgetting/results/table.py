"""A `SequenceResult` as tidy rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plnet.errors import MetricError

if TYPE_CHECKING:
    from plnet.forgetting.results.data import SequenceData

__all__ = ["accuracy_rows"]

COLUMNS = (
    "method",
    "model",
    "seed",
    "diverged",
    "never_learned",
    "after",
    "task",
    "task_name",
    "accuracy",
    "validation",
    "epochs",
)


def accuracy_rows(result: SequenceData) -> list[dict[str, Any]]:
    """Return one row for each accuracy of a result; see `SequenceResult.to_table`.

    Raises
    ------
    MetricError
        If a setting has the name of a column.
    """
    clash = set(result.settings) & set(COLUMNS)
    if clash:
        raise MetricError(f"Settings cannot be named like columns of the table: {', '.join(sorted(clash))}.")
    return list(_rows(result))


def _rows(result: SequenceData) -> Iterator[dict[str, Any]]:
    for s, seed in enumerate(result.seeds):
        replicate = {
            **result.settings,
            "method": result.method,
            "model": result.model,
            "seed": seed,
            "diverged": bool(result.diverged[s]),
            "never_learned": None if result.failures is None else bool(result.failures.never_learned[s]),
        }
        for after in range(result.n_tasks + 1):
            for task, name in enumerate(result.task_names):
                row = {**replicate, "after": after, "task": task + 1, "task_name": name}
                row["accuracy"] = _known(result.accuracy[s, after, task])
                if result.validation is not None:
                    row["validation"] = _known(result.validation[s, after, task])
                if result.epochs is not None:
                    row["epochs"] = int(result.epochs[s, after - 1]) if after else 0
                yield row


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
