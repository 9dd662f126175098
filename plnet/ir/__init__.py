"""The intermediate representation: torch modules become piecewise-linear networks here."""

from typing import TYPE_CHECKING

from plnet.ir.convolution import Convolution
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine, StackedAffine
from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet.ir.export import to_sequential
    from plnet.ir.reading.ingest import as_network
    from plnet.ir.reading.supported import supported_layers

__all__ = [
    "Affine",
    "Convolution",
    "GroupMax",
    "Layer",
    "LocalWinner",
    "PLNetwork",
    "ScalarPWL",
    "SparseAffine",
    "StackedAffine",
    "as_network",
    "supported_layers",
    "to_sequential",
]

_HOMES = {"as_network": "reading.ingest", "supported_layers": "reading.supported", "to_sequential": "export"}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
