"""Least-squares fits of a callable: on points of its domain, and by quadrature in one dimension."""

from __future__ import annotations

import numpy as np

from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.samples import Samples, fit_least_squares
from plnet.maxout.fitting.targets.touch_points import sample_domain

__all__ = ["fit_domain_least_squares", "root_mean_square"]

_NODES = 12
"""Gauss nodes for each part of an interval."""


def fit_domain_least_squares(
    problem: FitProblem, pieces: int, effort: Effort
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return slopes (k, d), offsets (k,) and the root of the mean squared error over the domain.

    In one dimension the integrals are those of Gauss's rule on each part, and the error is that of
    the rule; else they are means over random points of the domain, and the error is an estimate on
    fresh ones.
    """
    low, high = float(problem.vertices.min()), float(problem.vertices.max())
    if problem.dim == 1:
        cloud = np.linspace(low, high, max(2001, 100 * pieces))[:, None]
    else:
        cloud = sample_domain(problem, max(4000, 300 * pieces * (problem.dim + 1)), effort.rng)
    samples = Samples(cloud, problem.value(cloud))
    slopes, offsets = fit_least_squares(samples, pieces, effort)
    if problem.dim == 1:
        slopes, offsets = _by_quadrature(problem, slopes, offsets, low, high)
    return slopes, offsets, root_mean_square(problem, slopes, offsets, effort.rng)


def root_mean_square(
    problem: FitProblem, slopes: np.ndarray, offsets: np.ndarray, rng: np.random.Generator
) -> float:
    """Return the root mean square of f - g: by quadrature for d = 1, else over random points."""
    if problem.dim > 1:
        cloud = sample_domain(problem, 20_000, rng)
        errors = problem.value(cloud) - (cloud @ slopes.T + offsets).max(axis=1)
        return float(np.sqrt((errors**2).mean()))
    low, high = float(problem.vertices.min()), float(problem.vertices.max())
    knots = _knots(slopes[:, 0], offsets, low, high)
    points, weights = _gauss(knots)
    errors = problem.value(points.reshape(-1, 1)) - (points.reshape(-1, 1) @ slopes.T + offsets).max(axis=1)
    return float(np.sqrt((weights.ravel() * errors**2).sum() / (high - low)))


def _by_quadrature(
    problem: FitProblem, slopes: np.ndarray, offsets: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Alternate between the best lines on the parts and the parts of the greatest lines, to rest."""
    best, loss = (slopes, offsets), np.inf
    for _ in range(500):
        knots = _knots(slopes[:, 0], offsets, low, high)
        points, weights = _gauss(knots)
        values = problem.value(points.reshape(-1, 1)).reshape(points.shape)
        middle = (points * weights).sum(axis=1) / weights.sum(axis=1)
        away = points - middle[:, None]
        slope = (weights * away * values).sum(axis=1) / (weights * away**2).sum(axis=1)
        level = (weights * values).sum(axis=1) / weights.sum(axis=1)
        slopes, offsets = slope[:, None], level - slope * middle
        errors = values - (points[..., None] * slope + offsets).max(axis=2)
        value = float((weights * errors**2).sum())
        if value < loss * (1 - 1e-14):
            best, loss = (slopes, offsets), value
        else:
            break
    return best


def _knots(slopes: np.ndarray, offsets: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the ends of the parts of [low, high] on which one line is greatest."""
    order = np.lexsort((offsets, slopes))
    chain: list[tuple[float, float, float]] = []
    for i in order.tolist():
        start = low
        while chain:
            slope, offset, begin = chain[-1]
            if slopes[i] == slope:
                chain.pop()
                continue
            start = (offset - offsets[i]) / (slopes[i] - slope)
            if start > begin:
                break
            chain.pop()
        start = low if not chain else start
        chain.append((float(slopes[i]), float(offsets[i]), float(start)))
    inner = [begin for _, _, begin in chain[1:] if low < begin < high]
    return np.array([low, *inner, high])


def _gauss(knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half, middle = np.diff(knots) / 2, (knots[1:] + knots[:-1]) / 2
    return middle[:, None] + half[:, None] * nodes, half[:, None] * weights
