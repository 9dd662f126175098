"""The jobs of a sweep, known before any of them starts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from plnet.errors import ConfigError

__all__ = ["check_sweep", "sweep_size"]


def check_sweep(config: DictConfig, config_loader: Any = None) -> int:
    """Return the number of jobs of the sweep that a composed configuration stands for.

    Parameters
    ----------
    config : DictConfig
        With its ``hydra`` node.
    config_loader : hydra ConfigLoader, optional
        Needed for sweeps with ``glob``.

    Raises
    ------
    ConfigError
        If the sweep is empty, or ``hydra.sweeper.params`` would not do what it says.
    """
    parameters = OmegaConf.to_container(config.hydra.sweeper.get("params") or OmegaConf.create({}))
    assert isinstance(parameters, dict)
    overrides = list(config.hydra.overrides.task)
    _refuse_several_experiments(overrides, config_loader)
    number = sweep_size({str(key): value for key, value in parameters.items()}, overrides, config_loader)
    if number == 0:
        raise ConfigError(
            "The sweep is empty: one of its entries has no value, as range(0) has none. "
            "Give each at least one value."
        )
    return number


def sweep_size(parameters: Mapping[str, Any], overrides: Sequence[str], config_loader: Any = None) -> int:
    """Return how many jobs Hydra makes from the parameters of a sweep and the overrides of the command line.

    Raises
    ------
    ConfigError
        If a parameter is no text, number or list. Hydra would write null as the text "None", and a group of
        entries as one value.
    """
    for name, value in parameters.items():
        if value is None:
            raise ConfigError(
                f"hydra.sweeper.params.{name} is null, which Hydra passes on as the text None. "
                f"Write it in quotes: {name}: 'null', or {name}: 'null,8' for a sweep over null and 8."
            )
        if isinstance(value, Mapping):
            raise ConfigError(
                f"hydra.sweeper.params.{name} is a group. Write dotted names instead: "
                f"{', '.join(f'{name}.{inner}: ...' for inner in value)}."
            )
    given = [f"{name}={value}" for name, value in parameters.items()] + list(overrides)
    values: dict[str, int] = {}
    for override in _parsed(given, config_loader):
        # The later one of two with the same name wins, as in Hydra.
        values[override.get_key_element()] = (
            len(list(override.sweep_string_iterator())) if override.is_discrete_sweep() else 1
        )
    return math.prod(values.values())


def _refuse_several_experiments(overrides: Sequence[str], config_loader: Any) -> None:
    for override in _parsed(overrides, config_loader):
        if override.key_or_group == "experiment" and override.is_discrete_sweep():
            names = " ".join(value.strip("'\"") for value in override.sweep_string_iterator())
            raise ConfigError(
                "Several experiments in one sweep would lose the sweeps in their files, which Hydra ignores "
                f"then. Start each by itself, or all with: python scripts/run_suite.py {names}"
            )


def _parsed(given: Sequence[str], config_loader: Any) -> list[Any]:
    try:
        return OverridesParser.create(config_loader=config_loader).parse_overrides(list(given))
    except HydraException as error:
        raise ConfigError(f"The sweep cannot be read: {error}") from error
