"""From a configuration to plain values, options and calls; only this and the builders know OmegaConf."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from hydra._internal.utils import _locate
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf

from plnet.errors import ConfigError
from plnet.runs.config.options import PlotOptions, Runtime
from plnet.runs.config.user_code import launch_folder, refuse_python_itself

__all__ = ["call_of", "entries_of", "plain", "plot_options", "record", "runtime_of"]

Options = TypeVar("Options")


def plain(node: Any) -> Any:
    """Return a part of a configuration as plain lists, dicts and values."""
    return OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig | ListConfig) else node


def entries_of(kind: type, config: DictConfig) -> dict[str, Any]:
    """Return the entries of a configuration that are fields of a dataclass, as plain values."""
    return {field.name: plain(config[field.name]) for field in fields(kind) if field.name in config}


def record(kind: type[Options], node: DictConfig, name: str) -> Options:
    """Return a group of a configuration as a dataclass of options.

    Raises
    ------
    ConfigError
        If the group has an entry that is none of the options.
    """
    known: list[str] = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    entries = {str(key): value for key, value in plain(node).items()}
    unknown = sorted(set(entries) - set(known))
    if unknown:
        raise ConfigError(f"{name} has no option {', '.join(unknown)}; it has {', '.join(known)}.")
    return kind(**entries)


def plot_options(node: DictConfig | None) -> PlotOptions | None:
    """Return how figures look, None for no figure.

    Raises
    ------
    ConfigError
        If a word is unknown.
    """
    return None if node is None else record(PlotOptions, node, "plot")


def runtime_of(config: DictConfig) -> Runtime:
    """Return what a job runs on, from the group ``runtime``."""
    return Runtime(**entries_of(Runtime, config.runtime))


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
    for target in _targets(OmegaConf.to_container(node, resolve=True)):
        with contextlib.suppress(ImportError):  # Hydra says below what is wrong with it.
            refuse_python_itself(target, _locate(target), launch_folder())
    call = instantiate(node, _convert_="all")
    known = inspect.signature(call.func).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        unknown = sorted(set(call.keywords) - set(known))
        if unknown:
            raise ConfigError(
                f"{name} has no option {', '.join(unknown)}; {node._target_} takes {', '.join(known)}."
            )
    return call


def _targets(value: Any) -> Iterator[str]:
    """Yield what Hydra would call for a node, also deep inside of it."""
    if isinstance(value, Mapping):
        target = value.get("_target_")
        if isinstance(target, str):
            yield target
    for entry in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _targets(entry)
