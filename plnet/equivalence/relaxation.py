"""Certified bounds of a network on boxes: intervals forwards, one linear bound per unit backwards."""

from __future__ import annotations

import numpy as np

from plnet.budgets import look
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF, PLNetwork

__all__ = ["upper_bounds"]

_TINY = 1e-300
"""More than the absolute error of sums of products that underflow."""


def upper_bounds(network: PLNetwork, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return upper bounds of the largest absolute output on boxes, and how steep the bounds are.

    Each unit is bounded below and above by two parallel lines on the interval that its input
    runs through; the lines are put together from the outputs back to the inputs, so that what
    cancels between the two halves of a difference network cancels in the bound.

    Parameters
    ----------
    network : PLNetwork
        Continuous.
    low, high : ndarray, shape (B, n)
        Boxes of inputs.

    Returns
    -------
    bounds : ndarray, shape (B,)
        Rigorous: the rounding of every operation is added.
    slopes : ndarray, shape (B, n)
        Absolute slopes of the bound that is largest.

    Notes
    -----
    Costs O(B m weights), memory O(B m width).

    References
    ----------
    Singh, Gehr, Mirman, Püschel and Vechev (2018), Fast and effective robustness certification;
    Zhang, Weng, Chen, Hsieh and Daniel (2018), Efficient neural network robustness certification.
    """
    ranges = _ranges(network, low, high)
    m = network.output_dim
    shape = (len(low), 2 * m, m)
    weights = np.broadcast_to(np.concatenate([np.eye(m), -np.eye(m)]), shape)
    total, error = np.zeros(shape[:2]), np.zeros(shape[:2])
    for layer, (bottom, top) in zip(reversed(network.layers), reversed(ranges), strict=True):
        look()
        size = np.maximum(np.abs(bottom), np.abs(top))[:, None]
        if isinstance(layer, Affine):
            weights, step, rounding = _behind_affine(layer, weights, size)
        elif isinstance(layer, GroupMax):
            weights, step, rounding = _behind_maximum(layer, weights, bottom, top, size)
        else:
            weights, step, rounding = _behind_scalar(layer, weights, bottom, top, size)
        total = total + step
        error = error + rounding + 4 * UNIT_ROUNDOFF * np.abs(total)
    centre, radius = _centred(low, high)
    n = low.shape[1] + 4
    reach = (np.abs(weights) * (np.abs(centre) + radius)[:, None]).sum(axis=2)
    bound = (weights * centre[:, None] + np.abs(weights) * radius[:, None]).sum(axis=2) + total
    bound = bound + error + 2 * n * UNIT_ROUNDOFF * (reach + np.abs(total) + error) + _TINY
    best = bound.argmax(axis=1)
    rows = np.arange(len(low))
    return np.maximum(bound[rows, best], 0.0), np.abs(weights[rows, best])


def _centred(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and radii of boxes that contain the given ones."""
    centre = low / 2 + high / 2
    radius = np.maximum(high - centre, centre - low)
    return centre, radius * (1 + 4 * UNIT_ROUNDOFF) + _TINY


def _ranges(network: PLNetwork, low: np.ndarray, high: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return intervals (B, n_in) that hold the inputs of each layer."""
    found = []
    for layer in network.layers:
        look()
        found.append((low, high))
        if isinstance(layer, Affine):
            low, high = _affine_range(layer, low, high)
        elif isinstance(layer, GroupMax):
            low, high = low[:, layer.groups].max(axis=2), high[:, layer.groups].max(axis=2)
        else:
            low, high = _scalar_range(layer, low, high)
    return found


def _affine_range(layer: Affine, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre, radius = _centred(low, high)
    middle, spread = layer.apply(centre), layer.multiply(radius, "absolute")
    size = layer.apply_absolute(np.abs(centre) + radius)
    spread = spread + 2 * (layer.n_terms + 4) * UNIT_ROUNDOFF * (size + spread) + _TINY
    return middle - spread, middle + spread


def _scalar_range(layer: ScalarPWL, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = [_value_range(layer, x) for x in _candidates(layer, low, high)]
    bottom = np.min([value - slack for value, slack in values], axis=0)
    top = np.max([value + slack for value, slack in values], axis=0)
    return bottom, top


def _candidates(layer: ScalarPWL, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Return arguments (B, n): the ends and the breakpoints inside; an extremum is at one of them."""
    inner = [np.clip(np.where(t < np.inf, t, 0.0), low, high) for t in layer.breakpoints.T]
    return [low, high, *inner]


def _value_range(layer: ScalarPWL, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of the units at arguments (B, n), and a bound of their rounding error."""
    pieces = (x[:, :, None] > layer.breakpoints[None]).sum(axis=2)
    units = np.arange(layer.n_units)
    slopes, shifts = layer.slopes[units, pieces], layer.intercepts[units, pieces]
    steep = np.abs(layer.slopes).max(axis=1)
    slack = 8 * UNIT_ROUNDOFF * (steep * np.abs(x) + np.abs(layer.intercepts).max(axis=1)) + _TINY
    return slopes * x + shifts, slack


_Step = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Weights of the inputs (B, k, n_in), what is added to the bounds (B, k), and its error (B, k)."""


def _behind_affine(layer: Affine, weights: np.ndarray, size: np.ndarray) -> _Step:
    matrix = layer.weight
    out = weights @ matrix
    absolute = np.abs(weights)
    step = weights @ layer.bias
    spread = ((absolute @ np.maximum(np.abs(matrix), layer.weight_size)) * size).sum(axis=2)
    spread = spread + absolute @ np.abs(layer.bias)
    count = layer.n_out + layer.n_in + layer.n_terms + 8
    return out, step, 4 * count * UNIT_ROUNDOFF * spread + _TINY


def _behind_scalar(
    layer: ScalarPWL, weights: np.ndarray, bottom: np.ndarray, top: np.ndarray, size: np.ndarray
) -> _Step:
    ends = [_value_range(layer, x)[0] for x in (bottom, top)]
    width = top - bottom
    chord = (ends[1] - ends[0]) / np.where(width > 0, width, 1.0)
    steep = np.abs(layer.slopes).max(axis=1)
    chord = np.clip(np.where(width > 0, chord, 0.0), -steep, steep)
    gaps = []
    for x in _candidates(layer, bottom, top):
        value, slack = _value_range(layer, x)
        gap = value - chord * x
        slack = slack + 8 * UNIT_ROUNDOFF * (np.abs(value) + np.abs(chord * x))
        gaps.append((gap - slack, gap + slack))
    least = np.min([gap for gap, _ in gaps], axis=0)
    most = np.max([gap for _, gap in gaps], axis=0)
    out = weights * chord[:, None]
    step, rounding = _added(weights, least, most)
    rounding = rounding + 4 * UNIT_ROUNDOFF * (np.abs(out) * size).sum(axis=2)
    return out, step, rounding + _TINY


def _behind_maximum(
    layer: GroupMax, weights: np.ndarray, bottom: np.ndarray, top: np.ndarray, size: np.ndarray
) -> _Step:
    """Bound a maximum by its member with the largest lower end, and by how far the others can exceed it."""
    lows, highs = bottom[:, layer.groups], top[:, layer.groups]
    place = lows.argmax(axis=2)
    chosen = layer.groups[np.arange(layer.n_units), place]
    rivals = np.where(layer.groups[None] == chosen[:, :, None], -np.inf, highs)
    reach = rivals.max(axis=2)
    excess = np.maximum(reach - lows.max(axis=2), 0.0)
    excess = np.where(excess > 0, excess * (1 + 4 * UNIT_ROUNDOFF), 0.0)
    out = np.zeros((*weights.shape[:2], layer.n_in))
    for box, members in enumerate(chosen):
        np.add.at(out[box].T, members, weights[box].T)
    step, rounding = _added(weights, np.zeros_like(excess), excess)
    spread = (np.abs(weights) * size[:, 0][np.arange(len(size))[:, None], chosen][:, None]).sum(axis=2)
    return out, step, rounding + 2 * layer.n_units * UNIT_ROUNDOFF * spread + _TINY


def _added(weights: np.ndarray, least: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest sum of weights times numbers between bounds, and its rounding error."""
    up, down = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
    step = (up * most[:, None] + down * least[:, None]).sum(axis=2)
    size = (np.abs(weights) * np.maximum(np.abs(least), np.abs(most))[:, None]).sum(axis=2)
    return step, 2 * (weights.shape[2] + 4) * UNIT_ROUNDOFF * size
