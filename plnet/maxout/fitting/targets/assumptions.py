"""Checks that a callable is convex on its domain; they find witnesses, they do not prove."""

from __future__ import annotations

import numpy as np

from plnet.errors import NotConvexError, TargetError
from plnet.maxout.fitting.targets.fit_problem import EPS, FitProblem
from plnet.maxout.fitting.targets.touch_points import sample_domain

__all__ = ["assumptions_of", "check_convex"]

_PAIRS = 512
_GRID = 1025


def assumptions_of(problem: FitProblem) -> tuple[str, ...]:
    """Return what a certified error takes for granted about a callable."""
    target = problem.target
    found = []
    if not target.known_convex:
        found.append(f"{target.name} is convex on the domain (checked at pairs of points)")
    if problem.dim > 1 and problem.has_gradient and not target.known_convex:
        found.append("its gradient is a subgradient (checked at pairs of points)")
    found.append(f"its computed values are right to {target.roundoff:g} * 2^-52 of the largest value")
    return tuple(found)


def check_convex(problem: FitProblem, rng: np.random.Generator) -> None:
    """Raise where a target is seen not to be convex, or its gradient not to support it.

    Raises
    ------
    NotConvexError
        With two points between which the function lies above its chord.
    TargetError
        If the gradient is no subgradient at some point.
    """
    starts, ends = _pairs(problem, rng)
    share = rng.uniform(0.2, 0.8, (len(starts), 1))
    between = (1 - share) * starts + share * ends
    chord = (1 - share[:, 0]) * problem.value(starts) + share[:, 0] * problem.value(ends)
    bulge = problem.value(between) - chord
    worst = int(bulge.argmax())
    tolerance = 4 * problem.noise
    if bulge[worst] > tolerance:
        raise NotConvexError(
            f"{problem.target.name} is not convex: at {_text(between[worst])} it lies {bulge[worst]:.3g} "
            f"above its chord from {_text(starts[worst])} to {_text(ends[worst])}. A maximum of affine "
            "functions is convex. Restrict the domain to where the function is convex, or fit samples "
            "of it: fit_max_affine((X, y), pieces).",
            (between[worst], starts[worst], ends[worst]),
        )
    if problem.has_gradient:
        _check_gradient(problem, starts, ends)


def _check_gradient(problem: FitProblem, starts: np.ndarray, ends: np.ndarray) -> None:
    slopes = problem.gradient(starts)
    finite = np.isfinite(slopes).all(axis=1)
    starts, ends, slopes = starts[finite], ends[finite], slopes[finite]
    rise = ((ends - starts) * slopes).sum(axis=1)
    excess = problem.value(starts) + rise - problem.value(ends)
    reach = np.abs(ends - starts).max(axis=1) * np.abs(slopes).sum(axis=1)
    tolerance = 8 * problem.noise + 64 * EPS * reach
    worst = int((excess - tolerance).argmax())
    if excess[worst] > tolerance[worst]:
        raise TargetError(
            f"The gradient of {problem.target.name} at {_text(starts[worst])} is no subgradient: its "
            f"tangent lies {excess[worst]:.3g} above the function at {_text(ends[worst])}. Check the "
            "gradient, or leave it out."
        )


def _pairs(problem: FitProblem, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs far apart and pairs close together; in one dimension also all neighbours of a grid."""
    drawn = sample_domain(problem, 3 * _PAIRS, rng)
    first, second, third = drawn[:_PAIRS], drawn[_PAIRS : 2 * _PAIRS], drawn[2 * _PAIRS :]
    close = third + 0.05 * (second - third)
    starts, ends = [first, third], [second, close]
    if problem.dim == 1:
        grid = np.linspace(problem.vertices.min(), problem.vertices.max(), _GRID)[:, None]
        starts, ends = [*starts, grid[:-1], grid[:-4]], [*ends, grid[1:], grid[4:]]
    return np.concatenate(starts), np.concatenate(ends)


def _text(point: np.ndarray) -> str:
    return f"{point[0]:.6g}" if len(point) == 1 else "(" + ", ".join(f"{x:.6g}" for x in point) + ")"
