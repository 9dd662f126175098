"""How a network behaves far away, and in which directions a domain is unbounded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import Affine, GroupMax, Layer, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine, StackedAffine, sparse_rows

__all__ = ["recession_chart", "recession_network"]


def recession_network(network: PLNetwork) -> PLNetwork:
    """Return the limit of ``network(s r) / s`` for large s, as a network of the direction r.

    Biases become 0 and scalar units keep their two outer slopes. On a polyhedron the network
    is bounded exactly if its recession network is 0 on the recession cone.

    Parameters
    ----------
    network : PLNetwork
        Continuous.

    Returns
    -------
    PLNetwork
        Positively homogeneous.

    Examples
    --------
    >>> from plnet.equivalence.recession import recession_network
    >>> from plnet.ir import PLNetwork, ScalarPWL
    >>> clip = PLNetwork((ScalarPWL.hardtanh(1, -1.0, 1.0),), input_dim=1)
    >>> recession_network(clip).evaluate([[3.0]]).tolist()
    [[0.0]]
    """
    return replace(network, layers=tuple(map(_homogeneous, network.layers)))


def recession_chart(chart: Chart) -> Chart:
    """Return the recession cone of a domain, as a domain of directions."""
    return Chart(_without_last(chart.embedding), _without_last(chart.facets), chart.facet_names)


def _without_last(matrix: RationalMatrix) -> RationalMatrix:
    integers = matrix.integers.copy()
    integers[:, -1] = 0
    return RationalMatrix(integers, matrix.denominator)


def _homogeneous(layer: Layer) -> Layer:
    if isinstance(layer, GroupMax):
        return layer
    if isinstance(layer, ScalarPWL):
        n, last = layer.n_units, layer.n_pieces - 1
        slopes = np.stack([layer.slopes[:, 0], layer.slopes[np.arange(n), last]], axis=1)
        return ScalarPWL(np.zeros((n, 1)), slopes, np.zeros(n), layer.name)
    return _linear(layer)


def _linear(layer: Affine) -> Affine:
    if layer.is_dense:
        return Affine(layer.weight, np.zeros(layer.n_out), layer.name)
    if isinstance(layer, StackedAffine):
        return StackedAffine([_linear(part) for part in layer.parts], layer.inputs, layer.n_in, layer.name)
    rows = layer if isinstance(layer, SparseAffine) else sparse_rows(layer)
    nothing = np.zeros(rows.n_out)
    return SparseAffine(rows.starts, rows.inputs, rows.values, rows.n_in, nothing, rows.name, rows.by)
