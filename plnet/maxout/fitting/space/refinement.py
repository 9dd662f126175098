"""Sup-norm refinement of touch points: linear programs make the greatest error at the vertices of g smaller.

An error at a vertex v of g changes with the pieces that meet there: d (f - g)(v) = - sum_i weight_i
* (v - p_i)' H(p_i) dp_i, where the weights express grad f(v) by the slopes that meet at v and the
normals of the domain's facets there. A linear program moves all touch points within a trust region
so that the greatest linearised error becomes least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from plnet.budgets import Deadline
from plnet.maxout.fitting.error.graph import FloatGraph, clipped_graph, tight_rows
from plnet.maxout.fitting.space.programs import solved
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.touch_points import tangents

__all__ = ["Covering", "covering", "refine"]

_ACTIVE = 0.6
"""Vertices with at least this share of the greatest error enter the linear program."""
_STEEPEST = 1e8
"""Vertices whose error would change faster than this are left to the trust region."""


@dataclass(frozen=True, eq=False)
class Covering:
    """Touch points and the errors of their tangents.

    Parameters
    ----------
    points : ndarray, shape (k, d)
    graph : FloatGraph
        Vertices of the maximum of the tangents.
    errors : ndarray, shape (v,)
        The target minus the maximum, at the vertices.
    """

    points: np.ndarray
    graph: FloatGraph
    errors: np.ndarray

    @property
    def error(self) -> float:
        """Greatest error of the lower fit."""
        return float(self.errors.max())


def covering(problem: FitProblem, points: np.ndarray) -> Covering | None:
    """Return the errors of the tangents at some points; None where floating point does not suffice."""
    slopes, offsets = tangents(problem, points)
    found = clipped_graph(problem, slopes, offsets)
    return None if found is None else Covering(points, found[0], found[2])


def refine(problem: FitProblem, points: np.ndarray, rounds: int, deadline: Deadline) -> Covering | None:
    """Return touch points with a smaller greatest error.

    Parameters
    ----------
    problem : FitProblem
    points : ndarray, shape (k, d)
    rounds : int
        Most linear programs.
    deadline : Deadline

    Returns
    -------
    Covering or None
        None where the start is too degenerate for floating point.

    Notes
    -----
    The error never grows. Ends where the trust region is small: a local optimum up to about 1e-9.
    """
    here = covering(problem, points)
    if here is None:
        return None
    radius = 0.5 * problem.diameter / len(points) ** (1 / problem.dim)
    smallest = 1e-10 * problem.diameter
    relocations = len(points)
    for _ in range(rounds):
        if deadline.passed:
            break
        idle = np.setdiff1d(np.arange(len(points)), here.graph.tight)
        if len(idle) and relocations:
            relocations -= 1
            here = _relocated(problem, here, int(idle[0])) or here
        found = _step(problem, here, radius, deadline)
        if found is None:
            break
        step, expected = found
        there = covering(problem, problem.clipped(here.points + step, here.points))
        gain = here.error - (there.error if there is not None else np.inf)
        if there is not None and gain > 0:
            here = there
            ratio = gain / max(expected, 1e-300)
            radius = radius * (1.5 if ratio > 0.7 else 1.0 if ratio > 0.3 else 0.5)
            if gain <= 1e-12 * here.error:
                break
        else:
            radius = min(radius, float(np.abs(step).max()) or radius) / 3
        if radius < smallest or expected <= 1e-13 * here.error:
            break
    return here


def _relocated(problem: FitProblem, here: Covering, piece: int) -> Covering | None:
    points = here.points.copy()
    worst = here.graph.points[here.errors.argmax()][None]
    points[piece] = problem.clipped(worst, problem.middle[None])[0]
    there = covering(problem, points)
    return there if there is not None and there.error <= here.error else None


def _step(
    problem: FitProblem, here: Covering, radius: float, deadline: Deadline
) -> tuple[np.ndarray, float] | None:
    """Return the move of the touch points, shape (k, d), and the decrease that it promises."""
    k, d = here.points.shape
    if here.error <= problem.noise:
        return None
    active, owners, pieces, changes = _changes(
        problem, here, np.flatnonzero(here.errors >= _ACTIVE * here.error)
    )
    errors = here.errors[active]
    if not len(active):
        return None
    rows = np.repeat(owners, d)
    columns = (pieces[:, None] * d + np.arange(d)).ravel()
    unit = radius
    count = len(errors)
    entries = np.concatenate([changes.ravel() * unit / here.error, -np.ones(count)])
    where = (np.concatenate([rows, np.arange(count)]), np.concatenate([columns, np.full(count, k * d)]))
    table = csr_array((entries, where), shape=(count, k * d + 1))
    normals = problem.facets[:, :-1]
    room = np.maximum(here.points @ normals.T + problem.facets[:, -1], 0.0) / unit
    near = room < np.abs(normals).sum(axis=1)
    which, walls = np.nonzero(near)
    stay = csr_array(
        (
            -normals[walls].ravel(),
            (np.repeat(np.arange(len(which)), d), (which[:, None] * d + np.arange(d)).ravel()),
        ),
        shape=(len(which), k * d + 1),
    )
    limits = vstack([table, stay])
    right = np.concatenate([-errors / here.error, room[which, walls]])
    cost = np.append(np.zeros(k * d), 1.0)
    bounds = [(-1, 1)] * (k * d) + [(0, None)]
    found = solved(cost, limits, right, bounds, deadline)
    if found is None:
        return None
    return found.x[:-1].reshape(k, d) * unit, here.error * (1 - float(found.x[-1]))


def _changes(
    problem: FitProblem, here: Covering, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the vertices that can be differentiated, then owner, piece and derivative (d,) of each entry."""
    slopes = tangents(problem, here.points)[0]
    vertices, tight = here.graph.points[chosen], here.graph.tight[chosen]
    rows = tight_rows(problem, slopes, tight)
    wanted = problem.with_slopes(vertices + 1e-9 * (problem.middle - vertices))[1]
    right = np.column_stack([wanted, np.ones(len(chosen))])
    weights = _solved(rows.transpose(0, 2, 1), right)
    regular = np.abs(weights).max(axis=1) <= _STEEPEST
    chosen, vertices, tight, weights = chosen[regular], vertices[regular], tight[regular], weights[regular]
    owners, slots = np.nonzero(tight < len(slopes))
    pieces = tight[owners, slots]
    away = vertices[owners] - here.points[pieces]
    bent = _curved(problem, here.points[pieces], away)
    return chosen, owners, pieces, -weights[owners, slots][:, None] * bent


def _solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve small systems; infinity where one is singular."""
    regular = np.linalg.matrix_rank(matrices, rtol=1e-11) == matrices.shape[-1]
    found = np.full(right.shape, np.inf)
    found[regular] = np.linalg.solve(matrices[regular], right[regular][..., None])[..., 0]
    return found


def _curved(problem: FitProblem, points: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return the Hessian at points times vectors; at points of the border that of points close by."""
    middle = problem.middle
    if problem.target.hessian is not None:
        directions = problem.chart.directions
        hessian = problem.target.hessian(problem.chart.embed(points + 1e-9 * (middle - points)))
        return np.einsum("ji,njk,kl,nl->ni", directions, hessian, directions, away)
    points = points + 1e-4 * (middle - points)
    share = 1e-5 if problem.has_gradient else 1e-3
    ahead = problem.clipped(points + share * away, points)
    behind = problem.clipped(points - share * away, points)
    length = np.linalg.norm(ahead - behind, axis=1) / np.maximum(np.linalg.norm(away, axis=1), 1e-300)
    return (problem.gradient(ahead) - problem.gradient(behind)) / np.maximum(length, 1e-300)[:, None]
