"""A callable read as a problem, after a check of its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plnet.errors import TargetError
from plnet.maxout.fitting.targets.catalogue import Target
from plnet.maxout.fitting.targets.fit_problem import FitProblem, bounded_chart

__all__ = ["read_callable"]

_CLOSE = 3e-5
"""Distance of points that are close, as a share of that to the middle of the domain."""
_LARGEST = 1e150
"""Values above it overflow when they are multiplied."""


def read_callable(target: Callable[..., Any] | Target, domain: Any) -> FitProblem:
    """Return the problem of a callable on a domain, after a check of its values.

    A plain function takes points (n, d); its dimension is that of the domain, and 1 for a box of numbers.

    Raises
    ------
    TargetError
        If the function is not vectorised, has no finite values or is not defined on the domain.
    """
    if not isinstance(target, Target):
        dim = getattr(domain, "dim", None) or 1
        if hasattr(domain, "directions"):
            dim = domain.directions.shape[1]
        elif hasattr(domain, "start"):
            dim = len(domain.start)
        target = Target(target, dim, name=getattr(target, "__name__", "the target"))
    chart = bounded_chart(domain, target.dim, target.name)
    problem = FitProblem(target, chart)
    _check_range(problem)
    _check_size(problem)
    _check_vectorised(problem)
    _check_noise(problem)
    return problem


def _check_range(problem: FitProblem) -> None:
    inputs = problem.chart.embed(problem.vertices)
    low, high = problem.target.low, problem.target.high
    if inputs.min() < low or inputs.max() > high:
        raise TargetError(
            f"{problem.target.name} is defined for coordinates between {low} and {high}, but the domain goes "
            f"from {inputs.min()} to {inputs.max()}. Give a smaller domain."
        )


def _check_size(problem: FitProblem) -> None:
    if problem.scale > _LARGEST:
        raise TargetError(
            f"Values of {problem.target.name} reach {problem.scale:.2g}; more than {_LARGEST:g} overflows in "
            "the fit. Divide the function by a constant."
        )


def _check_vectorised(problem: FitProblem) -> None:
    share = np.array([[0.25], [0.5], [0.8125]])
    points = (1 - share) * problem.vertices[0] + share * problem.middle
    together = problem.value(points)
    alone = np.concatenate([problem.value(points[i : i + 1]) for i in range(len(points))])
    tolerance = 1e-9 * np.abs(together).max()
    if np.abs(together - alone).max() > tolerance:
        raise TargetError(
            f"{problem.target.name} gives other values for several points than for each alone. Expected a "
            "function of rows: points of shape (n, d) to values of shape (n,)."
        )


def _check_noise(problem: FitProblem) -> None:
    """Raise where values at points close together scatter more than their roundoff around a cubic."""
    shares = np.linspace(0.05, 0.9, 15)[:, None, None]
    starts = ((1 - shares) * problem.vertices[:3] + shares * problem.middle).reshape(-1, 1, problem.dim)
    places = np.sort(np.arange(1, 13) * 0.6180339887 % 1)
    # Towards the middle, so that all points lie in the domain.
    points = starts + _CLOSE * places[:, None] * (problem.middle - starts)
    values = problem.value(points.reshape(-1, problem.dim)).reshape(len(starts), -1)
    basis = np.linalg.qr(np.vander(places, 4))[0]
    centred = values - values[:, :1]
    scatter = np.abs(centred - centred @ basis @ basis.T).max(axis=1)
    # A few kinks are allowed.
    typical = float(np.median(scatter))
    if typical > 4 * problem.noise:
        raise TargetError(
            f"Values of {problem.target.name} jump by {typical:.2g} between points very close together, more "
            f"than the roundoff {problem.noise:.2g} that a certified error takes for granted. "
            "Compute in float64, or give a Target with a larger roundoff."
        )
