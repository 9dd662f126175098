"""The intermediate representation: torch modules become piecewise-linear networks here."""

from typing import TYPE_CHECKING, Any

from plnet.ir.layers import Affine, GroupMax, Layer, ScalarPWL
from plnet.ir.network import PLNetwork

if TYPE_CHECKING:
    from plnet.ir.ingest import as_network, supported_layers

__all__ = ["Affine", "GroupMax", "Layer", "PLNetwork", "ScalarPWL", "as_network", "supported_layers"]


def __getattr__(name: str) -> Any:
    if name in {"as_network", "supported_layers"}:
        from importlib import import_module

        return getattr(import_module("plnet.ir.ingest"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
