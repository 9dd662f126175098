"""The lock of a run folder: at most one process works there, on whatever host.

A lock is a numbered file in ``.lock/``; the one with the highest number counts. To take a lock is to create
the next number, which a file system lets exactly one process do; only then are lower numbers removed. Numbers
never fall, so a process that saw an old state cannot take anything: its number exists, or a higher one does.
Nothing is taken from the kernel (``flock``): such locks are inherited by forked children, do not reach other
hosts on many cluster file systems, and are dropped on NFS when any handle of the file is closed.

A lock is given back by setting the time of its file to zero, which needs no room on a full disk. Whether the
owner of a lock still lives is asked of the kernel where it can be asked: the process id and its start time,
on the same machine and in the same namespace of processes. Elsewhere the age of the heartbeat decides. Both
times are taken from the file system, so that clocks of hosts may differ.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plnet.errors import LockLostError, OutputError
from plnet.io import read_json
from plnet.runs.store.layout import LOCK_FOLDER
from plnet.runs.store.lock_owner import Owner, is_alive, this_process

__all__ = ["LOCK_SCHEMA", "LockRecord", "RunLock", "is_locked", "read_lock", "take_lock", "wait_for"]

logger = logging.getLogger(__name__)

LOCK_SCHEMA = 1
HEARTBEAT_SECONDS = 10.0
# Of a lock on another machine. A machine that is suspended for longer loses its lock, and notices.
STALE_SECONDS = 90.0
# Times of files below this one mean: given back. Some file systems know no time before 1980.
_LONG_AGO = 1e9


@dataclass(frozen=True)
class LockRecord:
    """Who holds, or held, a lock.

    Parameters
    ----------
    number : int
        Order of the locks of a folder.
    owner : Owner, optional
        None if the file cannot be read.
    token : str
        Different for each lock.
    taken : str
        ISO 8601 in UTC.
    released : bool
        The owner gave it back.
    live : bool
        It was neither given back nor is its owner known to be gone.
    """

    number: int
    owner: Owner | None
    token: str
    taken: str
    released: bool
    live: bool

    def words(self) -> str:
        """Return who holds it, for a message."""
        if self.owner is None:
            return "a process that cannot be named"
        return f"process {self.owner.process} on {self.owner.host} (since {self.taken})"


def read_lock(folder: str | Path) -> LockRecord | None:
    """Return the lock that counts in a run folder; None if there never was one.

    Raises
    ------
    OutputError
        If the folder cannot be read.
    """
    place = Path(folder) / LOCK_FOLDER
    for _ in range(100):
        numbers = _numbers(place)
        if not numbers:
            return None
        with contextlib.suppress(FileNotFoundError):
            return _read(place, max(numbers))
    raise OutputError(f"The locks in {place} change faster than they can be read. Try again.")


def is_locked(folder: str | Path) -> bool:
    """Return whether a process works in a run folder, as far as can be known from here."""
    record = read_lock(folder)
    return record is not None and record.live


def take_lock(
    folder: str | Path, *, heartbeat_seconds: float = HEARTBEAT_SECONDS, stale_seconds: float = STALE_SECONDS
) -> RunLock | LockRecord:
    """Take the lock of a run folder, also from an owner that is gone.

    Parameters
    ----------
    folder : str or Path
        Exists.
    heartbeat_seconds, stale_seconds : float
        How often the owner shows that it lives, and after how long without a heartbeat an owner that
        cannot be asked counts as gone.

    Returns
    -------
    RunLock or LockRecord
        The lock, or who has it. Of several callers at one moment exactly one gets the lock.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    place = Path(folder) / LOCK_FOLDER
    try:
        place.mkdir(exist_ok=True)
        while True:
            newest, record = max(_numbers(place), default=0), None
            if newest:
                try:
                    record = _read(place, newest, stale_seconds)
                except FileNotFoundError:
                    continue
                if record.live:
                    return record
            content = _content(newest + 1)
            if not _create(place / _name(newest + 1), content):
                continue
            # Somebody may have come and gone, and removed the number that was free just now.
            if max(_numbers(place), default=0) > newest + 1:
                (place / _name(newest + 1)).unlink(missing_ok=True)
                continue
            _tidy(place, newest + 1)
            stale = None if record is None or record.released else record
            return RunLock(Path(folder), newest + 1, content["token"], heartbeat_seconds, stale)
    except OSError as error:
        raise OutputError(
            f"Cannot lock {folder}: {error.strerror or error}. Choose another folder "
            "with paths.runs=..., or make room."
        ) from error


class RunLock:
    """A lock that this process holds; a thread shows that it lives. Use it as a context, or call `release`.

    Parameters
    ----------
    folder : Path
    number : int
    token : str
    heartbeat_seconds : float
    stale : LockRecord, optional
        The lock of an owner that is gone, which this one replaces.
    """

    def __init__(
        self, folder: Path, number: int, token: str, heartbeat_seconds: float, stale: LockRecord | None = None
    ) -> None:
        self.folder, self.number, self.token, self.stale = folder, number, token, stale
        self._place = folder / LOCK_FOLDER
        self._path = self._place / _name(number)
        self._process = os.getpid()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._beat, args=(heartbeat_seconds,), name=f"heartbeat of {folder}", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def held(self) -> bool:
        """Return whether the lock is still this process's own."""
        if self._stop.is_set() or os.getpid() != self._process:
            return False
        try:
            return max(_numbers(self._place), default=0) == self.number and (
                read_json(self._path).get("token") == self.token
            )
        except (OSError, ValueError, AttributeError):
            return False

    def require(self) -> None:
        """Raise if the lock is lost; to be called right before something is written.

        Raises
        ------
        LockLostError
            Another process took the run over, because this one gave no sign of life for long; or the
            folder was removed.
        """
        if self.held():
            return
        other = read_lock(self.folder) if self._place.is_dir() else None
        who = (
            "the folder of the run was removed" if other is None else f"it was taken over by {other.words()}"
        )
        raise LockLostError(
            f"This process no longer holds the run {self.folder}: {who}. "
            "It writes nothing more; the other result counts."
        )

    def release(self) -> None:
        """Give the lock back; calling it again, or without the lock, changes nothing."""
        if os.getpid() != self._process or self._stop.is_set():
            return
        mine = self.held()
        self._stop.set()
        self._thread.join()
        if mine:
            # Removing the file would let its number be used again.
            with contextlib.suppress(OSError):
                os.utime(self._path, (0, 0))

    def _beat(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            try:
                # The file of this number only: the heartbeat of whoever took over is not ours to give.
                os.utime(self._path)
            except OSError as error:
                logger.debug("no heartbeat in %s: %s", self.folder, error)


def wait_for(
    folder: str | Path,
    *,
    poll_seconds: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    **options: float,
) -> RunLock:
    """Take the lock of a run folder as soon as nobody holds it.

    Parameters
    ----------
    folder : str or Path
    poll_seconds : float
        Longest pause between two looks; the first ones are shorter.
    sleep : callable
    options
        As in `take_lock`.
    """
    pause = 0.05
    while True:
        found = take_lock(folder, **options)
        if isinstance(found, RunLock):
            return found
        sleep(pause)
        pause = min(1.5 * pause, poll_seconds)


def _name(number: int) -> str:
    return f"{number}.json"


def _numbers(place: Path) -> list[int]:
    try:
        names = [path.name for path in place.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [int(name[:-5]) for name in names if name.endswith(".json") and name[:-5].isdecimal()]


def _content(number: int) -> dict[str, Any]:
    return {
        "schema": LOCK_SCHEMA,
        "number": number,
        "token": secrets.token_hex(8),
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(this_process()),
    }


def _read(place: Path, number: int, stale_seconds: float = STALE_SECONDS) -> LockRecord:
    path = place / _name(number)
    beat = path.stat().st_mtime
    released = beat < _LONG_AGO
    try:
        values = read_json(path)
        owner = Owner(**{field.name: values[field.name] for field in fields(Owner)})
        if not isinstance(owner.process, int) or isinstance(owner.process, bool):
            raise TypeError
        token, taken = str(values["token"]), str(values["taken"])
    except (ValueError, KeyError, TypeError):
        # Written by a newer version, or damaged: as long as somebody touches it, it holds.
        owner, token, taken = None, "", ""
    live = False
    if not released:
        alive = None if owner is None else is_alive(owner)
        live = _now(place) - beat <= stale_seconds if alive is None else alive
    return LockRecord(number, owner, token, taken, released, live)


def _now(place: Path) -> float:
    """Return the time by the clock of the file system, which may be another machine's."""
    probe = place / f".now-{secrets.token_hex(4)}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return time.time()  # A folder that may only be read, or a full disk.
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def _create(path: Path, content: dict[str, Any]) -> bool:
    """Create a file with its content, and return whether it was this call that did."""
    temporary = path.with_name(f".new-{secrets.token_hex(8)}")
    try:
        temporary.write_text(json.dumps(content), encoding="utf-8")
        try:
            os.link(temporary, path)
        except FileExistsError:
            # An answer that got lost on the way to a file server makes it repeat a link that was made.
            return temporary.stat().st_nlink == 2
        except (OSError, AttributeError, NotImplementedError):
            return _create_unlinked(path, content)  # Some file systems have no hard links.
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _create_unlinked(path: Path, content: dict[str, Any]) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(json.dumps(content))
    return True


def _tidy(place: Path, number: int) -> None:
    """Remove lower numbers, and what killed processes left."""
    long_ago = time.time() - 3600
    for path in place.iterdir():
        with contextlib.suppress(OSError):
            if path.name.startswith((".new-", ".now-")):
                old = path.stat().st_mtime < long_ago
            else:
                old = path.stem.isdecimal() and int(path.stem) < number
            if old:
                path.unlink(missing_ok=True)
