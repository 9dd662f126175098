"""Does a convex function have kinks? Halving finds them on random segments."""

from __future__ import annotations

import numpy as np

from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.touch_points import sample_domain

__all__ = ["has_kinks"]

_SEGMENTS, _HALVINGS = 48, 12
_JUMP = 0.02
"""What is left of the change of slope along a segment when it has shrunk to 2^-12: at a kink all of it."""


def has_kinks(problem: FitProblem) -> bool:
    """Whether the slope of the target jumps, or changes within a few thousandths of the domain."""
    drawn = sample_domain(problem, 2 * _SEGMENTS, np.random.default_rng(0))
    starts, ends = drawn[:_SEGMENTS], drawn[_SEGMENTS:]
    first = _bends(problem, starts, ends)
    length = 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (starts + ends)
        left, right = _bends(problem, starts, middle), _bends(problem, middle, ends)
        across = _bends(problem, 0.5 * (starts + middle), 0.5 * (middle + ends))
        best = np.argmax([left, right, across], axis=0)[:, None]
        starts, ends = (
            np.select([best == 0, best == 1], [starts, middle], 0.5 * (starts + middle)),
            np.select([best == 0, best == 1], [middle, ends], 0.5 * (middle + ends)),
        )
        length /= 2
    # Changes of slope are differences of values over the length.
    left_over = (_bends(problem, starts, ends) - 8 * problem.noise) / length
    return bool((left_over > _JUMP * first.max()).any())


def _bends(problem: FitProblem, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the height of each chord above the function in the middle, shape (n,)."""
    chord = 0.5 * (problem.value(starts) + problem.value(ends))
    return chord - problem.value(0.5 * (starts + ends))
