"""Initialisation: He for every activation and for maxout of any rank, Xavier, small positive biases.

All draw in float64 on the generator's device and then round to the parameter's type, so
that a seed gives the same network in float32 and float64, on CPU and GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.networks.activations import ACTIVATIONS, check_activation, mean_square
from plnet.networks.generators import torch_generator
from plnet.networks.modules import Maxout

__all__ = ["SCHEMES", "constant_bias_", "he_", "initialise", "variance_gain", "xavier_"]

SCHEMES = ("default", "he", "he_uniform", "xavier", "xavier_normal")
"""Schemes of `initialise`; "default" is that of `torch.nn.Linear`."""


def variance_gain(activation: str, *, slope: float | None = None, pieces: int | None = None) -> float:
    """Return the factor c for which weights of variance c / fan_in keep the mean square.

    It is 1 / E[f(z)^2] for a standard normal z: 2 for ReLU, 2 / (1 + a^2) for a leaky ReLU
    of slope a, 1 for the absolute value, and 1 / E[max of K standard normals squared] for
    maxout with K pieces (1 for 2, 0.7839 for 3, 0.6446 for 4, 0.5555 for 5).

    Parameters
    ----------
    activation : str
        A name that `plnet.networks.mlp` knows.
    slope : float, optional
        Slope of leaky_relu (default 0.01) and prelu (default 0.25).
    pieces : int, optional
        Number of pieces of maxout, by default 2.

    Raises
    ------
    ConfigError
        If the activation is unknown or does not use an option that was given.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", section 2.2.
    Tseran and Montúfar (2021), "On the expected complexity of maxout networks", on the
    initialisation of maxout networks.

    Examples
    --------
    >>> from plnet.networks import variance_gain
    >>> variance_gain("relu"), round(variance_gain("maxout", pieces=5), 4)
    (2.0, 0.5555)
    """
    check_activation(activation, slope=slope, pieces=pieces)
    return 1 / mean_square(activation, slope, pieces)


@torch.no_grad()
def he_(
    weight: torch.Tensor,
    activation: str = "relu",
    *,
    slope: float | None = None,
    pieces: int | None = None,
    distribution: str = "normal",
    rng: Any = None,
) -> torch.Tensor:
    """Fill a weight in place with mean 0 and variance `variance_gain` / fan_in.

    Parameters
    ----------
    weight : torch.Tensor, shape (..., fan_in)
        The weight of `torch.nn.Linear` or of `Maxout`.
    activation, slope, pieces
        As in `variance_gain`. For a Maxout weight, `pieces` defaults to its second size.
    distribution : {"normal", "uniform"}
    rng : int, SeedSequence, Generator, torch.Generator or None

    Returns
    -------
    torch.Tensor
        `weight`.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", equation 10.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import he_
    >>> round(he_(torch.empty(500, 200), rng=0).var().item() * 200, 1)
    2.0
    """
    if activation == "maxout" and pieces is None and weight.ndim == 3:
        pieces = weight.shape[1]
    gain = variance_gain(activation, slope=slope, pieces=pieces)
    return _fill_(weight, gain / weight.shape[-1], distribution, rng)


@torch.no_grad()
def xavier_(weight: torch.Tensor, *, distribution: str = "uniform", rng: Any = None) -> torch.Tensor:
    """Fill a weight in place with mean 0 and variance 2 / (fan_in + fan_out).

    Parameters
    ----------
    weight : torch.Tensor, shape (fan_out, fan_in) or (fan_out, pieces, fan_in)
    distribution : {"uniform", "normal"}
    rng : int, SeedSequence, Generator, torch.Generator or None

    Returns
    -------
    torch.Tensor
        `weight`.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks", equation 16.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import xavier_
    >>> bool(xavier_(torch.empty(3, 3), rng=0).abs().max() <= 1.0)
    True
    """
    return _fill_(weight, 2 / (weight.shape[-1] + weight.shape[0]), distribution, rng)


@torch.no_grad()
def constant_bias_(bias: torch.Tensor, value: float = 0.1) -> torch.Tensor:
    """Fill a bias in place with one small positive value, so that most ReLUs start active.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), "Deep learning", section 6.3.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import constant_bias_
    >>> constant_bias_(torch.empty(2, dtype=torch.float64)).tolist()
    [0.1, 0.1]
    """
    return bias.fill_(value)


@torch.no_grad()
def initialise(
    module: nn.Module,
    scheme: str = "he",
    *,
    rng: Any = None,
    positive_bias: float | None = None,
    bias_std: float | None = None,
) -> nn.Module:
    """Draw the parameters of all `Linear` and `Maxout` layers of a module in place.

    Parameters
    ----------
    module : torch.nn.Module
    scheme : {"he", "he_uniform", "xavier", "xavier_normal", "default"}
        "default" is the scheme of `torch.nn.Linear`: uniform in ±1/sqrt(fan_in).
    rng : int, SeedSequence, Generator, torch.Generator or None
    positive_bias : float, optional
        Constant bias of the hidden layers (0.1 in Goodfellow et al. 2016); 0 for layers
        that no activation follows.
    bias_std : float, optional
        Standard deviation of normal biases, in all layers.

    Returns
    -------
    torch.nn.Module
        `module`.

    Raises
    ------
    ConfigError
        If the scheme is unknown, or both bias options are given.

    Notes
    -----
    He's gain is that of the activation registered behind a layer; a layer with none
    behind it takes the one before it, and a network without activations 1. Biases are 0
    unless "default" or a bias option says otherwise. Other parameters are not touched.

    Examples
    --------
    >>> from torch import nn
    >>> from plnet.networks import initialise
    >>> network = initialise(nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)), "he", rng=0)
    >>> network[0].bias.abs().max().item()
    0.0
    """
    _check_scheme(scheme, positive_bias, bias_std)
    generator = torch_generator(rng)
    for layer, activation, options, hidden in _layers(module):
        fan_in = layer.weight.shape[-1]
        if scheme == "default":
            _fill_(layer.weight, 1 / (3 * fan_in), "uniform", generator)
        elif scheme.startswith("xavier"):
            xavier_(layer.weight, distribution=_distribution(scheme, "uniform"), rng=generator)
        else:
            spread = _distribution(scheme, "normal")
            he_(layer.weight, activation, distribution=spread, rng=generator, **options)
        if layer.bias is None:
            continue
        if positive_bias is not None:
            constant_bias_(layer.bias, positive_bias if hidden else 0.0)
        elif bias_std is not None:
            _fill_(layer.bias, bias_std**2, "normal", generator)
        elif scheme == "default":
            _fill_(layer.bias, 1 / (3 * fan_in), "uniform", generator)
        else:
            layer.bias.zero_()
    return module


def _check_scheme(scheme: str, positive_bias: float | None, bias_std: float | None) -> None:
    check_choice("initialiser", scheme, SCHEMES)
    if positive_bias is not None and bias_std is not None:
        raise ConfigError(
            f"Expected positive_bias or bias_std, got both ({positive_bias!r} and {bias_std!r}). "
            "Leave one out."
        )
    for name, value in (("positive_bias", positive_bias), ("bias_std", bias_std)):
        if value is not None and not 0 <= value < math.inf:
            raise ConfigError(f"Expected {name} to be finite and at least 0, got {value!r}.")


def _distribution(scheme: str, default: str) -> str:
    return scheme.partition("_")[2] or default


def _activation_of(module: Any) -> tuple[str, dict[str, Any]] | None:
    for name, activation in ACTIVATIONS.items():
        # Exact types: nn.ReLU6 is a subclass of nn.Hardtanh.
        if type(module) is activation.module_type and name != "identity":
            if name == "leaky_relu":
                return name, {"slope": float(module.negative_slope)}
            if name == "prelu":
                return name, {"slope": float(module.weight.mean())}
            return name, {}
    return None


def _layers(module: nn.Module) -> Iterator[tuple[Any, str, dict[str, Any], bool]]:
    """Yield (layer, activation, its options, whether hidden) in the order of registration."""
    parts = [m for m in module.modules() if isinstance(m, nn.Linear | Maxout) or _activation_of(m)]
    before: tuple[str, dict[str, Any]] = ("identity", {})
    for position, part in enumerate(parts):
        if isinstance(part, Maxout):
            before = ("maxout", {"pieces": part.pieces})
            yield part, before[0], before[1], True
        elif isinstance(part, nn.Linear):
            behind = _activation_of(parts[position + 1]) if position + 1 < len(parts) else None
            name, options = behind or before
            yield part, name, options, behind is not None
        else:
            before = _activation_of(part) or before


def _fill_(tensor: torch.Tensor, variance: float, distribution: str, rng: Any) -> torch.Tensor:
    generator = torch_generator(rng)
    draw = torch.empty(tensor.shape, dtype=torch.float64, device=generator.device)
    if distribution == "normal":
        draw.normal_(generator=generator).mul_(math.sqrt(variance))
    elif distribution == "uniform":
        draw.uniform_(-1.0, 1.0, generator=generator).mul_(math.sqrt(3 * variance))
    else:
        raise ConfigError(f'Expected distribution "normal" or "uniform", got {distribution!r}.')
    return tensor.copy_(draw)
