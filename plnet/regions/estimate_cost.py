"""A rough forecast of the number of regions and of the time an engine takes."""

from __future__ import annotations

from plnet.regions.choice import upper_bound
from plnet.regions.problem import Problem

__all__ = ["expected_cost"]

_SPEED = {"line": 5e5, "cells": 5e5, "rational": 3e3}
"""Regions per second on one core, of the order measured by the benchmarks."""


def expected_cost(problem: Problem, engine: str) -> tuple[float, float]:
    """Return the expected number of regions and of seconds.

    Random networks have about (number of units)^d / d! regions on a domain of dimension d,
    whatever their depth.

    References
    ----------
    Hanin and Rolnick (2019), Deep ReLU Networks Have Surprisingly Few Activation Patterns,
    Theorem 5.
    """
    units, d = problem.network.n_units, problem.dim
    regions = min(1 + units**d // (1 if d < 2 else 2), upper_bound(problem))
    return float(regions), regions / _SPEED[engine]
