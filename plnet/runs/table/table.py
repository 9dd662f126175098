"""The results of many runs as one table: a row for each run, a column for each entry that varies."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plnet.checks import did_you_mean
from plnet.errors import ConfigError, MissingExtraError
from plnet.io import open_npz
from plnet.runs.table.collecting import CollectedRun, collect_runs
from plnet.runs.table.columns import as_array, choose_columns, sort_value

__all__ = ["RunTable", "load", "table_of"]


@dataclass(frozen=True, eq=False)
class RunTable:
    """One row for each run, in an order that depends on the configurations only.

    ``table["regions"]`` is a column as a read-only array, ``len(table)`` the number of rows.

    Parameters
    ----------
    runs : tuple of CollectedRun
        The rows.
    columns : mapping of str to tuple
        Plain values, None where a run has none: job, key, status, the entries of the configuration that
        vary, the metrics, seconds, error, folder. An entry of the configuration with one of these names has
        ``config.`` before it, a metric ``metrics.``.
    constants : mapping
        Job -> the entries of the configuration that all of its runs share.
    problems : tuple of str
        What could not be read, and which folders hold the same run again.
    config_columns, metric_columns : tuple of str
        Which columns come from where.
    """

    runs: tuple[CollectedRun, ...]
    columns: Mapping[str, tuple[Any, ...]] = field(repr=False)
    constants: Mapping[str, Mapping[str, Any]] = field(repr=False)
    problems: tuple[str, ...]
    config_columns: tuple[str, ...]
    metric_columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        count = f"{len(self)} run{'s' if len(self) != 1 else ''}"
        varying = ", ".join(self.config_columns) or "nothing"
        return f"RunTable({count}, {len(self.columns)} columns; varying: {varying})"

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column as a read-only array ``(rows,)``.

        Whole numbers give an integer array, with missing ones a float array with NaN; texts give an array of
        objects.

        Raises
        ------
        ConfigError
            If there is no such column.
        """
        if name not in self.columns:
            raise ConfigError(f'There is no column "{name}".{_hint(name, self.columns)}')
        return as_array(self.columns[name])

    def where(self, entries: Mapping[str, Any] | None = None, /, **more: Any) -> RunTable:
        """Return the rows with given values; the columns stay the same.

        Parameters
        ----------
        entries, more
            Names of columns, or any entries of the configuration, and what to look for: a value, a list
            (a value that is a list), a set (one of several values) or a function of the value.

        Raises
        ------
        ConfigError
            If no run has an entry of that name.
        """
        wanted = {**(entries or {}), **more}
        known = {**dict.fromkeys(self.columns), **{name: None for run in self.runs for name in run.config}}
        for name in wanted:
            if name not in known and self.runs:
                raise ConfigError(f'There is no column and no entry "{name}".{_hint(name, known)}')
        keep = [
            index
            for index, run in enumerate(self.runs)
            if all(_matches(self._value(index, run, name), what) for name, what in wanted.items())
        ]
        columns = {name: tuple(column[index] for index in keep) for name, column in self.columns.items()}
        return replace(self, runs=tuple(self.runs[index] for index in keep), columns=columns)

    def _value(self, index: int, run: CollectedRun, name: str) -> Any:
        return self.columns[name][index] if name in self.columns else run.config.get(name)

    def folder(self, key: str) -> Path:
        """Return the folder of a run.

        Parameters
        ----------
        key : str
            Its key, or the beginning of it.

        Raises
        ------
        ConfigError
            If no run, or more than one, has such a key.
        """
        whole = [run for run in self.runs if run.key == key]
        found = whole or [run for run in self.runs if run.key.startswith(key)]
        if len(found) != 1:
            what = f"{len(found)} runs have" if found else "no run has"
            raise ConfigError(f'Expected the key of one run; {what} a key that begins with "{key}".')
        return found[0].folder

    def arrays(self, key: str, name: str) -> dict[str, np.ndarray]:
        """Return the arrays in an npz file of a run, as ``table.arrays(key, "points.npz")``.

        Raises
        ------
        ConfigError
            If there is no such run.
        FileFormatError
            If the file is missing or no npz file.
        """
        path = self.folder(key) / name
        names = sorted(entry.name for entry in path.parent.glob("*.npz"))
        with open_npz(path, missing=f"The run has {', '.join(names) or 'no npz files'}.") as stored:
            return dict(stored)

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`, with types that know missing values.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-not-found]
        except ImportError as error:
            raise MissingExtraError(
                "to_pandas needs pandas. Install it with `pip install pandas`, or use the columns as arrays."
            ) from error
        return pandas.DataFrame(
            {name: list(column) for name, column in self.columns.items()}
        ).convert_dtypes()


def load(*paths: str | Path, job: str | None = None, all_config: bool = False) -> RunTable:
    """Read all runs in and below some folders into one table.

    It works while a sweep goes on: a run that is not finished is a row too, see the column ``status``.

    Parameters
    ----------
    paths : str or Path
        Run folders, or folders somewhere above them; ``runs`` by default.
    job : str, optional
        Only runs of this script, as ``"count_regions"``.
    all_config : bool
        Also columns for entries that only say where and how fast, such as ``launch.jobs``.

    Raises
    ------
    ConfigError
        If a path does not exist.

    Notes
    -----
    Linear in the number of runs, about a millisecond for each.
    """
    runs, problems = collect_runs(*(paths or ("runs",)))
    return table_of([run for run in runs if job in (None, run.job)], problems, all_config=all_config)


def table_of(
    runs: Sequence[CollectedRun], problems: Iterable[str] = (), *, all_config: bool = False
) -> RunTable:
    """Return the table of runs that were read before."""
    # The order of columns is that of the configurations, whatever the order in which folders were given.
    runs = sorted(runs, key=lambda run: (run.job, run.key, run.folder))
    varying, constants = choose_columns(runs, all_config=all_config)
    ordered = sorted(
        runs,
        key=lambda run: (
            run.job,
            *(sort_value(run.config.get(name)) for name in varying),
            run.key,
            run.folder,
        ),
    )
    renamed = _metric_names(ordered)
    entries = {name: f"config.{name}" if name in _OWN else name for name in varying}
    columns: dict[str, tuple[Any, ...]] = {
        "job": tuple(run.job for run in ordered),
        "key": tuple(run.key for run in ordered),
        "status": tuple(run.status.status for run in ordered),
        **{shown: tuple(run.config.get(name) for run in ordered) for name, shown in entries.items()},
        **{shown: tuple(run.metrics.get(name) for run in ordered) for name, shown in renamed.items()},
        "seconds": tuple(run.status.seconds for run in ordered),
        "error": tuple(_error(run) for run in ordered),
        "folder": tuple(str(run.folder) for run in ordered),
    }
    return RunTable(
        tuple(ordered), columns, constants, tuple(problems), tuple(entries.values()), tuple(renamed.values())
    )


_OWN = ("job", "key", "status", "seconds", "error", "folder")


def _metric_names(runs: Sequence[CollectedRun]) -> dict[str, str]:
    """Return the metrics, in the order of their appearance, with the names of their columns."""
    names: dict[str, str] = {}
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        both = [run for run in runs if name in run.config]
        # A metric that repeats an entry of the configuration, as the seed, tells nothing more.
        same = all(run.metrics.get(name, run.config[name]) == run.config[name] for run in both)
        if both and same and all(name in run.config for run in runs if name in run.metrics):
            continue
        names[name] = f"metrics.{name}" if both or name in _OWN else name
    return names


def _error(run: CollectedRun) -> str | None:
    if run.problem:
        return run.problem
    error = run.status.error
    return None if error is None else f"{error.get('type')}: {error.get('message')}"


def _matches(value: Any, what: Any) -> bool:
    if callable(what):
        return bool(what(value))
    if isinstance(what, set | frozenset):
        return any(_matches(value, one) for one in what)
    if isinstance(what, list | tuple):
        what = json.dumps(list(what))
    if isinstance(what, float) and math.isnan(what):
        return isinstance(value, float) and math.isnan(value)
    # True is not the number 1 here.
    return isinstance(value, bool) == isinstance(what, bool) and value == what


def _hint(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known, '"{}"') or f" There are {', '.join(known) or 'none'}."
