"""The intermediate representation: torch modules become piecewise-linear networks here."""

from typing import TYPE_CHECKING, Any

from plnet.ir.layers import Affine, GroupMax, Layer, ScalarPWL
from plnet.ir.network import PLNetwork

if TYPE_CHECKING:
    from plnet.ir.export import to_sequential
    from plnet.ir.ingest import as_network, supported_layers

__all__ = [
    "Affine",
    "GroupMax",
    "Layer",
    "PLNetwork",
    "ScalarPWL",
    "as_network",
    "supported_layers",
    "to_sequential",
]

_HOMES = {"as_network": "ingest", "supported_layers": "ingest", "to_sequential": "export"}


def __getattr__(name: str) -> Any:
    # These need torch; everything else does not.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"plnet.ir.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
