"""What a run depended on besides its configuration: versions, machine, commit."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["code_version", "describe_environment", "package_version", "plnet_version", "source_of_plnet"]

_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "matplotlib",
    "hydra-core",
    "omegaconf",
    "scikit-learn",
    "tqdm",
    "python-flint",
)


def describe_environment(device: Any = "cpu") -> dict[str, Any]:
    """Return versions, machine, threads and commit as plain values for a JSON file.

    Parameters
    ----------
    device : str or torch.device
        The device of the training.
    """
    return {
        "plnet": plnet_version(),
        "git": code_version(),
        "source": source_of_plnet(),
        "python": platform.python_version(),
        "platform": _platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "torch": package_version("torch"),
        "packages": {name: package_version(name) for name in _PACKAGES},
        **_torch_state(str(device)),
    }


def _torch_state(device: str) -> dict[str, Any]:
    # A job that does without torch shall not wait for it.
    torch = sys.modules.get("torch")
    if torch is None:
        return {"device": device}
    chosen = torch.device(device)
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": str(chosen),
        "device_name": torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else None,
        "cuda": torch.version.cuda,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
    }


_platform = functools.cache(platform.platform)


def plnet_version() -> str:
    """Return the version of the imported package."""
    return sys.modules["plnet"].__version__


@functools.cache
def code_version() -> dict[str, Any] | None:
    """Return commit and state of the checkout that this process imported; None for an installed package.

    It is asked for once in a process: what was imported does not change with the files.
    """
    return _git(Path(__file__).resolve().parents[3])


@functools.cache
def source_of_plnet() -> str:
    """Return a digest of the Python files of plnet: 16 hexadecimal digits.

    Commit and version do not change while the code is worked on; this does. It is computed once in a process,
    whose modules do not change with the files either.
    """
    package, digest = Path(__file__).resolve().parents[2], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def package_version(name: str) -> str | None:
    """Return the version of an installed package, None if it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git(root: Path) -> dict[str, Any] | None:
    """Return commit and state of a checkout of plnet; None for an installed package."""
    # Without this, an environment inside somebody's repository would give the commit of that.
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return None
    answers = []
    for command in (["rev-parse", "HEAD"], ["status", "--porcelain"]):
        try:
            done = subprocess.run(
                ["git", "-C", str(root), *command], capture_output=True, text=True, check=False, timeout=5
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0:
            return None
        answers.append(done.stdout.strip())
    return {"commit": answers[0], "changed": bool(answers[1])}
