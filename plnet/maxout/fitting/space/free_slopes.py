"""Sup-norm fits with free slopes: linear programs over the pieces that are active at points of the domain.

The tangents of a function with kinks are not all of its supporting planes, so touch points alone do not
describe its best fits. Here each piece is any affine function below the target. A fit is made for finitely
many points, whose linear programs bound the error from below; the points where a piece leaves the target, and
where the error is greatest, join them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plnet.budgets import Deadline
from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.error.bracket import above_one, summit
from plnet.maxout.fitting.error.graph import clipped_graph
from plnet.maxout.fitting.space.point_fit import best_lower_pieces, lifted_offsets, lower_error, lower_piece
from plnet.maxout.fitting.space.slope_refinement import refine_slopes
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.samples import Samples
from plnet.maxout.fitting.targets.touch_points import sample_domain

__all__ = ["LowerFit", "best_free_slopes", "lower_fit"]

_ROUNDS, _STALLED, _FEW = 25, 2, 12
"""Exchanges of one fit, how many of them may bring nothing, and tangents that tell where a piece touches."""
_CLOUD = 60
"""Points for each piece, about."""
_ENOUGH = 1e-10
"""Relative distance from the bound of a linear program at which a single piece is best."""


@dataclass(frozen=True, eq=False)
class LowerFit:
    """Affine functions that touch the target from below, up to rounding.

    Parameters
    ----------
    slopes : ndarray, shape (k, d)
    offsets : ndarray, shape (k,)
    touching : ndarray, shape (k, d)
        Where each piece touches.
    worst : ndarray, shape (m, d)
        Where the target lies highest above all of them.
    error : float
        How high.
    """

    slopes: np.ndarray
    offsets: np.ndarray
    touching: np.ndarray
    worst: np.ndarray
    error: float


def lower_fit(
    problem: FitProblem, samples: Samples, slopes: np.ndarray, deadline: Deadline, *, bends: bool
) -> LowerFit | None:
    """Return the highest pieces with these slopes below the target; None where rounding hides them.

    Parameters
    ----------
    problem : FitProblem
    samples : Samples
        Values of the target, for a first guess of where a piece touches it.
    slopes : ndarray, shape (k, d)
    deadline : Deadline
    bends : bool
        Whether the target has kinks: then tangents tell where a piece touches, else a local search.
    """
    near = samples.points[(samples.points @ slopes.T - samples.values[:, None]).argmax(axis=0)]
    touching = np.array(
        [
            above_one(problem, (slope, 0.0), hint, problem.noise, deadline, _FEW)[2]
            if bends
            else problem.clipped(summit(problem, slope, hint, deadline)[None], problem.middle[None])[0]
            for slope, hint in zip(slopes, near, strict=True)
        ]
    )
    offsets = problem.value(touching) - (slopes * touching).sum(axis=1)
    found = clipped_graph(problem, slopes, offsets)
    if found is None:
        return None
    _, places, errors = found
    worst = places[errors >= 0.5 * errors.max()]
    return LowerFit(slopes, offsets, touching, np.unique(worst, axis=0), float(errors.max()))


def best_free_slopes(
    problem: FitProblem, pieces: int, slopes: np.ndarray, effort: Effort, *, bends: bool
) -> LowerFit | None:
    """Return the best fit with free slopes, from these slopes and from fits to points of the domain."""
    cloud = sample_domain(problem, _CLOUD * pieces + 100, effort.rng)
    points = np.unique(np.concatenate([problem.vertices, cloud, problem.middle[None]]), axis=0)
    samples = Samples(points, problem.value(points))
    best = _exchanged(problem, samples, slopes, effort.deadline, bends=bends)
    if pieces > 1 and not effort.deadline.passed:
        slopes = best_lower_pieces(samples, pieces, effort.share(4))
        best = _lower_of(best, _exchanged(problem, samples, slopes, effort.deadline, bends=bends))
    return best


def _lower_of(first: LowerFit | None, second: LowerFit | None) -> LowerFit | None:
    if first is None or second is None:
        return first or second
    return first if first.error <= second.error else second


def _exchanged(
    problem: FitProblem, samples: Samples, slopes: np.ndarray, deadline: Deadline, *, bends: bool
) -> LowerFit | None:
    """Make a fit better with more and more points."""
    here = lower_fit(problem, samples, slopes, deadline, bends=bends)
    best, stalled = here, 0
    for _ in range(_ROUNDS):
        if here is None or best is None or deadline.passed:
            break
        points = np.unique(np.concatenate([samples.points, here.touching, here.worst]), axis=0)
        samples = Samples(points, problem.value(points))
        slopes = _active_programs(samples, here, deadline)
        if len(slopes) > 1:
            slopes = refine_slopes(problem, samples, slopes, 10, deadline)
        bound = lower_error(samples, slopes, lifted_offsets(samples, slopes))
        here = lower_fit(problem, samples, slopes, deadline, bends=bends)
        gain = 0.0 if here is None else 1 - here.error / max(best.error, 1e-300)
        best = _lower_of(best, here)
        stalled = 0 if gain > 1e-6 else stalled + 1
        proved = len(slopes) == 1 and best is not None and best.error <= bound * (1 + _ENOUGH)
        if stalled >= _STALLED or proved:
            break
    return best


def _active_programs(samples: Samples, here: LowerFit, deadline: Deadline) -> np.ndarray:
    """Return the slopes of the best pieces below all values for the points at which each piece is active."""
    owner = (samples.points @ here.slopes.T + here.offsets).argmax(axis=1)
    return np.array(
        [
            lower_piece(samples, np.flatnonzero(owner == i), deadline) if (owner == i).any() else slope
            for i, slope in enumerate(here.slopes)
        ]
    )
