"""Rows of parameters to and from torch modules, and the parameters that members start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from plnet.checks import enough_memory
from plnet.forgetting.models.batched_network import BatchedNetwork, LayerView
from plnet.forgetting.models.spec import Architecture, Layer
from plnet.forgetting.seeding import seed_sequence
from plnet.networks.generators import torch_generator
from plnet.networks.initialisers import initialise
from plnet.networks.modules import AbsoluteValue, Maxout
from plnet.networks.winners import LocalWinnerTakeAll

__all__ = ["initial_parameters", "read_module", "to_module"]


def initial_parameters(
    architecture: Architecture, seeds: Sequence[int], dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Draw the parameters (m, P) that replicates start from; a member's row depends on its seed only.

    Replicates are drawn in float64 and rounded, so float32 and float64 start from the same network.
    """
    with enough_memory([architecture.n_inputs, *(layer.rows for layer in architecture.layers)]):
        blank = _blank(architecture)
        rows = {}
        for seed in dict.fromkeys(seeds):
            initialise(
                blank, architecture.initialiser, rng=torch_generator(seed_sequence(seed, "initialisation"))
            )
            rows[seed] = read_module(architecture, blank)
        return torch.stack([rows[seed] for seed in seeds]).to(dtype)


def to_module(architecture: Architecture, row: torch.Tensor) -> nn.Sequential:
    """Return one member as a torch module, with dropout layers where it has dropout.

    Parameters
    ----------
    architecture : Architecture
    row : torch.Tensor, shape (P,)

    Examples
    --------
    >>> from plnet.forgetting.models.modules import initial_parameters, to_module
    >>> from plnet.forgetting.models.spec import ModelSpec
    >>> sizes = ModelSpec((4,), "lwta").resolve(3, 2)
    >>> to_module(sizes, initial_parameters(sizes, [0])[0])
    Sequential(
      (0): Linear(in_features=3, out_features=4, bias=True)
      (1): LocalWinnerTakeAll(2)
      (2): Linear(in_features=4, out_features=2, bias=True)
    )
    """
    module = _blank(architecture).to(row.dtype)
    with torch.no_grad():
        for place, (view, affine) in enumerate(_pairs(architecture, row, module)):
            weight, bias = view.weight[0].cpu(), view.bias[0].cpu()
            if isinstance(affine, Maxout):
                weight = weight.unflatten(0, (architecture.pieces, -1)).transpose(0, 1)
                bias = bias.unflatten(0, (architecture.pieces, -1)).transpose(0, 1)
            else:
                rows, columns = _neighbours(architecture, place)
                weight, bias = weight[rows][:, columns], bias[rows]
            affine.weight.copy_(weight)
            affine.bias.copy_(bias)
    for slope, unit in zip(_slopes(architecture, row), _of_type(module, nn.PReLU), strict=False):
        unit.weight.data.copy_(slope)
    return module


def read_module(architecture: Architecture, module: nn.Sequential) -> torch.Tensor:
    """Return the row (P,) of parameters, float64, of a module that `to_module` made or could have made."""
    row = torch.zeros(architecture.n_parameters, dtype=torch.float64)
    for place, (view, affine) in enumerate(_pairs(architecture, row, module)):
        weight, bias = affine.weight.detach().double(), affine.bias.detach().double()
        if isinstance(affine, Maxout):
            view.weight[0] = weight.transpose(0, 1).flatten(0, 1)
            view.bias[0] = bias.transpose(0, 1).flatten()
        else:
            rows, columns = _neighbours(architecture, place)
            view.weight[0, rows[:, None], columns] = weight
            view.bias[0, rows] = bias
    for slope, unit in zip(_slopes(architecture, row), _of_type(module, nn.PReLU), strict=False):
        slope.copy_(unit.weight.detach())
    return row


def _pairs(
    architecture: Architecture, row: torch.Tensor, module: nn.Sequential
) -> list[tuple[LayerView, Any]]:
    affine = [part for part in module if isinstance(part, nn.Linear | Maxout)]
    return list(zip(BatchedNetwork(architecture).views(row[None]), affine, strict=True))


def _slopes(architecture: Architecture, row: torch.Tensor) -> list[torch.Tensor]:
    views = BatchedNetwork(architecture).views(row[None])
    return [view.slope[0] for view in views if view.slope is not None]


def _of_type(module: nn.Sequential, kind: type[nn.Module]) -> list[Any]:
    return [part for part in module if isinstance(part, kind)]


def _neighbours(architecture: Architecture, place: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return our row and column for each row and column of the module.

    Members of a block of local winners are neighbours in a module, and lie one block apart here.
    """
    layer = architecture.layers[place]
    rows, columns = torch.arange(layer.rows), torch.arange(layer.n_in)
    if architecture.activation != "lwta":
        return rows, columns
    if place + 1 < len(architecture.layers):
        rows = rows.unflatten(0, (architecture.pieces, -1)).T.flatten()
    if place > 0:
        columns = columns.unflatten(0, (architecture.pieces, -1)).T.flatten()
    return rows, columns


def _blank(architecture: Architecture) -> nn.Sequential:
    """Build the module with weights that nobody has drawn."""
    parts: list[nn.Module] = []
    if architecture.input_dropout:
        parts.append(nn.Dropout(architecture.input_dropout))
    *hidden, last = architecture.layers
    for layer in hidden:
        parts += _hidden(architecture, layer)
        if architecture.hidden_dropout:
            parts.append(nn.Dropout(architecture.hidden_dropout))
    parts.append(_quiet(nn.Linear, last.n_in, last.n_out))
    return nn.Sequential(*parts)


def _hidden(architecture: Architecture, layer: Layer) -> list[nn.Module]:
    name, pieces = architecture.activation, architecture.pieces
    if name == "maxout":
        return [_quiet(Maxout, layer.n_in, layer.n_out, pieces)]
    units = {
        "relu": nn.ReLU,
        "abs": AbsoluteValue,
        "leaky_relu": lambda: nn.LeakyReLU(architecture.slope),
        "prelu": lambda: nn.PReLU(1, architecture.slope, dtype=torch.float64),
        "hardtanh": nn.Hardtanh,
        "lwta": lambda: LocalWinnerTakeAll(pieces),
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
    }
    return [_quiet(nn.Linear, layer.n_in, layer.rows), units[name]()]


def _quiet(kind: type[nn.Module], *sizes: int) -> nn.Module:
    """Build a layer without drawing from torch's global generator."""
    return nn.utils.skip_init(kind, *sizes, device="cpu", dtype=torch.float64)
