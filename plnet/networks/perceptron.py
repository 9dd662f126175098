"""`mlp`: a multilayer perceptron from its widths, reproducible from one seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.checks import enough_memory, suggest_options
from plnet.errors import ConfigError
from plnet.networks.activations import ACTIVATIONS, check_activation
from plnet.networks.initialisers import initialise
from plnet.networks.modules import Maxout

__all__ = ["MLP", "mlp"]


class MLP(nn.Sequential):
    """A multilayer perceptron as `mlp` builds it; a plain `torch.nn.Sequential` otherwise.

    Attributes
    ----------
    widths : tuple of int or None
        Sizes of input, hidden layers and output. None for a part cut out of a network.
    activation : str or None
    """

    # Class attributes, because nn.Sequential slices by calling the class with layers only.
    widths: tuple[int, ...] | None = None
    activation: str | None = None


@suggest_options
def mlp(
    widths: Sequence[int],
    activation: str = "relu",
    *,
    slope: float | None = None,
    pieces: int | None = None,
    bias: bool = True,
    initialiser: str = "default",
    positive_bias: float | None = None,
    bias_std: float | None = None,
    dropout: float = 0.0,
    batch_norm: bool = False,
    rng: Any = None,
    dtype: torch.dtype | None = None,
    device: Any = None,
) -> MLP:
    """Build a multilayer perceptron.

    Parameters
    ----------
    widths : sequence of int
        Sizes of input, hidden layers and output; at least two.
    activation : str
        relu, abs, leaky_relu, prelu, hardtanh, relu6, maxout or identity; or, for
        comparison, the smooth elu, gelu, sigmoid, tanh, which have no linear regions.
    slope : float, optional
        Slope below 0 of leaky_relu (default 0.01), initial slope of prelu (default 0.25).
    pieces : int, optional
        Pieces of a maxout unit, by default 2.
    bias : bool
        Whether layers have biases.
    initialiser : {"default", "he", "he_uniform", "xavier", "xavier_normal"}
        Scheme of `plnet.networks.initialise`; "default" is that of `torch.nn.Linear`.
    positive_bias, bias_std : float, optional
        Constant bias of the hidden layers, or standard deviation of normal biases.
    dropout : float
        Probability in [0, 1) of a dropout layer behind each hidden layer; 0 for none.
    batch_norm : bool
        Batch normalisation before the activation, or behind the maximum of maxout.
    rng : int, SeedSequence, Generator, torch.Generator or None
        Source of the initial weights; torch's global generator is neither read nor moved.
    dtype, device
        As in `torch.nn.Linear`.

    Returns
    -------
    MLP
        A `torch.nn.Sequential`; no activation behind the last layer.

    Raises
    ------
    ConfigError
        If an option is unknown, impossible, or not used by the activation.

    Examples
    --------
    >>> from plnet.networks import mlp
    >>> mlp([2, 3, 1], "maxout", pieces=4, rng=0)
    MLP(
      (0): Maxout(2, 3, pieces=4, bias=True)
      (1): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    sizes = _check_widths(widths)
    check_activation(activation, slope=slope, pieces=pieces)
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ConfigError(f"Expected dropout to be a probability in [0, 1), got {dropout!r}.")
    if not bias and (positive_bias is not None or bias_std is not None):
        raise ConfigError("Expected no positive_bias or bias_std with bias=False. Leave them out.")
    with enough_memory(sizes, pieces or 1):
        where = {"dtype": dtype, "device": device}
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(sizes[:-1]):
            norm = [nn.BatchNorm1d(n_out, **where)] if batch_norm else []
            if activation == "maxout":
                layers += [_quiet(Maxout, n_in, n_out, pieces or 2, bias=bias, **where), *norm]
            else:
                linear = _quiet(nn.Linear, n_in, n_out, bias=bias, **where)
                layers += [linear, *norm, _activate(activation, slope, where)]
            if dropout:
                layers.append(nn.Dropout(dropout))
        layers.append(_quiet(nn.Linear, *sizes[-2:], bias=bias, **where))
        network = MLP(*layers)
        network.widths, network.activation = sizes, activation
        initialise(network, initialiser, rng=rng, positive_bias=positive_bias, bias_std=bias_std)
    return network


def _check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(widths) if isinstance(widths, Iterable) else ()
    if len(sizes) < 2 or not all(
        isinstance(w, int | np.integer) and not isinstance(w, bool) and w > 0 for w in sizes
    ):
        raise ConfigError(
            "Expected widths to be at least two positive integers (input, hidden layers, output), "
            f"got {widths!r}."
        )
    return tuple(int(w) for w in sizes)


def _activate(activation: str, slope: float | None, where: dict[str, Any]) -> nn.Module:
    known = ACTIVATIONS[activation]
    assert known.build is not None
    return known.build(known.default_slope if slope is None else slope, **where)


def _quiet(module_type: type[nn.Module], *args: int, **options: Any) -> nn.Module:
    """Build a layer without drawing from torch's global generator; the weights come later."""
    if options.get("device") is None:
        options["device"] = torch.get_default_device()
    return nn.utils.skip_init(module_type, *args, **options)
