"""Networks to build: maxout layers, small multilayer perceptrons, initialisers.

Everything here is ordinary torch. Names are loaded on first use, so that importing the
package does not import torch.
"""

from typing import TYPE_CHECKING

from plnet.lazy import homes, lazy_names

if TYPE_CHECKING:
    from plnet.networks.extremal import montufar_ren_zhang_2022_layer, one_hidden_layer, xiong_2020_layer
    from plnet.networks.extremal_folds import (
        arora_2018_network,
        montufar_2014_network,
        serra_2018_cones_network,
        serra_2018_network,
        zigzag,
    )
    from plnet.networks.extremal_maxout import montufar_ren_zhang_2022_network
    from plnet.networks.generators import torch_generator
    from plnet.networks.initialisers import constant_bias_, he_, initialise, variance_gain, xavier_
    from plnet.networks.modules import AbsoluteValue, CReLU, GroupedMaximum, Maxout, PiecewiseLinear
    from plnet.networks.operators import GatheredConvolution, SparseLinear, StackedLinear
    from plnet.networks.perceptron import MLP, mlp
    from plnet.networks.winners import GroupedWinner, LocalWinnerTakeAll

__all__ = [
    "MLP",
    "AbsoluteValue",
    "CReLU",
    "GatheredConvolution",
    "GroupedMaximum",
    "GroupedWinner",
    "LocalWinnerTakeAll",
    "Maxout",
    "PiecewiseLinear",
    "SparseLinear",
    "StackedLinear",
    "arora_2018_network",
    "constant_bias_",
    "he_",
    "initialise",
    "mlp",
    "montufar_2014_network",
    "montufar_ren_zhang_2022_layer",
    "montufar_ren_zhang_2022_network",
    "one_hidden_layer",
    "serra_2018_cones_network",
    "serra_2018_network",
    "torch_generator",
    "variance_gain",
    "xavier_",
    "xiong_2020_layer",
    "zigzag",
]

_HOMES = homes(
    {
        "extremal": "montufar_ren_zhang_2022_layer one_hidden_layer xiong_2020_layer",
        "extremal_folds": "arora_2018_network montufar_2014_network serra_2018_cones_network "
        "serra_2018_network zigzag",
        "extremal_maxout": "montufar_ren_zhang_2022_network",
        "generators": "torch_generator",
        "initialisers": "constant_bias_ he_ initialise variance_gain xavier_",
        "modules": "AbsoluteValue CReLU GroupedMaximum Maxout PiecewiseLinear",
        "operators": "GatheredConvolution SparseLinear StackedLinear",
        "perceptron": "MLP mlp",
        "winners": "GroupedWinner LocalWinnerTakeAll",
    }
)

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
