"""Sup-norm refinement of the slopes of a fit below a piecewise-linear convex function.

Such a target has no Hessian, so the slopes themselves are moved. A piece stays below the target if
it does so at the finitely many vertices of the target's graph, which are constraints of the linear
program; the errors at the vertices of the fit's graph are linearised in slopes and offsets as in
`refinement`.
"""

from __future__ import annotations

import numpy as np

from plnet.budgets import Deadline
from plnet.maxout.fitting.error.graph import FloatGraph, clipped_graph, tight_rows
from plnet.maxout.fitting.space.point_fit import lifted_offsets
from plnet.maxout.fitting.space.programs import solved
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.samples import Samples

__all__ = ["refine_slopes"]


def refine_slopes(
    problem: FitProblem, corners: Samples, slopes: np.ndarray, rounds: int, deadline: Deadline
) -> np.ndarray:
    """Return slopes (k, d) of a lower fit with a smaller greatest error.

    Parameters
    ----------
    problem : FitProblem
        A piecewise-linear convex target.
    corners : Samples
        The vertices of its graph over the domain.
    slopes : ndarray, shape (k, d)
    rounds : int
        Most linear programs.
    deadline : Deadline
    """
    here = _errors(problem, corners, slopes)
    radius = 0.5 * float(np.ptp(slopes, axis=0).max()) or 1.0
    smallest = 1e-12 * radius
    for _ in range(rounds):
        if here is None or radius < smallest or deadline.passed:
            break
        graph, errors = here
        found = solved(*_program(problem, corners, slopes, graph, errors, radius), deadline)
        if found is None or not found.x[-1] < errors.max():
            break
        step = found.x[:-1].reshape(len(slopes), -1)[:, :-1]
        there = _errors(problem, corners, slopes + step)
        if there is not None and there[1].max() < errors.max() * (1 - 1e-13):
            slopes, here = slopes + step, there
            radius *= 1.5
        else:
            radius = min(radius, float(np.abs(step).max()) or radius) / 3
    return slopes


def _errors(
    problem: FitProblem, corners: Samples, slopes: np.ndarray
) -> tuple[FloatGraph, np.ndarray] | None:
    found = clipped_graph(problem, slopes, lifted_offsets(corners, slopes))
    return None if found is None else (found[0], found[2])


def _program(
    problem: FitProblem,
    corners: Samples,
    slopes: np.ndarray,
    graph: FloatGraph,
    errors: np.ndarray,
    radius: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[float | None, float | None]]]:
    """Return cost, limits, right-hand side and bounds of the program for steps of slopes and offsets."""
    k, d = slopes.shape
    top = float(errors.max())
    active = np.flatnonzero(errors >= 0.5 * top)
    weights = _weights(problem, slopes, graph.points[active], graph.tight[active])
    size = (d + 1) * k + 1
    drops = np.zeros((len(active), size))
    for row, (point, tight, weight) in enumerate(
        zip(graph.points[active], graph.tight[active], weights, strict=True)
    ):
        for piece, share in zip(tight.tolist(), weight.tolist(), strict=True):
            if piece < k:
                drops[row, piece * (d + 1) : (piece + 1) * (d + 1)] -= share * np.append(point, 1.0)
    drops[:, -1] = -1.0
    offsets = lifted_offsets(corners, slopes)
    slack = corners.values[:, None] - corners.points @ slopes.T - offsets
    reach = radius * np.abs(corners.points).sum(axis=1).max() + top
    near, piece = np.nonzero(slack <= 2 * reach)
    stays = np.zeros((len(near), size))
    for j in range(d + 1):
        stays[np.arange(len(near)), piece * (d + 1) + j] = corners.design[near, j]
    cost = np.zeros(size)
    cost[-1] = 1.0
    box = [*[(-radius, radius)] * d, (None, None)] * k + [(0, None)]
    limits = np.vstack([drops, stays])
    right = np.concatenate([-errors[active], slack[near, piece]])
    return cost, limits, right, box


def _weights(problem: FitProblem, slopes: np.ndarray, points: np.ndarray, tight: np.ndarray) -> np.ndarray:
    """Return with which weights the slopes that meet at each vertex give a subgradient of the target."""
    rows = tight_rows(problem, slopes, tight)
    wanted = np.column_stack([problem.gradient(points), np.ones(len(points))])
    found = (np.linalg.pinv(rows.transpose(0, 2, 1)) @ wanted[..., None])[..., 0]
    found[np.abs(found).max(axis=1) > 1e6] = 0.0
    return found
