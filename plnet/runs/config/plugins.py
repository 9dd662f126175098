"""The plugins of Hydra that start several jobs at a time; they are optional."""

from __future__ import annotations

import importlib.util
from typing import Any

from hydra.core.config_store import ConfigStore

__all__ = ["PLUGINS", "missing_packages", "register_stand_ins"]

# Choice of hydra/launcher -> the packages it needs, and the extra of plnet that brings them.
PLUGINS: dict[str, tuple[tuple[str, ...], str]] = {
    "joblib": (("hydra_plugins.hydra_joblib_launcher", "joblib"), "parallel"),
    "submitit_local": (("hydra_plugins.hydra_submitit_launcher", "submitit"), "slurm"),
    "submitit_slurm": (("hydra_plugins.hydra_submitit_launcher", "submitit"), "slurm"),
}


def missing_packages(launcher: str) -> tuple[str, ...]:
    """Return what is not installed of the packages that a choice of ``hydra/launcher`` needs."""
    packages, _ = PLUGINS.get(launcher, ((), ""))
    return tuple(name.rpartition(".")[2] for name in packages if not _installed(name))


def register_stand_ins() -> None:
    """Let configurations compose also where a plugin is missing.

    Hydra would say "Could not find 'hydra/launcher/joblib'". With a stand-in it goes on to
    `plnet.runs.sweeps.launching.PrepareLaunch`, which says what to install.
    """
    store = ConfigStore.instance()
    for name in PLUGINS:
        if missing_packages(name):
            node: dict[str, Any] = {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}
            store.store(group="hydra/launcher", name=name, node=node, provider="plnet")


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False
