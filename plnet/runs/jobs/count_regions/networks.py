"""Networks whose regions are counted: a perceptron from its widths, or with weights from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.errors import ConfigError, FileFormatError, NetworkError
from plnet.networks.generators import torch_generator
from plnet.networks.perceptron import MLP, mlp
from plnet.networks.stored import read_tensors
from plnet.runs.config.user_code import load_factory

__all__ = ["from_checkpoint", "from_factory", "perceptron"]


def perceptron(
    widths: Sequence[int],
    activation: str = "relu",
    *,
    rng: Any,
    width: int | None = None,
    slope: float | None = None,
    pieces: int | None = None,
    bias: bool = True,
    initialiser: str = "default",
    positive_bias: float | None = None,
    bias_std: float | None = None,
    dropout: float = 0.0,
    batch_norm: bool = False,
) -> MLP:
    """Return a multilayer perceptron with random weights.

    Parameters
    ----------
    widths : sequence of int
        Input, hidden layers, output.
    width : int, optional
        Size of every hidden layer, in place of those in `widths`.
    activation, rng, slope, pieces, bias, initialiser, positive_bias, bias_std, dropout, batch_norm
        As in `plnet.networks.mlp`.
    """
    sizes = list(widths)
    if width is not None:
        sizes[1:-1] = [width] * len(sizes[1:-1])
    return mlp(
        sizes,
        activation,
        slope=slope,
        pieces=pieces,
        bias=bias,
        initialiser=initialiser,
        positive_bias=positive_bias,
        bias_std=bias_std,
        dropout=dropout,
        batch_norm=batch_norm,
        rng=rng,
    )


def from_checkpoint(
    path: str,
    widths: Sequence[int],
    activation: str = "relu",
    *,
    rng: Any = None,  # noqa: ARG001
    slope: float | None = None,
    pieces: int | None = None,
    bias: bool = True,
    dropout: float = 0.0,
    batch_norm: bool = False,
) -> MLP:
    """Return a multilayer perceptron with the weights of a state dict.

    Parameters
    ----------
    path : str
        A state dict, as ``torch.save(network.state_dict(), path)`` writes it.
    widths, activation, slope, pieces, bias, dropout, batch_norm
        The architecture, as in `plnet.networks.mlp`.
    rng
        Not used: every weight comes from the file.

    Raises
    ------
    FileFormatError
        If the file is missing or is no state dict.
    ConfigError
        If it belongs to another architecture.
    NetworkError
        If a weight is NaN or infinite.
    """
    source = Path(path).expanduser()
    state = _read(source)
    network = mlp(
        widths,
        activation,
        slope=slope,
        pieces=pieces,
        bias=bias,
        dropout=dropout,
        batch_norm=batch_norm,
        rng=0,
    )
    own = network.state_dict()
    wrong = [f"{key} is missing from the file" for key in own if key not in state]
    wrong += [f"{key} is not in the network" for key in state if key not in own]
    wrong += [
        f"{key} is {tuple(state[key].shape)} in the file and {tuple(value.shape)} in the network"
        for key, value in own.items()
        if key in state and state[key].shape != value.shape
    ]
    if wrong:
        more = f", and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise ConfigError(
            f"{source} does not fit the network {list(widths)} with activation {activation}: "
            f"{'; '.join(wrong[:4])}{more}. Give the architecture with network.widths and network.activation."
        )
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise NetworkError(f"{key} in {source} contains NaN or infinity, so the network is no function.")
    if any(value.dtype == torch.float64 for value in state.values()):
        network.double()  # Rounding the weights would count the regions of another network.
    network.load_state_dict(state)
    return network


def from_factory(factory: str, options: Mapping[str, Any] | None = None, *, rng: Any = None) -> nn.Module:
    """Return the network that a function of the user makes.

    Parameters
    ----------
    factory : str
        ``module:function``; the module is looked for in the folder where the script is started first.
    options : mapping, optional
        Its keyword arguments.
    rng
        Passed on as a `numpy.random.Generator` if the function has an argument ``rng``. The global generator
        of torch is seeded with it for the time of the call, so that layers of torch have the same weights
        each time.

    Raises
    ------
    ConfigError
        If the function is not found, cannot be called this way, or returns no `torch.nn.Module`.
    """
    make = load_factory("network", factory, options or {}, rng=np.random.default_rng(rng))
    with torch.random.fork_rng([]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=torch_generator(rng))))
        network = make()
    if not isinstance(network, nn.Module):
        raise ConfigError(f"Expected {factory} to return a torch.nn.Module, got {type(network).__name__}.")
    return network


def _read(source: Path) -> dict[str, torch.Tensor]:
    remedy = "Write it with torch.save(network.state_dict(), path)."
    missing = "Give network.path from the folder you start in, or absolute."
    state = read_tensors(source, "state dict", remedy, missing)
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FileFormatError(f"Expected a state dict in {source}, got {type(state).__name__}. {remedy}")
    return dict(state)
