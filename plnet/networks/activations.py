"""The activations that `mlp` knows, and the mean square that each passes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import integrate, special
from torch import nn

from plnet.checks import check_choice
from plnet.errors import ConfigError
from plnet.networks.modules import AbsoluteValue

__all__ = ["ACTIVATIONS", "Activation", "check_activation", "mean_square"]


@dataclass(frozen=True)
class Activation:
    """An activation: how to build the module, and the scalar function for the initialiser.

    `function` is None for maxout, which is a layer and no scalar function. `default_slope`
    is the default of the option `slope`, None where the activation has none.
    """

    build: Callable[..., nn.Module] | None
    function: Callable[..., Any] | None
    module_type: type[nn.Module] | None
    default_slope: float | None = None
    kinks: tuple[float, ...] = (0.0,)


def _plain(module_type: type[nn.Module], function: Callable[..., Any], **rest: Any) -> Activation:
    return Activation(lambda _, **__: module_type(), function, module_type, **rest)


ACTIVATIONS: dict[str, Activation] = {
    "relu": _plain(nn.ReLU, lambda z: np.maximum(z, 0.0)),
    "abs": _plain(AbsoluteValue, np.abs),
    "leaky_relu": Activation(
        lambda slope, **_: nn.LeakyReLU(slope),
        lambda z, slope: np.where(z > 0, z, slope * z),
        nn.LeakyReLU,
        default_slope=0.01,
    ),
    "prelu": Activation(
        lambda slope, **where: nn.PReLU(1, slope, **where),
        lambda z, slope: np.where(z > 0, z, slope * z),
        nn.PReLU,
        default_slope=0.25,
    ),
    "hardtanh": _plain(nn.Hardtanh, lambda z: np.clip(z, -1.0, 1.0), kinks=(-1.0, 1.0)),
    "relu6": _plain(nn.ReLU6, lambda z: np.clip(z, 0.0, 6.0), kinks=(0.0, 6.0)),
    "maxout": Activation(None, None, None),
    "identity": _plain(nn.Identity, lambda z: z),
    "elu": _plain(nn.ELU, lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0)))),
    "gelu": _plain(nn.GELU, lambda z: z * special.ndtr(z)),
    "sigmoid": _plain(nn.Sigmoid, special.expit),
    "tanh": _plain(nn.Tanh, np.tanh),
}


def check_activation(name: str, *, slope: float | None = None, pieces: int | None = None) -> None:
    """Refuse an unknown activation, and options that the activation does not use.

    Raises
    ------
    ConfigError
        With the admissible names and the closest one.
    """
    check_choice("activation", name, ACTIVATIONS)
    if slope is not None and ACTIVATIONS[name].default_slope is None:
        users = ", ".join(key for key, value in ACTIVATIONS.items() if value.default_slope is not None)
        raise ConfigError(
            f"The activation {name!r} has no option slope (got {slope!r}); it belongs to {users}."
        )
    if slope is not None and not (isinstance(slope, int | float) and math.isfinite(slope)):
        raise ConfigError(f"Expected slope to be a finite number, got {slope!r}.")
    if pieces is not None and name != "maxout":
        raise ConfigError(
            f"The activation {name!r} has no option pieces (got {pieces!r}); it belongs to maxout."
        )
    if pieces is not None and (not isinstance(pieces, int) or isinstance(pieces, bool) or pieces < 1):
        raise ConfigError(f"Expected pieces to be a positive integer, got {pieces!r}.")


@lru_cache(maxsize=256)
def mean_square(name: str, slope: float | None = None, pieces: int | None = None) -> float:
    """Return E[f(z)^2] for a standard normal z; for maxout, of the maximum of `pieces` of them.

    Closed forms where they are short, adaptive quadrature (about 1e-12) elsewhere.
    """
    if name == "maxout":
        return _maximum_mean_square(2 if pieces is None else pieces)
    if name == "relu":
        return 0.5
    if name in {"identity", "abs"}:
        return 1.0
    activation = ACTIVATIONS[name]
    assert activation.function is not None
    function = activation.function
    if activation.default_slope is not None:
        below = activation.default_slope if slope is None else slope
        return (1 + below**2) / 2
    # Ten standard deviations leave out less than 1e-20.
    return _quadrature(lambda z: float(function(z)) ** 2, activation.kinks)


def _maximum_mean_square(pieces: int) -> float:
    known = {1: 1.0, 2: 1.0, 3: 1 + math.sqrt(3) / (2 * math.pi), 4: 1 + math.sqrt(3) / math.pi}
    if pieces in known:
        return known[pieces]
    # The maximum of K normals has the density K phi(z) Phi(z)^(K - 1).
    return _quadrature(lambda z: z * z * pieces * math.exp((pieces - 1) * special.log_ndtr(z)), (0.0,))


def _quadrature(function: Callable[[float], float], kinks: tuple[float, ...]) -> float:
    density = 1 / math.sqrt(2 * math.pi)
    return integrate.quad(
        lambda z: function(z) * density * math.exp(-z * z / 2),
        -12.0,
        12.0,
        points=[*kinks, -3.0, 3.0],
        epsabs=1e-13,
        epsrel=1e-12,
        limit=200,
    )[0]
