"""The difference of two networks as one network: both side by side, then a subtraction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from plnet.equivalence.inputs import check_same_shape, pair_of_networks
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL, padded_groups
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SMALL, SparseAffine, StackedAffine, compact

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["difference_network"]

_Parts = tuple[Layer | None, Layer | None]
"""A layer of each network; None where one waits."""


def difference_network(f: Module | PLNetwork, g: Module | PLNetwork) -> PLNetwork:
    """Return the network ``h(x) = f(x) - g(x)``; no number is rounded.

    Both networks run side by side. Affine layers are put next to each other, and so are
    nonlinear layers of one kind; where the kinds differ, one network waits behind units
    without breakpoint or groups of one.

    Parameters
    ----------
    f, g : torch.nn.Module or PLNetwork
        With the same number n of inputs and the same number m of outputs. Modules that take
        any number of inputs, such as activations, take that of the other one, or one input.

    Returns
    -------
    PLNetwork
        n inputs, m outputs; its units are those of `f` and those of `g`.

    Raises
    ------
    DimensionError
        If the numbers of inputs or of outputs differ.
    IngestError
        If a module cannot be read.

    Notes
    -----
    Costs O(weights), and the zeros beside small dense blocks.

    Examples
    --------
    >>> from plnet.equivalence import difference_network
    >>> from plnet.ir import PLNetwork, ScalarPWL
    >>> relu = PLNetwork((ScalarPWL.relu(1),), input_dim=1)
    >>> absolute = PLNetwork((ScalarPWL.absolute(1),), input_dim=1)
    >>> difference_network(relu, absolute).evaluate([[-2.0], [3.0]]).ravel().tolist()
    [-2.0, 0.0]
    """
    first, second = pair_of_networks(f, g)
    check_same_shape(first, second)
    n, m = first.input_dim, first.output_dim
    pairs = np.arange(m)[:, None] + np.array([0, m])
    subtraction = SparseAffine.table(pairs, [1.0, -1.0], 2 * m, "f - g")
    layers = (*_side_by_side(first, second), compact(subtraction))
    return PLNetwork(layers, n, first.input_shape or second.input_shape)


def _side_by_side(first: PLNetwork, second: PLNetwork) -> Iterator[Layer]:
    """Yield layers that compute the outputs of both networks, one behind the other."""
    n = first.input_dim
    sizes, inputs = (n, n), (np.arange(n), np.arange(n))
    for parts in _in_step(first.layers, second.layers):
        yield _joined(parts, sizes, inputs)
        sizes = _size(parts[0], sizes[0]), _size(parts[1], sizes[1])
        inputs = np.arange(sizes[0]), sizes[0] + np.arange(sizes[1])


def _in_step(first: Sequence[Layer], second: Sequence[Layer]) -> Iterator[_Parts]:
    """Yield pairs of layers of one kind, an affine pair first.

    Nonlinear layers of equal depth stand next to each other, so that units that the two
    networks share are met together.
    """
    nothing: list[Layer] = []
    blocks = zip_longest(_blocks(first), _blocks(second), fillvalue=(nothing, None))
    for number, ((a, p), (b, q)) in enumerate(blocks):
        if not number and not (a or b):
            # Both read the same input, which only an affine layer can do.
            yield None, None
        yield from zip_longest(a, b)
        if p is not None and q is not None and type(p) is type(q):
            yield p, q
            continue
        if p is not None:
            yield p, None
        if q is not None:
            yield None, q


def _blocks(layers: Sequence[Layer]) -> list[tuple[list[Layer], Layer | None]]:
    """Return the layers as affine ones followed by a nonlinear one; a last affine part has none."""
    found: list[tuple[list[Layer], Layer | None]] = []
    affine: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Affine):
            affine.append(layer)
        else:
            found.append((affine, layer))
            affine = []
    return [*found, (affine, None)]


def _size(layer: Layer | None, waiting: int) -> int:
    return waiting if layer is None else layer.n_out


def _joined(parts: _Parts, sizes: tuple[int, int], inputs: tuple[np.ndarray, np.ndarray]) -> Layer:
    """Return one layer that applies a layer to the values of each network, or passes them on."""
    name = " | ".join(layer.name for layer in parts if layer is not None and layer.name)
    kind = next((type(layer) for layer in parts if layer is not None), Affine)
    if issubclass(kind, Affine):
        return _affine(parts, sizes, inputs, name)
    if issubclass(kind, ScalarPWL):
        units = [
            x if isinstance(x, ScalarPWL) else ScalarPWL.identity(s)
            for x, s in zip(parts, sizes, strict=True)
        ]
        return ScalarPWL.concatenate(units, name)
    groups = [
        x.groups if isinstance(x, GroupMax) else np.arange(s)[:, None]
        for x, s in zip(parts, sizes, strict=True)
    ]
    joined = padded_groups([groups[0], groups[1] + sizes[0]])
    return (LocalWinner if issubclass(kind, LocalWinner) else GroupMax)(joined, sum(sizes), name)


def _affine(
    parts: _Parts, sizes: tuple[int, int], inputs: tuple[np.ndarray, np.ndarray], name: str
) -> Affine:
    width = int(max(inputs[0][-1], inputs[1][-1])) + 1
    layers = [
        x if isinstance(x, Affine) else SparseAffine.select(np.arange(s), s)
        for x, s in zip(parts, sizes, strict=True)
    ]
    rows = layers[0].n_out + layers[1].n_out
    if rows * width > SMALL or not all(x.is_dense or x.has_exact_weight for x in layers):
        return StackedAffine(layers, inputs, width, name)
    weight = np.zeros((rows, width))
    weight[: layers[0].n_out, inputs[0]] = layers[0].weight
    weight[layers[0].n_out :, inputs[1]] = layers[1].weight
    return Affine(weight, np.concatenate([layers[0].bias, layers[1].bias]), name)
