"""How many threads each of several jobs on one machine may use."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from plnet.errors import ConfigError

__all__ = [
    "THREAD_VARIABLES",
    "available_cores",
    "describe_threads",
    "own_threads",
    "set_thread_variables",
    "threads_each",
    "workers",
]

# Read by torch and the BLAS libraries when they are loaded, and by numba.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)

_SHARE = "PLNET_THREADS"  # Workers inherit the environment.
_CGROUP_ROOT = Path("/sys/fs/cgroup")
_CGROUP_SELF = Path("/proc/self/cgroup")


def available_cores() -> int:
    """Return how many cores this process may use, at least one.

    The affinity of the process, the limits of its control group (containers, cluster jobs) and the cores that
    Slurm gave to the task are taken into account; `os.cpu_count` knows none of them.
    """
    found = [_affinity(), _quota(), _slurm()]
    return max(1, min(number for number in found if number is not None))


def workers(jobs: int) -> int:
    """Return the number of jobs at a time; -1 stands for one for each core.

    Raises
    ------
    ConfigError
        If it is neither -1 nor positive.
    """
    if jobs == -1:
        return available_cores()
    if jobs < 1:
        raise ConfigError(
            f"Expected launch.jobs to be a positive integer, or -1 for one job a core; got {jobs}."
        )
    return jobs


def threads_each(jobs: int) -> int:
    """Return the threads of each of several jobs at a time, so that together they use each core once.

    Parameters
    ----------
    jobs : int
        As for `workers`.

    Examples
    --------
    >>> from plnet.runs.sweeps.thread_budget import available_cores, threads_each
    >>> threads_each(1) == available_cores(), threads_each(-1)
    (True, 1)
    """
    return max(1, available_cores() // workers(jobs))


def own_threads() -> int:
    """Return how many threads this process may use: its share in a sweep with several jobs, or all cores."""
    return min(_positive(os.environ.get(_SHARE, "")) or available_cores(), available_cores())


def set_thread_variables(threads: int) -> dict[str, str]:
    """Set the environment variables for threads that the user has not set, and return those.

    Only libraries that are loaded later, and processes that are started later, heed them. `own_threads`
    answers with this number from here on.
    """
    os.environ[_SHARE] = str(threads)
    fresh = {name: str(threads) for name in THREAD_VARIABLES if not os.environ.get(name)}
    os.environ.update(fresh)
    return fresh


def _affinity() -> int:
    count = getattr(os, "process_cpu_count", None)  # From Python 3.13 on.
    if count is not None:
        return count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _slurm() -> int | None:
    return _positive(os.environ.get("SLURM_CPUS_PER_TASK", ""))


def _quota() -> int | None:
    """Return the cores that the control group allows, None without a limit."""
    allowed = [_quota_v2(folder) for folder in _cgroup_folders("")]
    allowed += [_quota_v1(folder) for folder in _cgroup_folders("cpu")]
    return min((number for number in allowed if number is not None), default=None)


def _cgroup_folders(controller: str) -> list[Path]:
    """Return the folder of this process's group and all above it; a limit may stand in any."""
    try:
        lines = _CGROUP_SELF.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controller in controllers.split(","):
            root = _CGROUP_ROOT / controller if controller else _CGROUP_ROOT
            parts = [part for part in group.split("/") if part not in ("", "..")]
            # Inside a container the path may be that of the host; then only the root can be read.
            return [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    return []


def _quota_v2(folder: Path) -> int | None:
    words = _read(folder / "cpu.max").split()
    return None if len(words) != 2 else _cores(words[0], words[1])


def _quota_v1(folder: Path) -> int | None:
    return _cores(_read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip())


def _cores(quota: str, period: str) -> int | None:
    allowed, length = _positive(quota), _positive(period)
    return None if allowed is None or length is None else math.ceil(allowed / length)


def _positive(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def describe_threads(environment: Mapping[str, str] | None = None) -> dict[str, int | str]:
    """Return the cores that may be used, and the variables for threads that are set."""
    variables = os.environ if environment is None else environment
    return {
        "cores": os.cpu_count() or 1,
        "available_cores": available_cores(),
        **{name: variables[name] for name in THREAD_VARIABLES if name in variables},
    }
