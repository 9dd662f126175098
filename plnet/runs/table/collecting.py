"""Run folders, read as they are: also while a sweep goes on, and also what is damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from plnet.errors import ConfigError, OutputError
from plnet.io import read_json
from plnet.runs.store.layout import (
    CONFIG_FILE,
    FINISHED,
    LOCK_FOLDER,
    METRICS_FILE,
    MISSING,
    NEWER,
    RUNNING,
    STATUS_FILE,
    UNREADABLE,
    RunStatus,
    read_status,
)
from plnet.runs.store.lock import is_locked

__all__ = ["ABANDONED", "CollectedRun", "collect_runs", "flatten", "read_run"]

# A run that says "running", and nobody works on it.
ABANDONED = "abandoned"

# The loader in C is ten times faster; some builds of PyYAML lack it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class CollectedRun:
    """What is in one run folder.

    Parameters
    ----------
    folder : Path
        Absolute.
    status : RunStatus
        Its ``status`` may also be "abandoned".
    config : dict
        Dotted names and plain values; a list is JSON text. An entry that names a file or code of the user has
        beside it one with the ending ``.sha256``, the beginning of the digest of its content.
    metrics : dict
    problem : str
        For people: what could not be read. Empty otherwise.
    """

    folder: Path
    status: RunStatus
    config: dict[str, Any]
    metrics: dict[str, Any]
    problem: str = ""

    @property
    def job(self) -> str:
        """Name of the script."""
        return self.status.job or self.folder.parent.name

    @property
    def key(self) -> str:
        """Key of the scientific configuration."""
        return self.status.key or self.folder.name


def collect_runs(*paths: str | Path) -> tuple[list[CollectedRun], list[str]]:
    """Read all runs in and below some folders, each once.

    Links to folders are followed. Hidden folders, and what is inside of a run folder, are passed over.

    Parameters
    ----------
    paths : str or Path
        Run folders, or folders somewhere above them.

    Returns
    -------
    runs : list of CollectedRun
        One for each job and key.
    problems : list of str
        What could not be read, and which folders hold the same run again.

    Raises
    ------
    ConfigError
        If a path does not exist or is no folder.
    """
    runs: dict[tuple[str, str], CollectedRun] = {}
    folders, problems = _find(paths)
    for folder in folders:
        run = read_run(folder)
        if run.problem:
            problems.append(run.problem)
        other = runs.get((run.job, run.key))
        if other is not None:
            first, second = sorted((run, other), key=_preference)
            problems.append(
                f"{second.folder} holds the same run as {first.folder} "
                f"({first.status.status}), which is taken.{_other_numbers(first, second)}"
            )
            run = first
        runs[run.job, run.key] = run
    return list(runs.values()), problems


def read_run(folder: str | Path) -> CollectedRun:
    """Return what is in a run folder; whatever is there, the answer is a `CollectedRun`."""
    place = Path(folder)
    for _ in range(5):
        before = _stamp(place)
        run = _read(place)
        # Another launch may have replaced the files while they were read.
        if _stamp(place) == before:
            break
    return run


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested entries under dotted names; a list becomes JSON text, and an empty group ``{}``.

    Examples
    --------
    >>> from plnet.runs.table.collecting import flatten
    >>> flatten({"network": {"widths": [2, 8, 1], "options": {}}, "seed": 0})
    {'network.widths': '[2, 8, 1]', 'network.options': '{}', 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update({f"{key}.{inner}": entry for inner, entry in flatten(value).items()})
        else:
            flat[str(key)] = value if _is_scalar(value) else json.dumps(value, default=str)
    return flat


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _find(paths: Iterable[str | Path]) -> tuple[list[Path], list[str]]:
    """Return the run folders, and what is to be told about folders that cannot be read."""
    found, problems, seen = [], [], set()
    for path in map(Path, paths):
        if not path.is_dir():
            what = "is a file" if path.exists() else "does not exist"
            raise ConfigError(
                f"Expected a folder of runs, and {path} {what}. Runs are below paths.runs, as runs/."
            )
        found += _walk(path.resolve(), seen, problems)
    return found, problems


def _walk(folder: Path, seen: set[tuple[int, int]], problems: list[str]) -> Iterator[Path]:
    try:
        identity = folder.stat()
        # A folder may be given twice, and links may lead in a circle.
        if (identity.st_dev, identity.st_ino) in seen:
            return
        seen.add((identity.st_dev, identity.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # Removed this very moment.
    except OSError as error:
        problems.append(
            f"{folder} cannot be read ({error.strerror or error}); its runs are not in the table."
        )
        return
    names = {entry.name for entry in entries}
    # A lock folder without a lock is that of a run which begins this very moment.
    if STATUS_FILE in names or (LOCK_FOLDER in names and any(folder.glob(f"{LOCK_FOLDER}/*.json"))):
        yield folder
        return
    for entry in entries:
        if not entry.name.startswith(".") and entry.is_dir():
            yield from _walk(Path(entry.path), seen, problems)


def _stamp(folder: Path) -> tuple[int, int, int] | None:
    try:
        found = folder.joinpath(STATUS_FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(folder: Path) -> CollectedRun:
    status = read_status(folder)
    if status.status == NEWER:
        # Nothing is known about the other files.
        return CollectedRun(folder, status, {}, {}, status.problem)
    locked = _is_locked(folder) if status.status in (RUNNING, MISSING, UNREADABLE) else False
    problems = [status.problem] if status.status == UNREADABLE and not locked else []
    if status.status == RUNNING and not locked:
        status = replace(status, status=ABANDONED)
    elif status.status == MISSING:
        status = replace(status, status=RUNNING if locked else ABANDONED)
    config, wrong = _mapping(folder / CONFIG_FILE, lambda path: yaml.load(path.read_bytes(), _LOADER))
    problems += wrong if status.status == FINISHED or folder.joinpath(CONFIG_FILE).exists() else []
    metrics, wrong = _mapping(folder / METRICS_FILE, read_json)
    problems += wrong if status.status == FINISHED or folder.joinpath(METRICS_FILE).exists() else []
    if problems and status.status == FINISHED:
        # Half of a result must not pass for a result.
        status = replace(status, status=UNREADABLE)
    entries = {**flatten(config), **_contents(status)} if config else {}
    return CollectedRun(folder, status, entries, flatten(metrics), " ".join(problems))


def _contents(status: RunStatus) -> dict[str, str]:
    # Without it, the runs of two versions of a file would look the same.
    return {f"{name}.sha256": str(digest)[:16] for name, digest in (status.inputs or {}).items()}


def _is_locked(folder: Path) -> bool:
    try:
        return is_locked(folder)
    except OutputError:
        return True  # Somebody is at work there this very moment.


def _mapping(path: Path, parse: Any) -> tuple[Mapping[str, Any], list[str]]:
    try:
        content = parse(path)
    except (OSError, ValueError, yaml.YAMLError, RecursionError, MemoryError) as error:
        lost = isinstance(error, FileNotFoundError)
        what = "is missing" if lost else f"cannot be read ({type(error).__name__})"
        return {}, [f"{path} {what}; the run is in the table without it."]
    if not isinstance(content, Mapping):
        return {}, [f"{path} holds no names and values; the run is in the table without it."]
    return content, []


def _other_numbers(taken: CollectedRun, other: CollectedRun) -> str:
    """Return in which numbers two finished folders of one run differ, for people; times always differ."""
    if not taken.status.status == other.status.status == FINISHED:
        return ""
    differing = [
        f"{name} is {taken.metrics.get(name)} and {other.metrics.get(name)}"
        for name in dict.fromkeys([*taken.metrics, *other.metrics])
        if "seconds" not in name and taken.metrics.get(name) != other.metrics.get(name)
    ]
    if not differing:
        return ""
    more = f", and {len(differing) - 4} more" if len(differing) > 4 else ""
    return f" Their numbers differ: {'; '.join(differing[:4])}{more}."


def _preference(run: CollectedRun) -> tuple[bool, str]:
    """Order two folders of one run: a finished one first, then the one that ended first."""
    return run.status.status != FINISHED, run.status.ended or "9"
