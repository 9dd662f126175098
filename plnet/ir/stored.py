"""Networks as JSON data and named arrays, for files."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from typing import Any

import numpy as np

from plnet.errors import FileFormatError
from plnet.ir.convolution import Convolution
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine, StackedAffine

__all__ = ["layer_from_arrays", "layer_to_arrays", "network_from_header", "network_to_header"]

_ARRAYS: dict[type, tuple[str, ...]] = {
    Affine: ("weight", "bias"),
    Convolution: ("kernel", "table", "channel_bias"),
    GroupMax: ("groups",),
    LocalWinner: ("groups",),
    ScalarPWL: ("breakpoints", "slopes", "anchors"),
    SparseAffine: ("starts", "inputs", "values", "bias"),
}


def network_to_header(network: PLNetwork, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return a network as JSON data, and put its weights into `arrays`."""
    layers = [layer_to_arrays(layer, arrays, f"layer{i}") for i, layer in enumerate(network.layers)]
    return {"layers": layers, "input_dim": network.input_dim, "input_shape": network.input_shape}


def network_from_header(data: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> PLNetwork:
    """Return the network that `network_to_header` wrote."""
    layers = [layer_from_arrays(entry, arrays, f"layer{i}") for i, entry in enumerate(data["layers"])]
    shape = data["input_shape"]
    return PLNetwork(tuple(layers), index(data["input_dim"]), tuple(map(index, shape)) if shape else None)


def layer_to_arrays(layer: Layer, arrays: dict[str, np.ndarray], prefix: str) -> dict[str, Any]:
    """Put the arrays of a layer under names with a prefix, and return what else describes it."""
    entry: dict[str, Any] = {"kind": type(layer).__name__, "name": layer.name, "n_in": layer.n_in}
    if isinstance(layer, StackedAffine):
        entry["parts"] = []
        for i, (part, index) in enumerate(zip(layer.parts, layer.inputs, strict=True)):
            arrays[f"{prefix}_inputs{i}"] = index
            entry["parts"].append(layer_to_arrays(part, arrays, f"{prefix}_part{i}"))
        return entry
    for key in _ARRAYS[type(layer)]:
        arrays[f"{prefix}_{key}"] = getattr(layer, key)
    if isinstance(layer, Convolution):
        entry["positions_in"] = layer.positions_in
    if isinstance(layer, SparseAffine) and layer.divisors is not None:
        arrays[f"{prefix}_divisors"] = layer.divisors
    return entry


def layer_from_arrays(entry: dict[str, Any], arrays: Mapping[str, np.ndarray], prefix: str) -> Layer:
    """Return the layer that `layer_to_arrays` wrote.

    Raises
    ------
    FileFormatError
        If the kind is unknown.
    """
    kind, name, n_in = entry["kind"], str(entry["name"]), index(entry["n_in"])
    if kind == "StackedAffine":
        parts = [
            layer_from_arrays(part, arrays, f"{prefix}_part{i}") for i, part in enumerate(entry["parts"])
        ]
        inputs = [arrays[f"{prefix}_inputs{i}"] for i in range(len(parts))]
        return StackedAffine([p for p in parts if isinstance(p, Affine)], inputs, n_in, name)
    known = {layer_type.__name__: keys for layer_type, keys in _ARRAYS.items()}
    if kind not in known:
        raise FileFormatError(f"Unknown kind of layer {kind!r}.")
    found = [arrays[f"{prefix}_{key}"] for key in known[kind]]
    if kind == "Convolution":
        return Convolution(found[0], found[1], index(entry["positions_in"]), found[2], name)
    if kind == "SparseAffine":
        divisors = arrays.get(f"{prefix}_divisors")
        starts, inputs, values, bias = found
        return SparseAffine(starts, inputs, values, n_in, bias, name, divisors)
    if kind in {"GroupMax", "LocalWinner"}:
        return (GroupMax if kind == "GroupMax" else LocalWinner)(found[0], n_in, name)
    if kind == "Affine":
        return Affine(found[0], found[1], name)
    breakpoints, slopes, anchors = found
    return ScalarPWL(breakpoints, slopes, anchors, name)
