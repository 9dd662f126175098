"""Starting the jobs of a sweep: checks before the first one, and the place of each job on the machine."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, flag_override

from plnet.errors import ConfigError, MissingExtraError
from plnet.runs.config.plugins import PLUGINS, missing_packages
from plnet.runs.config.user_errors import errors_end_the_launch
from plnet.runs.sweeps.launch_devices import choose_device, claim_slot, visible_devices
from plnet.runs.sweeps.launch_sweep import check_sweep
from plnet.runs.sweeps.thread_budget import available_cores, set_thread_variables, threads_each, workers

__all__ = ["PrepareLaunch", "prepare_job", "prepare_sweep"]

logger = logging.getLogger(__name__)

_SLOTS = ".slots"  # In the folder of the sweep: which worker has which device.
_DEVICES = "PLNET_SWEEP_DEVICES"  # Workers compose their configuration anew, but inherit the environment.
_MONTH = 30 * 24 * 60


class PrepareLaunch(Callback):
    """Stops with one line if the sweep cannot be started as asked, and shares out cores and devices.

    Hydra calls it in the process that launches, and again in each worker before each job.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Warn about a launch that does nothing, because there is only one run."""
        if config.get("launch") is not None and config.launch.name != "serial":
            logger.warning(
                "launch=%s is for sweeps: this is a single run in this process. Add -m to start a sweep.",
                config.launch.name,
            )

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Check the sweep and complete the settings of its launcher."""
        with errors_end_the_launch():
            prepare_sweep(config)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Give a job of a sweep its device and its threads."""
        if not OmegaConf.is_missing(config.hydra.job, "num"):
            prepare_job(config)


def prepare_sweep(config: DictConfig) -> None:
    """Check the sweep of a composed configuration, and complete the settings of its launcher in place.

    Parameters
    ----------
    config : DictConfig
        With its ``hydra`` node. Without a group ``launch`` only the sweep is checked.

    Raises
    ------
    ConfigError
        If the sweep is empty, Slurm is not there, or there is no GPU.
    MissingExtraError
        If a plugin is not installed.
    """
    loader = GlobalHydra.instance().config_loader() if GlobalHydra.instance().is_initialized() else None
    number = check_sweep(config, loader)
    launch = config.get("launch")
    if launch is None or launch.name == "serial":
        return
    _require_plugin(launch.name, str(config.hydra.runtime.choices["hydra/launcher"]))
    at_a_time = min(workers(launch.jobs), number)
    if launch.name == "slurm":
        if not launch.local:
            _require_slurm()
            return
        _switch_to_local(config)
    elif launch.devices_each:
        devices = _require_devices(launch.devices)
        # Two jobs on one device would share its memory.
        at_a_time = min(number, len(devices))
        os.environ[_DEVICES] = ",".join(devices)
        if OmegaConf.select(config, "runtime.device") == "cpu":
            logger.warning(
                "launch=%s gives each job a GPU, and runtime.device is cpu. Add runtime=gpu.", launch.name
            )
    if launch.name != "slurm":
        _set(config.hydra.launcher, "n_jobs", at_a_time)
    threads = threads_each(at_a_time)
    set_thread_variables(threads)
    _warn_of_threads(config, at_a_time)
    logger.info("%d jobs, %d at a time, %d threads each", number, at_a_time, threads)


def prepare_job(config: DictConfig) -> None:
    """Give this process, which is about to run a job of a sweep, its device and its threads.

    Nothing happens for ``launch=serial``. It has to come before torch is loaded.
    """
    launch = config.get("launch")
    if launch is None or launch.name == "serial":
        return
    folder = Path(config.hydra.sweep.dir) / _SLOTS
    if launch.name == "slurm":
        if launch.local:
            _wait_for_slot(folder, workers(launch.jobs))
        else:
            set_thread_variables(available_cores())
    elif launch.devices_each:
        devices = [name for name in os.environ.get(_DEVICES, "").split(",") if name]
        if devices:
            device = choose_device(devices, folder, config.hydra.job.num)
            logger.info("job %d has CUDA device %s", config.hydra.job.num, device)


def _require_plugin(name: str, launcher: str) -> None:
    missing = missing_packages(launcher)
    if missing:
        extra = PLUGINS[launcher][1]
        raise MissingExtraError(
            f'launch={name} needs {" and ".join(missing)}. Install with `pip install "plnet[{extra}]"`, '
            "or take launch=serial."
        )


def _require_slurm() -> None:
    missing = [command for command in ("sbatch", "srun") if shutil.which(command) is None]
    if missing:
        raise ConfigError(
            f"launch=slurm needs the commands of Slurm, and {' and '.join(missing)} cannot be found here. "
            "Start it on a login node of the cluster, or take launch=local_parallel. "
            "launch.local=true tries the same sweep on this machine."
        )


def _require_devices(chosen: Any) -> tuple[str, ...]:
    visible = visible_devices()
    if not visible:
        raise ConfigError(
            "launch=one_gpu_each needs a CUDA device, and there is none here. Take launch=local_parallel "
            "with runtime=cpu, or start it on a machine with a GPU."
        )
    if chosen is None:
        return visible
    names = tuple(map(str, chosen))
    unknown = sorted(set(names) - set(visible))
    if unknown or not names or len(set(names)) < len(names):
        raise ConfigError(
            f"Expected launch.devices to be different ones of {', '.join(visible)}, got {list(names)}."
        )
    return names


def _switch_to_local(config: DictConfig) -> None:
    """Replace the launcher for Slurm by submitit's own, which starts processes on this machine."""
    local = OmegaConf.create(ConfigStore.instance().load("hydra/launcher/submitit_local.yaml").node)
    assert isinstance(local, DictConfig)
    given = config.hydra.launcher
    for key in local:
        if key != "_target_" and key in given:
            _set(local, str(key), OmegaConf.to_container(given, resolve=False)[key])  # type: ignore[index]
    _set(local, "timeout_min", _MONTH)  # The time in which a job waits for its turn counts too.
    _set(config.hydra, "launcher", local)


def _wait_for_slot(folder: Path, slots: int) -> None:
    # In local mode submitit starts all jobs at once.
    pause = 0.02
    with contextlib.suppress(OSError):
        while claim_slot(folder, slots) is None:
            time.sleep(pause)
            pause = min(1.5 * pause, 0.5)


def _warn_of_threads(config: DictConfig, at_a_time: int) -> None:
    wanted, cores = OmegaConf.select(config, "runtime.threads"), available_cores()
    if wanted is not None and wanted > 1 and wanted * at_a_time > cores:
        logger.warning(
            "%d jobs with runtime.threads=%d want more than the %d cores here, which makes all slower.",
            at_a_time,
            wanted,
            cores,
        )


def _set(node: DictConfig, key: str, value: Any) -> None:
    with flag_override(node, ["readonly", "struct"], False):
        node[key] = value
