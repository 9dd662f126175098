"""Networks and exact expectations that several tests share."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import oracle

import plnet
from plnet.geometry.domain import Domain
from plnet.ir import Affine, GroupMax, LocalWinner, PLNetwork, ScalarPWL

Layer = tuple
Pattern = tuple[int, ...]
IDENTITY = ([], [1], 0)
RELU = ([0], [0, 1], 0)


def to_network(layers: Sequence[Layer], input_dim: int | None = None) -> PLNetwork:
    """Convert raw layers of the module `oracle` to a `PLNetwork`.

    Parameters
    ----------
    layers : sequence of tuple
        Numbers must be floats or integers that are floats.
    input_dim : int, optional
        Number of inputs; needed where the first layer is a maximum.
    """
    out: list[Any] = []
    width = oracle_dimension(layers) if input_dim is None else input_dim
    first = width
    for kind, *data in layers:
        if kind == "affine":
            weight, bias = data
            out.append(Affine(np.array(weight, dtype=np.float64), np.array(bias, dtype=np.float64)))
        elif kind == "scalar":
            parts = [ScalarPWL.uniform(1, points, slopes, anchor) for points, slopes, anchor in data[0]]
            out.append(ScalarPWL.concatenate(parts))
        else:
            (groups,) = data
            size = max(map(len, groups))
            # Padding in front keeps the last maximiser where it is.
            table = [[group[0]] * (size - len(group)) + list(group) for group in groups]
            out.append((LocalWinner if kind == "winners" else GroupMax)(np.array(table), width))
        width = out[-1].n_out
    return PLNetwork(tuple(out), first)


def he_network(widths: Sequence[int], seed: int, bias: float = 0.1, units: Any = ScalarPWL.relu) -> PLNetwork:
    """Return a network with Gaussian He weights, Gaussian biases, and an affine output.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden layers, outputs.
    seed : int
        Seed of a `numpy.random.RandomState`, whose stream never changes.
    bias : float
        Standard deviation of the biases.
    units : callable
        Number of units -> nonlinear layer.
    """
    rng = np.random.RandomState(seed)
    layers: list[Any] = []
    for fan_in, fan_out in pairwise(widths):
        weight = rng.randn(fan_out, fan_in) * np.sqrt(2.0 / fan_in)
        layers += [Affine(weight, bias * rng.randn(fan_out)), units(fan_out)]
    return PLNetwork(tuple(layers[:-1]), widths[0])


def cross() -> PLNetwork:
    """Return relu(x), relu(y): the four quadrants."""
    return PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), 2)


def on_slice(layers: Sequence[Layer], directions: Any, origin: Any) -> list[Layer]:
    """Return the network on ``origin + sum_i t_i directions[i]`` as a network in t, exactly."""
    columns = [[Fraction(x) for x in row] for row in np.asarray(directions, dtype=object).tolist()]
    weight = [list(entries) for entries in zip(*columns, strict=True)]
    return [("affine", weight, [Fraction(x) for x in np.asarray(origin, dtype=object).tolist()]), *layers]


def patterns_in_polytope(layers: Sequence[Layer], A: Any, b: Any) -> set[Pattern]:
    """Return the full-dimensional patterns in ``A x <= b`` by the oracle, bounded or not.

    The facets become units of a layer in front; where all of them are on is the polytope.
    """
    rows = [[Fraction(x) for x in row] for row in np.asarray(A).tolist()]
    d, f = len(rows[0]), len(rows)
    eye = [[Fraction(i == j) for j in range(d)] for i in range(d)]
    front = [
        (
            "affine",
            eye + [[-x for x in row] for row in rows],
            [0] * d + [Fraction(x) for x in np.asarray(b).tolist()],
        ),
        ("scalar", [IDENTITY] * d + [RELU] * f),
        ("affine", [row + [0] * f for row in eye], [0] * d),
    ]
    inside = (0,) * d + (1,) * f
    found = oracle.patterns_everywhere([*front, *layers], d)
    return {pattern[d + f :] for pattern in found if pattern[: d + f] == inside}


def proper(layers: Sequence[Layer], patterns: Any) -> set[Pattern]:
    """Return oracle patterns in the terms of `PLNetwork`.

    Units with one piece are left out, and places in a group count as in the padded groups of `to_network`.
    """
    shift, keep = [], []
    for kind, *data in layers:
        if kind == "scalar":
            shift += [0] * len(data[0])
            keep += [len(points) > 0 for points, _, _ in data[0]]
        elif kind in ("max", "winners"):
            size = max(map(len, data[0]))
            shift += [size - len(group) for group in data[0]]
            keep += [len(set(group)) > 1 for group in data[0]]
    return {tuple(p + s for p, s, k in zip(pattern, shift, keep, strict=True) if k) for pattern in patterns}


def pattern_set(patterns: np.ndarray) -> set[Pattern]:
    """Return the rows of a pattern array as a set of tuples."""
    return {tuple(row) for row in patterns.tolist()}


def expected_patterns(
    layers: Sequence[Layer], domain: Domain | None, input_dim: int | None = None
) -> set[Pattern]:
    """Return the full-dimensional patterns on any domain of dimension 1 or 2, by the oracle."""
    d = oracle_dimension(layers) if input_dim is None else input_dim
    if domain is None or isinstance(domain, plnet.Space):
        found = oracle.patterns_everywhere(layers, d)
    elif isinstance(domain, plnet.Box):
        low, high = (np.broadcast_to(side, (d,)).tolist() for side in (domain.low, domain.high))
        found = oracle.patterns(layers, low, high)
    elif isinstance(domain, plnet.Polytope):
        found = patterns_in_polytope(layers, domain.A, domain.b)
    elif isinstance(domain, plnet.Segment):
        start, end = ([Fraction(x) for x in side.tolist()] for side in (domain.start, domain.end))
        steps = [[b - a for a, b in zip(start, end, strict=True)]]
        found = oracle.patterns(on_slice(layers, steps, start), [0], [1])
    else:
        found = oracle.patterns(
            on_slice(layers, domain.directions, domain.origin), domain.low.tolist(), domain.high.tolist()
        )
    return proper(layers, found)


def oracle_dimension(layers: Sequence[Layer]) -> int:
    """Return the number of inputs of a raw network."""
    kind, *data = layers[0]
    return len(data[0][0]) if kind == "affine" else len(data[0])


def rational_points(rng, d, n=12):
    """Draw points with odd denominators, large and small, and some integers."""
    scale = rng.choice([1, 1000, 10**9], size=(n, 1))
    points = [
        [Fraction(int(x), 997) for x in row]
        for row in (rng.integers(-4000, 4001, size=(n, d)) * scale).tolist()
    ]
    return points + [[Fraction(int(x)) for x in row] for row in rng.integers(-3, 4, size=(4, d)).tolist()]
