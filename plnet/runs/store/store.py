"""The store of runs: one folder for each scientific configuration, and who may work in it."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plnet.errors import ConfigError, FileFormatError, OutputError
from plnet.io import read_json
from plnet.runs.store.layout import (
    CONFIG_FILE,
    FAILED,
    FINISHED,
    INTERRUPTED,
    LOCK_FOLDER,
    METRICS_FILE,
    MISSING,
    NEWER,
    PREVIOUS_FOLDER,
    RUNNING,
    STATUS_FILE,
    TRACEBACK_FILE,
    UNREADABLE,
    RunStatus,
    read_status,
)
from plnet.runs.store.lock import LockRecord, RunLock, take_lock, wait_for
from plnet.runs.store.lock_owner import this_process
from plnet.runs.store.outputs import RunFolder
from plnet.runs.store.resume import Steps, kept_files, read_steps
from plnet.runs.store.writable import make_folder

__all__ = ["RERUN", "WHEN_LOCKED", "Attempt", "Launch", "RunStore", "Skipped", "must_run"]

logger = logging.getLogger(__name__)

RERUN = ("never", "failed", "stale", "all")
WHEN_LOCKED = ("wait", "skip")
# What a launch asks for; all else about it stands in the status of its run.
_ONLY_ASKED = ("config", "rerun", "when_locked")


@dataclass(frozen=True)
class Launch:
    """What a launch asks for, and where it comes from.

    Parameters
    ----------
    config : str
        The whole resolved configuration as YAML.
    rerun : {"never", "failed", "stale", "all"}
        Which runs are made again, see `must_run`.
    when_locked : {"wait", "skip"}
        What to do where another process works on the run.
    commit, dirty, plnet, code, inputs, launch_folder, hydra_folder, seed, deterministic
        As in `plnet.runs.store.layout.RunStatus`.

    Raises
    ------
    ConfigError
        If a word is unknown.
    """

    config: str
    rerun: str = "failed"
    when_locked: str = "wait"
    commit: str | None = None
    dirty: bool | None = None
    plnet: str | None = None
    code: str | None = None
    inputs: dict[str, str] | None = None
    launch_folder: str | None = None
    hydra_folder: str | None = None
    seed: int | None = None
    deterministic: bool = False

    def __post_init__(self) -> None:
        for name, known in (("rerun", RERUN), ("when_locked", WHEN_LOCKED)):
            if getattr(self, name) not in known:
                raise ConfigError(f"Expected {name} to be {', '.join(known)}; got {getattr(self, name)!r}.")


@dataclass(frozen=True)
class Skipped:
    """A run that is not made, because there is a result or because another process makes it.

    Parameters
    ----------
    folder : Path
    status : RunStatus
    lock : LockRecord, optional
        Of the process that works on it.
    """

    folder: Path
    status: RunStatus
    lock: LockRecord | None = None


def must_run(status: RunStatus, launch: Launch) -> bool:
    """Return whether a run that nobody works on is made, now that its status is known.

    A run that never began, that was killed, or whose status cannot be read, is always made. Beyond that:

    ========  ==========================================================================================
    never     nothing: what finished, failed or was interrupted stays as it is
    failed    what failed or was interrupted
    stale     that, and what finished with another commit, version or source of plnet
    all       everything
    ========  ==========================================================================================

    A result without a record of the source is stale if its checkout, or the present one, has changes.
    """
    if status.status in (MISSING, UNREADABLE, RUNNING) or launch.rerun == "all":
        return True
    if launch.rerun == "never":
        return False
    if status.status != FINISHED:
        return True
    return launch.rerun == "stale" and not _same_code(status, launch)


def _same_code(status: RunStatus, launch: Launch) -> bool:
    if (status.commit, status.plnet) != (launch.commit, launch.plnet):
        return False
    if status.code is not None and launch.code is not None:
        return status.code == launch.code
    return not status.dirty and not launch.dirty


class RunStore:
    """The runs of one job below ``<paths.runs>/<job>/``.

    Parameters
    ----------
    root : str or Path
        The folder ``paths.runs``; it is made when the first run is opened.
    job : str
        Name of the script.
    """

    def __init__(self, root: str | Path, job: str) -> None:
        self.job = job
        self.path = Path(root).absolute() / job

    def folder(self, key: str) -> Path:
        """Return the folder of a key, which need not exist."""
        return self.path / key

    def open(self, key: str, launch: Launch) -> Attempt | Skipped:
        """Begin an attempt at a run, or say why there is nothing to do.

        Parameters
        ----------
        key : str
            As `plnet.runs.store.keys.run_key` makes it.
        launch : Launch

        Returns
        -------
        Attempt or Skipped
            An attempt is to be ended by `Attempt.finish`, `Attempt.fail` or `Attempt.interrupt`.

        Raises
        ------
        FileFormatError
            If the folder is of a newer version of plnet; nothing in it is touched.
        OutputError
            If the folder cannot be written.
        """
        folder = self.folder(key)
        status = _readable_status(folder)
        if not must_run(status, launch):
            return Skipped(folder, status)
        lock = self._lock(folder, launch)
        if isinstance(lock, LockRecord):
            return Skipped(folder, read_status(folder), lock)
        try:
            # Whoever had the lock until here may have finished the run.
            status = _readable_status(folder)
            if not must_run(status, launch):
                lock.release()
                return Skipped(folder, status)
            return self._begin(folder, key, status, launch, lock)
        except BaseException:
            lock.release()
            raise

    def _lock(self, folder: Path, launch: Launch) -> RunLock | LockRecord:
        found = take_lock(make_folder(folder, "Choose another one with paths.runs=..."))
        if isinstance(found, LockRecord) and launch.when_locked == "wait":
            logger.info("waiting for %s, which works on %s", found.words(), folder)
            found = wait_for(folder)
        if isinstance(found, RunLock) and found.stale is not None:
            logger.info("took over the run %s from %s, which is gone", folder.name, found.stale.words())
        return found

    def reopen(self, key: str, launch: Launch) -> tuple[RunFolder, RunLock] | Skipped:
        """Return the folder of a finished run and its lock, to add what is no result.

        The status stays as it is. The caller releases the lock. Where another process has it, ``when_locked``
        says whether it is waited for.
        """
        folder = self.folder(key)
        found = self._lock(folder, launch)
        if isinstance(found, LockRecord):
            return Skipped(folder, read_status(folder), found)
        status = _readable_status(folder)
        if status.status != FINISHED:
            found.release()
            return Skipped(folder, status)
        return RunFolder(folder, guard=found.require), found

    def _begin(self, folder: Path, key: str, old: RunStatus, launch: Launch, lock: RunLock) -> Attempt:
        if old.problem and old.status != MISSING:
            logger.warning("%s", old.problem)
        status = RunStatus(
            status=RUNNING,
            job=self.job,
            key=key,
            # The number of the lock never falls, also where the old status cannot be read.
            attempt=old.attempt + 1 if old.known else lock.number,
            started=_now(),
            host=this_process().host,
            process=os.getpid(),
            **{name: value for name, value in vars(launch).items() if name not in _ONLY_ASKED},
        )
        may_resume = old.status in (RUNNING, FAILED, INTERRUPTED) and launch.rerun != "all"
        # Steps of two versions of the code would make a result that neither of them gives.
        steps = read_steps(folder) if may_resume and _same_code(old, launch) else {}
        guarded = RunFolder(folder, guard=lock.require)
        # First the status: from here on nobody takes the old files for the result.
        guarded.text(STATUS_FILE, status.to_json())
        if old.status == FINISHED:
            _set_aside(folder, old, self.job)
        _clear(folder, keep={*_always_kept(self.job), *kept_files(steps)})
        guarded.text(CONFIG_FILE, launch.config)
        return Attempt(guarded, Steps(guarded, steps), status, lock)


class Attempt:
    """A run that is being made by this process.

    Parameters
    ----------
    folder : RunFolder
        Takes the results, as long as this process holds the lock.
    steps : Steps
        What an earlier attempt has completed.
    status : RunStatus
    lock : RunLock
    """

    def __init__(self, folder: RunFolder, steps: Steps, status: RunStatus, lock: RunLock) -> None:
        self.folder, self.steps, self.status, self._lock = folder, steps, status, lock
        self._start = time.perf_counter()

    def finish(self) -> RunStatus:
        """Let the results count, all at once; a job without numbers gets an empty ``metrics.json``."""
        if not self.folder.path.joinpath(METRICS_FILE).exists():
            self.folder.json(METRICS_FILE, {})
        return self._end(FINISHED)

    def interrupt(self) -> RunStatus:
        """End after Ctrl-C."""
        return self._end(INTERRUPTED)

    def fail(self, error: BaseException) -> RunStatus:
        """End with an error, whose traceback is written."""
        lines = "".join(traceback.format_exception(error))
        with contextlib.suppress(OutputError):
            self.folder.text(TRACEBACK_FILE, lines)
        return self._end(FAILED, error={"type": type(error).__name__, "message": str(error)})

    def abandon(self) -> None:
        """Give the run back without a word; for a process that has lost its lock."""
        self._lock.release()

    def _end(self, status: str, **values: Any) -> RunStatus:
        ended = replace(
            self.status, status=status, ended=_now(), seconds=time.perf_counter() - self._start, **values
        )
        try:
            self.folder.text(STATUS_FILE, ended.to_json())
            if status == FINISHED:
                with contextlib.suppress(OSError):
                    self.steps.forget()
                shutil.rmtree(self.folder.path / PREVIOUS_FOLDER, ignore_errors=True)
        finally:
            self._lock.release()
        return ended


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _readable_status(folder: Path) -> RunStatus:
    status = read_status(folder)
    if status.status == NEWER:
        raise FileFormatError(status.problem)
    if status.status != FINISHED:
        return status
    try:
        metrics = read_json(folder / METRICS_FILE)
        why = "" if isinstance(metrics, dict) else f"it holds a {type(metrics).__name__}, no object"
    except (OSError, FileFormatError) as error:
        why = f"{type(error).__name__}: {error}"
    problem = f"{folder / METRICS_FILE} cannot be read ({why}); the run counts as unfinished."
    return replace(status, status=UNREADABLE, problem=problem) if why else status


def _always_kept(job: str) -> set[str]:
    return {LOCK_FOLDER, STATUS_FILE, PREVIOUS_FOLDER, f"{job}.log"}


def _set_aside(folder: Path, status: RunStatus, job: str) -> None:
    """Keep a finished result until the new one is finished."""
    aside = folder / PREVIOUS_FOLDER
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for path in folder.iterdir():
            if path.name not in _always_kept(job):
                path.rename(aside / path.name)
    except OSError as error:
        raise OutputError(
            f"Cannot set the old result in {folder} aside: {error.strerror or error}."
        ) from error
    RunFolder(aside).text(STATUS_FILE, status.to_json())


def _clear(folder: Path, keep: set[str]) -> None:
    try:
        for path in folder.iterdir():
            if path.name in keep:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot clear the old files in {folder}: {error.strerror or error}.") from error
