"""From a configuration to plain arguments; nothing below this module knows OmegaConf."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from plnet.errors import ConfigError
from plnet.runs.counting import CountingOptions
from plnet.runs.outputs import RunFolder

__all__ = ["build_main_job", "call_of", "open_run_folder"]


def open_run_folder(config: DictConfig) -> RunFolder:
    """Return the folder that Hydra chose for this job, with the resolved configuration in it.

    Raises
    ------
    ConfigError
        If a value that only the user can give is missing.
    OutputError
        If the folder cannot be written.
    """
    require_values(config)
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir))
    folder.text("config.yaml", OmegaConf.to_yaml(config, resolve=True))
    return folder


def require_values(config: DictConfig) -> None:
    """Raise `ConfigError` if a value that only the user can give is missing."""
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise ConfigError(
            f"The configuration has no value for {', '.join(missing)}. "
            f"Give it on the command line: {' '.join(f'{key}=...' for key in missing)}"
        )


def build_main_job(config: DictConfig) -> dict[str, Any]:
    """Return the arguments of `plnet.runs.main_job.run_main_job`, without the folder.

    Raises
    ------
    ConfigError
        If an entry does not fit what it is for.
    """
    require_values(config)
    return {
        **{key: call_of(config[key], key) for key in ("network", "data", "domain", "training")},
        "counting": _record(CountingOptions, config.engine, "engine"),
        "plot": None if config.plot is None else _plot(config.plot),
        "seed": config.seed,
        "device": config.runtime.device,
        "n_threads": config.runtime.threads,
    }


def call_of(node: DictConfig | None, name: str) -> Any:
    """Return what a node with ``_target_`` and ``_partial_`` stands for; None stays None.

    Raises
    ------
    ConfigError
        If the node is no such node, or has entries that its target does not take.
    """
    if node is None:
        return None
    if not isinstance(node, DictConfig) or "_target_" not in node or not node.get("_partial_"):
        raise ConfigError(
            f"Expected {name} to be an option of its group, with _target_ and _partial_: true; got {node}. "
            "See --help for the options."
        )
    call = instantiate(node, _convert_="all")
    known = inspect.signature(call.func).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        unknown = sorted(set(call.keywords) - set(known))
        if unknown:
            raise ConfigError(
                f"{name} has no option {', '.join(unknown)}; {node._target_} takes {', '.join(known)}."
            )
    return call


def _plot(node: DictConfig) -> Any:
    # Only a figure needs matplotlib.
    from plnet.runs.figures import PlotOptions

    return _record(PlotOptions, node, "plot")


def _record(kind: type, node: DictConfig, name: str) -> Any:
    plain = OmegaConf.to_container(node, resolve=True)
    assert isinstance(plain, dict)
    entries = {str(key): value for key, value in plain.items()}
    unknown = sorted(set(entries) - {field.name for field in fields(kind)})
    if unknown:
        raise ConfigError(
            f"{name} has no option {', '.join(unknown)}; "
            f"it has {', '.join(field.name for field in fields(kind))}."
        )
    return kind(**entries)
