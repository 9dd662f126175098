"""Where the tangents of a good lower fit touch the target: starting points.

The best max-affine function below a convex f consists of tangents: a piece below f on the domain can be
tilted and lifted to a tangent at a point of the domain that lies above it there. f minus the tangent
at p is the Bregman divergence D(x, p), so k touch points are wanted from which every point of
the domain is near: a covering problem, that of balls for f = |x|^2.

References
----------
Banerjee, Merugu, Dhillon and Ghosh (2005), "Clustering with Bregman divergences".
Magnani and Boyd (2009), "Convex piecewise-linear fitting".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.targets.fit_problem import FitProblem

__all__ = ["sample_domain", "starting_points", "tangents"]

_SAMPLE = 100
"""Points for each piece in the clustering of a start."""
_ATTEMPTS = 50
"""How often points of the box around a domain are drawn, 20 times as many as are wanted."""


def tangents(problem: FitProblem, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes (k, d) and offsets (k,) of the tangents at points of the domain."""
    points, slopes = problem.with_slopes(points)
    return slopes, problem.value(points) - (slopes * points).sum(axis=1)


def sample_domain(problem: FitProblem, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points from the domain, shape (size, d).

    Uniformly where the domain fills a thousandth of the box around it, else as random mixtures of
    its vertices.
    """
    low, spread = problem.vertices.min(axis=0), problem.spread
    normals, heights = problem.facets[:, :-1], problem.facets[:, -1]
    inside = np.empty((0, problem.dim))
    for _ in range(_ATTEMPTS):
        drawn = low + spread * rng.random((20 * size, problem.dim))
        inside = np.concatenate([inside, drawn[(drawn @ normals.T + heights >= 0).all(axis=1)]])
        if len(inside) >= size:
            return inside[:size]
    weights = rng.dirichlet(np.full(len(problem.vertices), 0.5), size)
    return weights @ problem.vertices


def starting_points(problem: FitProblem, pieces: int, effort: Effort) -> Iterator[np.ndarray]:
    """Yield touch points, each of shape (pieces, d).

    First a grid, then the far points of a clustering that takes the worst covered point again and
    again, then clusterings from random Voronoi cells. A cluster touches at its mean, which has the
    least sum of divergences.
    """
    rng = effort.rng
    if effort.starts > 1:
        yield _grid(problem, pieces, rng)
    for number in range(max(effort.starts - 1, 1)):
        cloud = sample_domain(problem, max(_SAMPLE * pieces, 400), rng)
        cloud = np.concatenate([cloud, problem.vertices]) if len(problem.vertices) <= len(cloud) else cloud
        values = problem.value(cloud)
        if number == 0:
            centres = _farthest(problem, cloud, values, pieces)
        else:
            centres = cloud[rng.choice(len(cloud), pieces, replace=False)]
        yield _clustered(problem, cloud, values, centres, rounds=4 if number == 0 else 12)


def _grid(problem: FitProblem, pieces: int, rng: np.random.Generator) -> np.ndarray:
    """Return the middles of equal boxes, moved a little so that not too many cells meet at one point."""
    counts = np.ones(problem.dim, dtype=np.int64)
    rest = pieces
    while rest > 1:
        prime = max(p for p in range(2, rest + 1) if rest % p == 0 and all(p % q for q in range(2, p)))
        counts[np.argmax(problem.spread / counts)] *= prime
        rest //= prime
    axes = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in counts], indexing="ij")
    places = np.stack([axis.ravel() for axis in axes], axis=1)
    places = places + 1e-3 * rng.standard_normal(places.shape) / counts
    points = problem.vertices.min(axis=0) + places * problem.spread
    return problem.clipped(points, np.broadcast_to(problem.middle, points.shape))


def _divergences(
    problem: FitProblem, cloud: np.ndarray, values: np.ndarray, centres: np.ndarray
) -> np.ndarray:
    slopes, offsets = tangents(problem, centres)
    return values[:, None] - (cloud @ slopes.T + offsets)


def _farthest(problem: FitProblem, cloud: np.ndarray, values: np.ndarray, pieces: int) -> np.ndarray:
    centres = cloud.mean(axis=0, keepdims=True)
    far = _divergences(problem, cloud, values, centres)[:, 0]
    while len(centres) < pieces:
        new = cloud[far.argmax()][None]
        centres = np.concatenate([centres, new])
        far = np.minimum(far, _divergences(problem, cloud, values, new)[:, 0])
    return centres


def _clustered(
    problem: FitProblem, cloud: np.ndarray, values: np.ndarray, centres: np.ndarray, rounds: int
) -> np.ndarray:
    centres = centres.copy()
    for _ in range(rounds):
        nearest = _divergences(problem, cloud, values, centres).argmin(axis=1)
        for i in np.unique(nearest):
            centres[i] = cloud[nearest == i].mean(axis=0)
    return centres
