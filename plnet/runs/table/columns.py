"""Which entries of the configurations become columns, and of which type a column is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from plnet.runs.store.keys import NOT_SCIENTIFIC
from plnet.runs.table.collecting import CollectedRun

__all__ = ["as_array", "choose_columns", "column_type", "sort_value"]

_ABSENT = object()
_EXACT = 2**53


def choose_columns(
    runs: Sequence[CollectedRun], *, all_config: bool = False
) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Return the entries that vary, and for each job those that all of its runs share.

    An entry varies if two runs of the jobs that know it differ in it; to have no such entry is a difference.
    Runs without a readable configuration do not count.

    Parameters
    ----------
    runs : sequence of CollectedRun
    all_config : bool
        Also the entries that only say where and how fast.
    """
    readable = [run for run in runs if run.config]
    by_job: dict[str, list[CollectedRun]] = {}
    for run in readable:
        by_job.setdefault(run.job, []).append(run)
    names = list(dict.fromkeys(name for run in readable for name in run.config))
    varying, constants = [], {job: {} for job in by_job}
    for name in names:
        if not all_config and _only_where_and_how(name):
            continue
        jobs = [job for job, members in by_job.items() if any(name in run.config for run in members)]
        values = {_identity(run.config.get(name, _ABSENT)) for job in jobs for run in by_job[job]}
        if len(values) > 1:
            varying.append(name)
        else:
            for job in jobs:
                constants[job][name] = by_job[job][0].config[name]
    return varying, constants


def column_type(values: Sequence[Any]) -> str:
    """Return "bool", "int", "float" or "text"; a column without any value is "text".

    Whole numbers beyond 64 bits, and columns with values of several types, are "text", so that no digit is
    lost.
    """
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return "bool"
    if not present or any(isinstance(value, bool | str) for value in present):
        return "text"
    if all(isinstance(value, int) for value in present):
        return "int" if all(-(2**63) <= value < 2**63 for value in present) else "text"
    exact = all(isinstance(value, float) or abs(value) <= _EXACT for value in present)
    return "float" if exact else "text"


def as_array(values: Sequence[Any]) -> np.ndarray:
    """Return a column as a read-only array; missing numbers are NaN, other missing values None."""
    kind, complete = column_type(values), all(value is not None for value in values)
    if kind == "bool" and complete:
        array = np.array(values, dtype=bool)
    elif kind == "int" and complete:
        array = np.array(values, dtype=np.int64)
    elif kind == "float" or (
        kind == "int" and all(value is None or abs(value) <= _EXACT for value in values)
    ):
        array = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    else:
        array = np.empty(len(values), dtype=object)
        array[:] = list(values)
    array.flags.writeable = False
    return array


def sort_value(value: Any) -> tuple[int, Any]:
    """Return something that orders values of all types: missing ones first, then numbers, then texts."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, int | float):
        return (3, 0) if isinstance(value, float) and math.isnan(value) else (2, value)
    return 4, str(value)


def _identity(value: Any) -> Any:
    if value is _ABSENT:
        return _ABSENT
    # 8 and 8.0 are one value, as in the key of a run; true and 1 are not, and NaN equals itself here.
    kind = (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )
    return kind, "nan" if isinstance(value, float) and math.isnan(value) else value


def _only_where_and_how(name: str) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in NOT_SCIENTIFIC)
