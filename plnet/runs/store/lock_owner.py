"""Which process holds a lock, and whether it is still there."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Owner", "is_alive", "this_process"]


@dataclass(frozen=True)
class Owner:
    """A process, named so that no other one is mistaken for it.

    Parameters
    ----------
    host : str
        For people; names of hosts need not be unique.
    machine : str
        Identity of the running kernel, or the name of the host where the system gives none.
    namespace : str
        Process ids mean something only within it; containers have their own.
    process : int
        Process id.
    process_started : str
        Start time in the units of the system, empty where it cannot be read. An id is used again by a later
        process; the pair is not.
    """

    host: str
    machine: str
    namespace: str
    process: int
    process_started: str


def this_process() -> Owner:
    """Return the identity of the calling process."""
    return _identity(os.getpid())


@cache
def _identity(process: int) -> Owner:
    # By process id, so that a forked child does not inherit the answer.
    return Owner(platform.node(), _machine(), _namespace(), process, _start_time(process) or "")


def is_alive(owner: Owner) -> bool | None:
    """Return whether a process still runs; None where this cannot be known from here.

    Another machine, another container, and on some systems the processes of another user, cannot be seen.
    """
    here = this_process()
    if (owner.machine, owner.namespace) != (here.machine, here.namespace):
        return None
    if sys.platform == "win32":
        exists, started = _windows_process(owner.process)
    else:
        exists, started = _posix_process(owner.process)
    if exists is not True:
        return exists
    if not started or not owner.process_started:
        return None
    return started == owner.process_started


def _posix_process(process: int) -> tuple[bool | None, str | None]:
    if process <= 0:
        return False, None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False, None
    except PermissionError:
        pass  # It is there, and belongs to somebody else.
    except OSError:
        return None, None
    state = _stat_fields(process)
    # A killed process stays in the table until its parent asks for it.
    if state and state[0] in ("Z", "X", "x"):
        return False, None
    return True, _start_time(process)


def _start_time(process: int) -> str | None:
    if sys.platform == "win32":
        return _windows_process(process)[1]
    fields = _stat_fields(process)
    return fields[19] if len(fields) > 19 else None


def _stat_fields(process: int) -> list[str]:
    """Return the fields of /proc/<process>/stat from the third one, the state, on."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The second field is a name in parentheses, and may hold spaces and parentheses itself.
    return text.rpartition(")")[2].split()


@cache
def _machine() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()


@cache
def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _windows_process(process: int) -> tuple[bool | None, str | None]:
    """Ask Windows; os.kill(process, 0) would send Ctrl-C there."""
    if sys.platform != "win32":
        return None, None
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    query, still_active, no_such_process = 0x1000, 259, 87
    handle = kernel.OpenProcess(query, False, process)
    if not handle:
        return (False if ctypes.get_last_error() == no_such_process else None), None
    try:
        code = wintypes.DWORD()
        asked = kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
        if asked and code.value != still_active:
            return False, None
        times = [wintypes.FILETIME() for _ in range(4)]
        if not kernel.GetProcessTimes(wintypes.HANDLE(handle), *map(ctypes.byref, times)):
            return True, None
        return True, str((times[0].dwHighDateTime << 32) + times[0].dwLowDateTime)
    finally:
        kernel.CloseHandle(wintypes.HANDLE(handle))
