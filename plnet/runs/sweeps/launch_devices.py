"""The CUDA devices that the jobs of a sweep may use, and which job gets which."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["choose_device", "claim_slot", "visible_devices"]

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_devices() -> tuple[str, ...]:
    """Return the names of the CUDA devices, as CUDA_VISIBLE_DEVICES takes them; empty where there is none.

    CUDA is not started in this process, so that processes it starts can still choose.
    """
    chosen = os.environ.get(_VISIBLE)
    if chosen is not None:
        names = [name.strip() for name in chosen.split(",") if name.strip()]
        # CUDA ignores the first name that is no device, and all behind it.
        return tuple(names[: names.index("-1")] if "-1" in names else names)
    listed = _answer(["nvidia-smi", "-L"]) if shutil.which("nvidia-smi") else None
    if listed is not None:
        count = sum(line.startswith("GPU ") for line in listed.splitlines())
    else:
        count = int(_answer([sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]) or 0)
    return tuple(map(str, range(count)))


def choose_device(devices: Sequence[str], folder: str | Path, job_number: int) -> str:
    """Let this process, and all it starts, see one device only, and return its name.

    A worker keeps its device for all of its jobs, and no other worker of the sweep gets it. Where the file
    system cannot tell workers apart, the number of the job decides.

    Parameters
    ----------
    devices : sequence of str
        Not empty.
    folder : str or Path
        Shared by the workers of the sweep.
    job_number : int
    """
    try:
        slot = claim_slot(folder, len(devices))
    except OSError:
        slot = None
    device = devices[job_number % len(devices) if slot is None else slot]
    os.environ[_VISIBLE] = device
    return device


# The open files of the slots that this process holds. A lock of the kernel ends with its process, so a worker
# that was killed frees its device; giving the file back earlier would let two workers share one.
_HELD: dict[str, tuple[int, int]] = {}


def claim_slot(folder: str | Path, slots: int) -> int | None:
    """Return the number of a slot that this process holds until it ends; None if all are taken.

    Calling it again in the same process returns the same slot.

    Parameters
    ----------
    folder : str or Path
        It is made where it is missing.
    slots : int
        How many there are.

    Raises
    ------
    OSError
        If the folder cannot be made, or this system has no such locks.
    """
    name = str(Path(folder).absolute())
    process, held = _HELD.get(name, (0, 0))
    if process == os.getpid():
        return held
    try:
        import fcntl
    except ImportError as error:
        raise OSError(errno.ENOSYS, "no file locks on this system") from error
    Path(folder).mkdir(parents=True, exist_ok=True)
    for slot in range(slots):
        descriptor = os.open(Path(folder) / f"slot-{slot}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if not isinstance(error, BlockingIOError):
                raise
            continue
        _HELD[name] = (os.getpid(), slot)
        return slot
    return None


def _answer(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
