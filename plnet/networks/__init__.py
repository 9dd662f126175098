"""Networks to build: maxout layers, small multilayer perceptrons, initialisers.

Everything here is ordinary torch. Names are loaded on first use, so that importing the
package does not import torch.
"""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.networks.generators import torch_generator
    from plnet.networks.initialisers import (
        constant_bias_,
        he_,
        initialise,
        variance_gain,
        xavier_,
    )
    from plnet.networks.modules import AbsoluteValue, GroupedMaximum, Maxout, PiecewiseLinear
    from plnet.networks.perceptron import MLP, mlp

__all__ = [
    "MLP",
    "AbsoluteValue",
    "GroupedMaximum",
    "Maxout",
    "PiecewiseLinear",
    "constant_bias_",
    "he_",
    "initialise",
    "mlp",
    "torch_generator",
    "variance_gain",
    "xavier_",
]

_HOME = {
    "MLP": "perceptron",
    "mlp": "perceptron",
    "AbsoluteValue": "modules",
    "GroupedMaximum": "modules",
    "Maxout": "modules",
    "PiecewiseLinear": "modules",
    "constant_bias_": "initialisers",
    "he_": "initialisers",
    "initialise": "initialisers",
    "variance_gain": "initialisers",
    "xavier_": "initialisers",
    "torch_generator": "generators",
}

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
