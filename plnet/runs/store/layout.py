"""The folder of a run: names of its files, and its status.

``<paths.runs>/<job>/<key>/`` belongs to one scientific configuration. This module reads it and knows neither
hydra nor torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from plnet.errors import FileFormatError
from plnet.io import read_json

__all__ = [
    "CONFIG_FILE",
    "ENVIRONMENT_FILE",
    "FAILED",
    "FINISHED",
    "INTERRUPTED",
    "LOCK_FOLDER",
    "METRICS_FILE",
    "MISSING",
    "NEWER",
    "PREVIOUS_FOLDER",
    "RESUME_FILE",
    "RUNNING",
    "STATUS_FILE",
    "STATUS_SCHEMA",
    "TRACEBACK_FILE",
    "UNREADABLE",
    "RunStatus",
    "read_status",
]

STATUS_SCHEMA = 1

CONFIG_FILE = "config.yaml"  # The whole resolved configuration of the last launch.
STATUS_FILE = "status.json"
METRICS_FILE = "metrics.json"  # Flat scalars; units in the names.
ENVIRONMENT_FILE = "environment.json"
TRACEBACK_FILE = "traceback.txt"  # Of a failed run only.
RESUME_FILE = "resume.json"  # Steps that an unfinished run has behind it.
LOCK_FOLDER = ".lock"  # `plnet.runs.store.lock` reads and writes it.
PREVIOUS_FOLDER = ".previous"  # The last finished result while it is being replaced.

# What the wrapper of a job writes.
RUNNING = "running"  # Without a live lock: the process was killed.
FINISHED = "finished"
FAILED = "failed"
INTERRUPTED = "interrupted"
# What only a reader answers.
MISSING = "missing"
UNREADABLE = "unreadable"
NEWER = "newer"

_WRITTEN = (RUNNING, FINISHED, FAILED, INTERRUPTED)


@dataclass(frozen=True)
class RunStatus:
    """What is known about a run.

    Parameters
    ----------
    status : str
        "running", "finished", "failed" or "interrupted", as the run wrote it; "missing", "unreadable" or
        "newer" (of a newer schema) where the file tells nothing else.
    job, key : str, optional
        Name of the script and key of the scientific configuration.
    attempt : int
        1 for the first, 0 where nothing is known.
    started, ended : str, optional
        ISO 8601 in UTC.
    seconds : float, optional
        Wall time of the last attempt.
    host : str, optional
    process : int, optional
    commit : str, optional
    dirty : bool, optional
        Whether the checkout had changes.
    plnet : str, optional
        Version.
    code : str, optional
        Digest of the source of plnet; it tells apart what commit and version do not.
    inputs : dict, optional
        Entries of the configuration that name a file or code of the user, with the digest of the content.
    launch_folder, hydra_folder : str, optional
    error : dict, optional
        "type" and "message" of a failure.
    seed : int, optional
    deterministic : bool, optional
    schema : int, optional
    problem : str
        For people: why the status is "missing", "unreadable" or "newer". Empty otherwise.
    """

    status: str
    job: str | None = None
    key: str | None = None
    attempt: int = 0
    started: str | None = None
    ended: str | None = None
    seconds: float | None = None
    host: str | None = None
    process: int | None = None
    commit: str | None = None
    dirty: bool | None = None
    plnet: str | None = None
    code: str | None = None
    inputs: dict[str, str] | None = None
    launch_folder: str | None = None
    hydra_folder: str | None = None
    error: dict[str, Any] | None = None
    seed: int | None = None
    deterministic: bool | None = None
    schema: int | None = STATUS_SCHEMA
    problem: str = ""

    @property
    def known(self) -> bool:
        """Whether a run of this version, or an older one, wrote it."""
        return self.status in _WRITTEN

    def to_json(self) -> str:
        """Return the content of the file."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "problem"}
        return json.dumps({"schema": values.pop("schema"), **values}, indent=2) + "\n"


def read_status(folder: str | Path) -> RunStatus:
    """Return the status of a run folder; whatever is there, the answer is a `RunStatus`.

    Parameters
    ----------
    folder : str or Path
        It need not exist.

    Examples
    --------
    >>> from plnet.runs.store.layout import read_status
    >>> read_status("no-such-folder").status
    'missing'
    """
    path = Path(folder) / STATUS_FILE
    try:
        values = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        return RunStatus(MISSING, schema=None, problem=f"There is no {path}.")
    except (OSError, FileFormatError) as error:
        return _unreadable(path, f"{type(error).__name__}: {error}")
    if not isinstance(values, dict):
        return _unreadable(path, f"it holds a {type(values).__name__}, no object")
    schema = values.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        return _unreadable(path, f"its schema is {schema!r}, no integer")
    if schema > STATUS_SCHEMA:
        return RunStatus(
            NEWER,
            schema=schema,
            problem=f"{path} has schema {schema}, and this version of plnet reads up to {STATUS_SCHEMA}. "
            "Update plnet, or give another folder with paths.runs=...",
        )
    if values.get("status") not in _WRITTEN:
        return _unreadable(path, f"its status is {values.get('status')!r}")
    wrong = [
        f"{name} is {value!r}" for name, value in values.items() if name in _TYPES and not _fits(name, value)
    ]
    if wrong:
        return _unreadable(path, "; ".join(wrong))
    return RunStatus(**{name: value for name, value in values.items() if name in _TYPES or name == "status"})


_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("job", "key", "started", "ended", "host"), (str, type(None))),
    **dict.fromkeys(("commit", "plnet", "code", "launch_folder", "hydra_folder"), (str, type(None))),
    **dict.fromkeys(("process", "seed"), (int, type(None))),
    **dict.fromkeys(("dirty", "deterministic"), (bool, type(None))),
    "attempt": (int,),
    "schema": (int,),
    "seconds": (int, float, type(None)),
    "error": (dict, type(None)),
    "inputs": (dict, type(None)),
}


def _fits(name: str, value: Any) -> bool:
    types = _TYPES[name]
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _unreadable(path: Path, why: str) -> RunStatus:
    return RunStatus(
        UNREADABLE,
        schema=None,
        problem=f"{path} cannot be read ({why}). It may be half-written or damaged; "
        "the run counts as unfinished.",
    )
