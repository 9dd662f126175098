"""Whether network and data belong together, and how large they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from plnet.errors import ConfigError
from plnet.ir.network import PLNetwork
from plnet.runs.jobs.count_regions.data import Dataset
from plnet.runs.jobs.count_regions.train import accuracy

__all__ = ["accuracies", "check_fit", "sizes"]


def check_fit(network: PLNetwork, data: Dataset | None, trained: bool) -> None:
    """Check inputs, outputs and classes before anything runs.

    Raises
    ------
    ConfigError
        Says what to change in the configuration.
    """
    if data is None:
        if trained:
            raise ConfigError("There are no data to train on. Take training=none, or give data=digits.")
        return
    if network.input_dim != data.n_inputs:
        raise ConfigError(
            f"The network takes {network.input_dim} inputs, and the data {data.name} have {data.n_inputs}. "
            f"Let network.widths begin with {data.n_inputs}, or take data=none domain=box training=none."
        )
    if trained and network.output_dim < data.n_classes:
        raise ConfigError(
            f"The network has {network.output_dim} outputs, and the data {data.name} have "
            f"{data.n_classes} classes. Let network.widths end with {data.n_classes}."
        )


def sizes(module: nn.Module, network: PLNetwork, data: Dataset | None) -> dict[str, Any]:
    """Return the sizes of network and data as metrics."""
    found = {
        "n_inputs": network.input_dim,
        "n_outputs": network.output_dim,
        "n_units": network.n_units,
        "n_parameters": sum(parameter.numel() for parameter in module.parameters()),
    }
    if data is not None:
        found |= {"n_train": len(data.x_train), "n_test": len(data.x_test)}
    return found


def accuracies(module: nn.Module, data: Dataset | None) -> dict[str, float]:
    """Return the accuracies of a network that is not trained here; none without data or enough outputs."""
    if data is None:
        return {}
    dtype = next(module.parameters()).dtype
    if module(torch.zeros(1, data.n_inputs, dtype=dtype)).shape[1] < data.n_classes:
        return {}
    parts = {"train": (data.x_train, data.y_train), "test": (data.x_test, data.y_test)}
    return {
        f"accuracy_{part}": accuracy(module, torch.as_tensor(x, dtype=dtype), torch.as_tensor(y))
        for part, (x, y) in parts.items()
    }
