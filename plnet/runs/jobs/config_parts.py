"""Parts of a configuration as plain values and options."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

__all__ = ["plain", "plot_options"]


def plot_options(node: DictConfig | None) -> Any:
    """Return the `plnet.runs.jobs.count_regions.figures.PlotOptions` of a configuration, None for no figure.

    Raises
    ------
    ConfigError
        If a word is unknown.
    """
    if node is None:
        return None
    from plnet.runs.jobs.count_regions.figures import PlotOptions

    return PlotOptions(**plain(node))


def plain(node: Any) -> Any:
    """Return a part of a configuration as plain lists, dicts and values."""
    return OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig | ListConfig) else node
