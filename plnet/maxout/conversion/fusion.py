"""Affine layer and elementwise maxout in one dense maxout layer, and how far rounding takes it away.

The rows of the fused layer are products of a slope and a row of weights. They are exact where the slope
is 0 or, up to its sign, a power of two, as for ReLU and the absolute value; elsewhere they may be
rounded, and what that changes is bounded through the network.

References
----------
Dekker (1971), "A floating-point technique for extending the available precision".
Knuth (1969), "The art of computer programming", volume 2, section 4.2.2, theorem B.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from plnet.errors import NetworkError
from plnet.geometry.cells import domain_cell
from plnet.geometry.domain import Chart
from plnet.geometry.homogeneous import value
from plnet.ir.layers import Affine, GroupMax
from plnet.maxout.conversion.chain import DenseMaxout, MaxoutChain, MaxoutLayer, Step

__all__ = ["fused_chain"]

_UP = 1 + 2.0**-30
"""More than the rounding of one layer's error bound: sums of at most 2^20 positive terms."""


def fused_chain(chain: MaxoutChain, chart: Chart) -> MaxoutChain:
    """Return a chain in which dense affine layers are part of the maxout layers behind them.

    Parameters
    ----------
    chain : MaxoutChain
    chart : Chart
        The domain on which the deviation is bounded.

    Returns
    -------
    MaxoutChain
        Its report has the bound.

    Raises
    ------
    NetworkError
        If a product of a slope and a weight is beyond the range of floats.

    Notes
    -----
    Costs O(weights * pieces).
    """
    size = _largest_inputs(chart)
    error = np.zeros_like(size)
    steps: list[Step] = []
    rest = list(chain.steps)
    while rest:
        step = rest.pop(0)
        if isinstance(step, Affine) and step.is_dense and rest and isinstance(rest[0], MaxoutLayer):
            layer = rest.pop(0)
            assert isinstance(layer, MaxoutLayer)
            fused, inexact = _fused(step, layer)
            error = _fused_error(fused, inexact, layer, size, error)
            size = _size_after(layer, _size_after(step, size))
            steps.append(fused)
            continue
        error, size = _error_after(step, error), _size_after(step, size)
        steps.append(step)
    deviation = float(error.max(initial=0.0))
    return MaxoutChain(tuple(steps), chain.source, replace(chain.report, deviation=deviation))


def _fused(affine: Affine, layer: MaxoutLayer) -> tuple[DenseMaxout, np.ndarray]:
    """Return the dense layer, and bounds (units, pieces, n_in + 1) of how much each entry was rounded."""
    rows = np.concatenate([affine.weight, affine.bias[:, None]], axis=1)[layer.groups]
    slopes = layer.weight[:, :, None]
    with np.errstate(over="ignore"):
        entries = rows * slopes
        constants = entries[:, :, -1] + layer.bias
    if not (np.isfinite(entries).all() and np.isfinite(constants).all()):
        raise NetworkError(
            "A product of a slope and a weight is beyond the range of float64. Leave the layers apart: "
            "to_maxout(network) without fused=True is exact."
        )
    inexact = _product_error(rows, slopes, entries)
    inexact[:, :, -1] += np.abs(_sum_error(entries[:, :, -1], layer.bias, constants))
    units, pieces = layer.groups.shape
    weight = entries[:, :, :-1].reshape(units * pieces, -1)
    maximum = GroupMax(np.arange(units * pieces).reshape(units, pieces), units * pieces, layer.name)
    return DenseMaxout(Affine(weight, constants.reshape(-1), affine.name), maximum), inexact


def _product_error(a: np.ndarray, b: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Return how much products were rounded: exactly (Dekker 1971), or a bound at the ends of the range."""
    b = np.broadcast_to(b, product.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        (high_a, low_a), (high_b, low_b) = _halves(a), _halves(b)
        error = ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b
    ordinary = (np.abs(product) > 2.0**-900) & (np.abs(a) < 2.0**900) & (np.abs(b) < 2.0**900)
    bound = np.abs(product) * 2.0**-52 + 2.0**-1000
    return np.where((a == 0) | (b == 0), 0.0, np.where(ordinary, np.abs(error), bound))


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two numbers of 26 bits with the sum a."""
    scaled = a * (2.0**27 + 1)
    high = scaled - (scaled - a)
    return high, a - high


def _sum_error(a: np.ndarray, b: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return how much sums were rounded, exactly (Knuth 1969)."""
    b_part = total - a
    return (a - (total - b_part)) + (b - b_part)


def _fused_error(
    fused: DenseMaxout, inexact: np.ndarray, layer: MaxoutLayer, size: np.ndarray, error: np.ndarray
) -> np.ndarray:
    units, pieces = layer.groups.shape
    carried = _times(np.abs(fused.affine.weight), error).reshape(units, pieces)
    rounded = _times(inexact[:, :, :-1], size) + inexact[:, :, -1]
    return (carried + rounded).max(axis=1) * _UP


def _error_after(step: Step, error: np.ndarray) -> np.ndarray:
    """Return error bounds behind a step that both networks have; only where there are errors."""
    if not error.any():
        return np.zeros(_n_out(step))
    if isinstance(step, Affine):
        return step.multiply(error[None], "absolute")[0] * _UP
    if isinstance(step, MaxoutLayer):
        return (np.abs(step.weight) * error[step.groups]).max(axis=1) * _UP
    return _times(np.abs(step.affine.weight), error)[step.maximum.groups].max(axis=1) * _UP


def _size_after(step: Step, size: np.ndarray) -> np.ndarray:
    """Return bounds of the absolute values behind a step."""
    if isinstance(step, Affine):
        if np.isfinite(size).all():
            return step.apply_absolute(size[None])[0] * _UP
        return np.full(step.n_out, math.inf)
    if isinstance(step, MaxoutLayer):
        values = np.where(step.weight == 0, 0.0, size[step.groups]) * np.abs(step.weight) + np.abs(step.bias)
        return values.max(axis=1) * _UP
    return _size_after(step.affine, size)[step.maximum.groups].max(axis=1)


def _n_out(step: Step) -> int:
    if isinstance(step, Affine):
        return step.n_out
    return len(step.groups) if isinstance(step, MaxoutLayer) else step.maximum.n_out


def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the product of positive numbers, with 0 * inf = 0."""
    if np.isfinite(vector).all():
        return matrix @ vector
    return np.where(matrix == 0, 0.0, matrix * np.where(matrix == 0, 0.0, vector)).sum(axis=-1)


def _largest_inputs(chart: Chart) -> np.ndarray:
    """Return the greatest absolute value of each input on the domain, shape (n,), rounded up."""
    rows = [tuple(row) for row in chart.embedding.integers.tolist()]
    if not len(chart.facets.integers):
        return np.full(len(rows), math.inf)
    cell = domain_cell(chart.facets, chart.facet_names)
    found = []
    for row in rows:
        lines = any(value(row, line) for line in getattr(cell, "lines", ()))
        far = any(value(row, vertex) for vertex in cell.vertices if not vertex[-1])
        heights = [
            abs(Fraction(value(row, v), v[-1] * chart.embedding.denominator)) for v in cell.vertices if v[-1]
        ]
        found.append(math.inf if lines or far else float(max(heights)) * _UP)
    return np.array(found)
