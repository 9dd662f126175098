"""``plnet env``: what plnet runs on here."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plnet.errors import ConfigError
from plnet.runs.config.folder import config_dir
from plnet.runs.store.environment import code_version, package_version, plnet_version
from plnet.runs.sweeps.launch_devices import visible_devices
from plnet.runs.sweeps.thread_budget import describe_threads

__all__ = ["OPTIONAL", "REQUIRED", "describe_installation", "run_env"]

REQUIRED = ("numpy", "scipy", "torch", "matplotlib", "hydra-core", "omegaconf", "numba", "llvmlite")
# Package -> the extra of plnet that brings it.
OPTIONAL = {
    "scikit-learn": "data",
    "tqdm": "progress",
    "python-flint": "exact",
    "networkx": "graph",
    "hydra-joblib-launcher": "parallel",
    "joblib": "parallel",
    "hydra-submitit-launcher": "slurm",
    "submitit": "slurm",
    "pyarrow": "tables",
    "plotly": "plotly",
}


def describe_installation() -> dict[str, Any]:
    """Return versions, machine, threads, devices and folders as plain values."""
    try:
        configuration = str(config_dir())
    except ConfigError as error:
        configuration = f"missing: {error}"
    return {
        "plnet": plnet_version(),
        "folder": str(Path(__file__).resolve().parents[2]),
        "configuration": configuration,
        "code": code_version(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "threads": describe_threads(),
        "devices": list(visible_devices()),
        "slurm": shutil.which("sbatch") is not None,
        "packages": {name: package_version(name) for name in REQUIRED},
        "optional": {name: package_version(name) for name in OPTIONAL},
    }


def run_env(words: Sequence[str]) -> int:
    """Print the report and return 0."""
    parser = argparse.ArgumentParser(
        prog="plnet env", description="Versions, cores, threads, devices, folders and optional packages."
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(list(words))
    found = describe_installation()
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if options.json else _words(found))
    return 0


def _words(found: dict[str, Any]) -> str:
    code, threads = found["code"], found["threads"]
    commit = (
        "installed package" if code is None else code["commit"] + (" with changes" if code["changed"] else "")
    )
    variables = [f"{name}={value}" for name, value in threads.items() if name.isupper()]
    rows = [
        ("plnet", found["plnet"]),
        ("code", commit),
        ("folder", found["folder"]),
        ("configuration", found["configuration"]),
        ("Python", f"{found['python']} ({found['executable']})"),
        ("system", found["platform"]),
        ("cores", f"{threads['available_cores']} of {threads['cores']} may be used"),
        ("threads", ", ".join(variables) or "no variable such as OMP_NUM_THREADS is set"),
        ("CUDA devices", ", ".join(found["devices"]) or "none"),
        ("Slurm", "found" if found["slurm"] else "none"),
    ]
    lines = [f"{name:<14} {value}" for name, value in rows]
    lines += ["", "required"] + [
        f"  {name:<24} {value or 'MISSING'}" for name, value in found["packages"].items()
    ]
    lines += ["", "optional"]
    for name, version in found["optional"].items():
        install = f'missing; pip install "plnet[{OPTIONAL[name]}]"'
        lines.append(f"  {name:<24} {version or install}")
    return "\n".join(lines) + "\n"
