"""A rough forecast of the number of regions and of the time an engine takes."""

from __future__ import annotations

from math import factorial, inf

from plnet.regions.engines.choice import upper_bound
from plnet.regions.problem import Problem, essential_dimension

__all__ = ["expected_cost"]

_SPEED = {
    "line": 5e5,
    "cells": 5e5,
    "search": 2e4,
    "rational": 3e3,
    "two_layer": 5e5,
    "arrangement": 4e6,
}
"""Regions per second on one core, of the order measured by the benchmarks."""

_SECONDS_PER_PRODUCT = 4e-10
"""The forms behind a large layer take longer than anything else."""


def expected_cost(problem: Problem, engine: str) -> tuple[float, float]:
    """Return the expected number of regions and of seconds; inf beyond the range of floats.

    Random networks have about (number of units)^d / d! regions on a domain of dimension d,
    whatever their depth, as long as every pattern of the first layer need not occur anyway.
    In large layers the products of the affine maps decide about the time. From dimension 3 on
    `cells` slows down with the number of vertices, about 2.5 times for each.

    References
    ----------
    Hanin and Rolnick (2019), Deep ReLU Networks Have Surprisingly Few Activation Patterns,
    Theorem 5.
    """
    units, d = problem.network.n_units, essential_dimension(problem)
    regions = min(1 + units**d // factorial(d), upper_bound(problem))
    speed = _SPEED[engine]
    if engine in ("cells", "rational") and d > 4:
        speed /= 2.5 ** (d - 4)
    slowest = 1 / speed
    if engine in ("line", "cells"):
        slowest = max(slowest, _SECONDS_PER_PRODUCT * _products(problem))
    try:
        return float(regions), float(regions) * slowest
    except OverflowError:
        return inf, inf


def _products(problem: Problem) -> int:
    """Return the number of products in all affine layers behind the first nonlinear one."""
    return sum(layer.n_out * layer.n_terms for block in problem.blocks[1:] for layer in block.affine)
