"""Random segments on which a function bends the wrong way; what floats suggest is proved in rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plnet.budgets import look
from plnet.errors import DimensionError
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix, rational, to_fractions
from plnet.ir.network import PLNetwork
from plnet.maxout.convexity.report import ConvexityWitness
from plnet.regions.problem import Problem

__all__ = ["exact_witness", "find_witness"]

_PAIRS = 512
_TRIES = 16
_SCALES = (4.0, 1.0, 0.25, 16.0)


def find_witness(
    network: PLNetwork, chart: Chart, sign: int, rng: np.random.Generator
) -> ConvexityWitness | None:
    """Return a segment on which ``sign * network`` is not convex, if a random search finds one.

    Parameters
    ----------
    network : PLNetwork
        With one output.
    chart : Chart
    sign : int
        1 looks for a failure of convexity, -1 of concavity.
    rng : numpy Generator

    Returns
    -------
    ConvexityWitness or None
        Proved in exact rationals.
    """
    points = _random_points(network, chart, rng)
    if points is None:
        return None
    start, end = points[0::2], points[1::2]
    with np.errstate(over="ignore", invalid="ignore"):
        inputs = [chart.embed(t) for t in (start, (start + end) / 2, end)]
        left, middle, right = (network.evaluate(x)[:, 0] for x in inputs)
        gaps = sign * (middle - (left + right) / 2)
    order = np.argsort(-np.where(np.isfinite(gaps), gaps, -np.inf))[:_TRIES]
    for i in order.tolist():
        ends = to_fractions(start[i]), to_fractions(end[i])
        # Rounding can put a point that was meant to be on the boundary outside.
        if gaps[i] > 0 and all(chart.contains(t) for t in ends):
            found = exact_witness(network, chart, sign, *ends)
            if found is not None:
                return found
    return None


def exact_witness(
    network: PLNetwork, chart: Chart, sign: int, start: np.ndarray, end: np.ndarray, wall: str = ""
) -> ConvexityWitness | None:
    """Return the witness between two points given in coordinates t (d,), if there is one; exact."""
    coordinates = np.stack([start, (start + end) / 2, end])
    inputs = _embedded(chart, coordinates)
    values = [Fraction(value) for value in network.evaluate(inputs, exact=True)[:, 0]]
    first, middle, last = (tuple(row) for row in inputs.tolist())
    witness = ConvexityWitness(first, middle, last, (values[0], values[1], values[2]), wall)
    return witness if witness.gap * sign > 0 else None


def _embedded(chart: Chart, coordinates: np.ndarray) -> np.ndarray:
    ones = np.full((1, len(coordinates)), Fraction(1), dtype=object)
    columns: RationalMatrix = rational(np.concatenate([coordinates.T, ones]))
    return (chart.embedding @ columns).to_fractions().T


def _random_points(network: PLNetwork, chart: Chart, rng: np.random.Generator) -> np.ndarray | None:
    """Draw points of the domain, in pairs: far apart, and near to each other."""
    d = chart.dim
    if not len(chart.facets.integers):
        scale = rng.choice(_SCALES, size=(2 * _PAIRS, 1))
        return _with_near_pairs(rng.normal(size=(2 * _PAIRS, d)) * scale, rng)
    try:
        vertices = Problem(network, chart).root.vertices
    except DimensionError:
        return _box_points(chart, rng)
    corners = np.array([[float(Fraction(x, v[-1])) for x in v[:-1]] for v in vertices if v[-1]])
    look()
    rays = np.array([[x / max(map(abs, v)) for x in v[:-1]] for v in vertices if not v[-1]]).reshape(-1, d)
    # Few corners at a time, so that points come near to the boundary too.
    weights = rng.exponential(size=(2 * _PAIRS, len(corners))) ** 3
    look()
    points = (weights / weights.sum(axis=1, keepdims=True)) @ corners
    points += rng.exponential(size=(2 * _PAIRS, len(rays))) @ rays
    return _with_near_pairs(points, rng)


def _with_near_pairs(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pull the second point of each pair towards the first, by a random share."""
    share = rng.choice([1.0, 0.5, 0.125], size=(len(points) // 2, 1))
    points[1::2] = points[0::2] + share * (points[1::2] - points[0::2])
    return points


def _box_points(chart: Chart, rng: np.random.Generator) -> np.ndarray | None:
    """Draw points of a box of many dimensions; None for other domains."""
    low, high = np.full(chart.dim, np.nan), np.full(chart.dim, np.nan)
    for row in chart.facets.to_float():
        used = np.flatnonzero(row[:-1])
        if len(used) != 1:
            return None
        axis = int(used[0])
        bound = -row[-1] / row[axis]
        (low if row[axis] > 0 else high)[axis] = bound
    if not np.isfinite([low, high]).all():
        return None
    share = rng.uniform(0.001, 0.999, size=(2 * _PAIRS, chart.dim))
    return _with_near_pairs(low + share * (high - low), rng)
