"""Random networks of every shape that the representation can express, and domains to go with them.

Networks are in the raw format of the module `oracle`. Unlike those of `degenerate` they have layers without
an affine map in front, several affine maps in a row, groups that overlap or repeat an index, groups of
groups, skip connections by identity units, functions with up to five breakpoints, and weights of very
different sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import plnet
from plnet.geometry.domain import Domain

Layer = tuple

_FUNCTIONS = (
    ([0], [0, 1], 0),
    ([0], [0, 1], 0),
    ([0], [0, 1], 0),
    ([], [1], 0),
    ([], [-0.5], 0.25),
    ([0], [-1, 1], 0),
    ([0], [-2.5, 1], 0),
    ([0], [3.0, 1.0], 0),
    ([0], [0.01, 1], 0),
    ([-1, 1], [0, 1, 0], -1),
    ([-0.3, 0.1], [0, 1, 0], -0.3),
    ([0, 6], [0, 1, 0], 0),
    ([-1, -0.5, 0, 0.5, 1], [0.5, -1, 2, 0, -0.25, 1], 0.125),
    ([-0.7, -0.2, 0.1, 0.4, 0.9], [0.3, -1.1, 1.7, 0.2, -0.6, 0.9], 0.05),
)


def wild_network(rng: np.random.Generator, d: int) -> list[Layer]:
    """Draw a network with d inputs."""
    style = rng.choice(["integer", "dyadic", "float", "float", "sizes"])
    layers: list[Layer] = []
    width = d
    affine_next = bool(rng.random() < 0.8)
    for _ in range(int(rng.integers(1, 5))):
        for _ in range(int(rng.choice([1, 1, 1, 2])) if affine_next else 0):
            new = int(rng.integers(1, 7))
            layers.append(_affine(rng, new, width, style))
            width = new
        affine_next = bool(rng.random() < 0.8)
        if rng.random() < 0.7:
            layers.append(_scalar(rng, width))
        else:
            layers.append(_groups(rng, width))
            width = len(layers[-1][1])
    if rng.random() < 0.7:
        layers.append(_affine(rng, 2, width, style))
    return layers


def wild_domain(rng: np.random.Generator, d: int) -> tuple[Domain | None, int]:
    """Draw a domain of dimension d; return it and the number of inputs that it needs."""
    kind = rng.integers(8)
    if kind == 0:
        return None, d
    if kind <= 2:
        low = rng.integers(-4, 3, size=d) / rng.choice([1.0, 2.0, 3.0])
        return plnet.Box(low, low + rng.choice([1.0, 0.1, 4.0, 1e-3], size=d)), d
    if kind <= 5:
        return _polytope(rng, d), d
    n = int(rng.integers(d, 5))
    if d == 1 and rng.random() < 0.5:
        return plnet.Segment(rng.normal(size=n), rng.normal(size=n)), n
    if rng.random() < 0.5:
        return plnet.Slice.through(rng.normal(size=(d + 1, n)), margin=0.5), n
    directions = rng.integers(-2, 3, size=(d, n)) + 4 * np.eye(d, n)
    return plnet.Slice(rng.integers(-2, 3, size=n) / 4, directions, -1, rng.choice([0.5, 1.0, 3.0])), n


def _polytope(rng: np.random.Generator, d: int) -> plnet.Polytope:
    """Draw half-spaces around a point: halfplanes, strips, wedges, triangles, with repetitions."""
    n = int(rng.integers(1, 7))
    if rng.random() < 0.5:
        A = rng.integers(-3, 4, size=(n, d)).astype(float)
    else:
        A = rng.normal(size=(n, d))
    A[~A.any(axis=1), 0] = 1.0
    if rng.random() < 0.4:
        A[:, -1] *= 2.0 ** int(rng.integers(-12, 13))
    b = A @ (rng.integers(-3, 4, size=d) / 2) + rng.choice([1.0, 0.5, 1e-3, 3.0], size=n)
    if rng.random() < 0.3:
        pick = rng.integers(n, size=2)
        A, b = (
            np.concatenate([A, 2 * A[pick]]),
            np.concatenate([b, 2 * b[pick] + rng.choice([0.0, 1.0], size=2)]),
        )
    return plnet.Polytope(A, b)


def _affine(rng: np.random.Generator, n: int, fan_in: int, style: str) -> Layer:
    weight, bias = rng.normal(size=(n, fan_in)), rng.normal(size=n) * rng.choice([0.0, 0.3, 1.0])
    if style == "integer":
        weight, bias = rng.integers(-2, 3, size=(n, fan_in)), rng.integers(-2, 3, size=n)
    elif style == "dyadic":
        weight, bias = np.round(weight * 4) / 4, np.round(bias * 4) / 4
    elif style == "sizes":
        factor = 2.0 ** rng.choice([-100, -24, -3, 0, 0, 3, 24, 100])
        weight, bias = weight * factor, bias * factor
    if n > 1 and rng.random() < 0.3:
        i, j = rng.choice(n, size=2, replace=False)
        factor = rng.choice([1, -1, 2, -0.5])
        weight = weight.astype(float)
        weight[i], bias = weight[j] * factor, bias.astype(float)
        bias[i] = bias[j] * factor
    return ("affine", weight.tolist(), bias.tolist())


def _scalar(rng: np.random.Generator, n: int) -> Layer:
    if rng.random() < 0.4:
        return ("scalar", [_FUNCTIONS[int(rng.integers(len(_FUNCTIONS)))]] * n)
    return ("scalar", [_FUNCTIONS[int(i)] for i in rng.integers(len(_FUNCTIONS), size=n)])


def _groups(rng: np.random.Generator, n: int) -> Layer:
    groups: list[Sequence[int]] = []
    for _ in range(int(rng.integers(1, 5))):
        size = int(rng.integers(1, 9))
        groups.append(rng.integers(n, size=size).tolist())
    return ("max", groups)
