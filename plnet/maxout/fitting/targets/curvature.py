"""The curvature of a target: its rank, the integral of sqrt(det H), and the direction of a ridge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.integrate import quad

from plnet.errors import TargetError
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.touch_points import sample_domain

__all__ = ["Ridge", "curvature_integral", "curvature_rank", "ridge_of"]

_SINGULAR = 2.0**-40
"""Eigenvalues of a Hessian with diagonal 1 that rounding cannot tell from 0."""
_POINTS_OF_RANK = 4000
"""Points at which the rank is looked at."""
_POINTS_OF_RIDGE, _PARALLEL = 200, 1e-8
"""Points at which slopes are compared, and what of their differences is rounding."""
_NODES = {2: 7, 3: 5}
"""Gauss nodes for each coordinate of a box; 3 in more dimensions."""
_POINTS = 300_000
"""Most points of a quadrature, about."""
_ROUNDING = 1e-11
"""Estimated errors of an integral, as shares of it, that count as rounding."""
_ENOUGH = {2: _ROUNDING}
"""Relative error at which a quadrature ends; 1e-7 in more dimensions, where the limit has a wide bracket."""


def curvature_rank(problem: FitProblem) -> int:
    """Return the greatest rank of the Hessian in the coordinates of the domain, at many points.

    The tangents are a family of so many parameters, so the least errors fall like k^(-2/rank).
    """
    points = sample_domain(problem, _POINTS_OF_RANK, np.random.default_rng(0))
    values = np.linalg.eigvalsh(_normalised(_hessians(problem, points)))
    return int((values > _SINGULAR).sum(axis=1).max())


@dataclass(frozen=True, eq=False)
class Ridge:
    """A function of a single linear form, plus an affine function.

    Parameters
    ----------
    form : ndarray, shape (d,)
        Of length 1.
    ends : ndarray, shape (2, d)
        Vertices of the domain where the form is least and greatest.
    """

    form: np.ndarray
    ends: np.ndarray


def ridge_of(problem: FitProblem) -> Ridge | None:
    """Return the form of a ridge function; None where slopes at many points show that the target is none.

    Affine functions count as none.
    """
    if problem.dim == 1:
        return None
    slopes = problem.with_slopes(sample_domain(problem, _POINTS_OF_RIDGE, np.random.default_rng(0)))[1]
    sizes, forms = np.linalg.svd(slopes - slopes.mean(axis=0), full_matrices=False)[1:]
    if sizes[0] <= _PARALLEL * np.abs(slopes).max() or sizes[1] > _PARALLEL * sizes[0]:
        return None
    heights = problem.vertices @ forms[0]
    return Ridge(forms[0], problem.vertices[[heights.argmin(), heights.argmax()]])


def curvature_integral(problem: FitProblem) -> tuple[float, float]:
    """Return a bracket of the integral of sqrt(det H) over the domain, an interval or a box.

    It is 0 where H is singular everywhere. Places where H is singular up to rounding count in the upper end
    only. Both ends are equal where the estimated error of the quadrature is that of rounding.

    Raises
    ------
    TargetError
        If the domain is neither an interval nor a box.
    """
    low, high = problem.vertices.min(axis=0), problem.vertices.max(axis=0)
    if problem.dim == 1:

        def density(place: float) -> float:
            return float(_densities(problem, np.array([[place]]))[0, 1])

        # With the full output scipy does not warn where rounding keeps it from so small an error.
        found = quad(density, low[0], high[0], epsabs=0, epsrel=1e-13, limit=200, full_output=1)
        return _widened(np.full(2, found[0]), found[1])
    corners = ((problem.vertices == low) | (problem.vertices == high)).all()
    if len(problem.vertices) != 2**problem.dim or not corners:
        raise TargetError("The limit is computed on intervals and boxes only. Give a Box.")
    if curvature_rank(problem) < problem.dim:
        return 0.0, 0.0
    return _cubature(problem, low, high)


def _cubature(problem: FitProblem, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Cut boxes into 2^d parts until Gauss's rule on the parts agrees with that on the whole."""
    d = problem.dim
    corners = np.array(list(product([0.0, 0.5], repeat=d)))
    starts, extent = low[None], high - low
    coarse = _gauss(problem, starts, extent)
    total, error, points = np.zeros(2), 0.0, 0
    while len(starts):
        extent = extent / 2
        parts = (starts[:, None] + 2 * extent * corners).reshape(-1, d)
        fine = _gauss(problem, parts, extent)
        points += len(parts) * _NODES.get(d, 3) ** d
        sums = fine.reshape(len(starts), 2**d, 2).sum(axis=1)
        missed = np.abs(sums - coarse).max(axis=1)
        bound = _ENOUGH.get(d, 1e-7) * (total + sums.sum(axis=0))[1]
        order = missed.argsort()
        closed = np.zeros(len(starts), dtype=bool)
        # The boxes with the smallest errors are done, which leaves half of the bound to the others.
        closed[order] = error + missed[order].cumsum() <= bound / 2
        closed |= points + 2**d * (~closed).sum() * 2**d * _NODES.get(d, 3) ** d > _POINTS
        total, error = total + sums[closed].sum(axis=0), error + float(missed[closed].sum())
        still = np.repeat(~closed, 2**d)
        starts, coarse = parts[still], fine[still]
    return _widened(total, error)


def _widened(integral: np.ndarray, error: float) -> tuple[float, float]:
    loose = error if error > _ROUNDING * integral[1] else 0.0
    return max(float(integral[0]) - loose, 0.0), float(integral[1]) + loose


def _gauss(problem: FitProblem, starts: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return both ends of the integral over each box, shape (n, 2)."""
    shares, weights = _rule(_NODES.get(problem.dim, 3), problem.dim)
    points = (starts[:, None] + shares * extent).reshape(-1, problem.dim)
    densities = _densities(problem, points).reshape(len(starts), -1, 2)
    return np.prod(extent) * np.einsum("npe,p->ne", densities, weights)


def _rule(nodes: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes (n^d, d) and weights (n^d,) of Gauss's rule on the unit cube."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    axes = np.meshgrid(*[(places + 1) / 2] * dim, indexing="ij")
    shares = np.stack([axis.ravel() for axis in axes], axis=1)
    return shares, np.prod(np.meshgrid(*[weights / 2] * dim, indexing="ij"), axis=0).ravel()


def _densities(problem: FitProblem, points: np.ndarray) -> np.ndarray:
    """Return sqrt(det H) from below and from above, shape (n, 2)."""
    hessians = _hessians(problem, points)
    # A determinant that rounding cannot tell from 0 counts in the upper end only.
    determinants = np.linalg.det(_normalised(hessians))
    diagonals = np.maximum(np.diagonal(hessians, axis1=1, axis2=2), 0.0)
    found = np.sqrt(np.maximum(determinants, 0.0)) * np.prod(np.sqrt(diagonals), axis=1)
    return np.column_stack([np.where(determinants > _SINGULAR, found, 0.0), found])


def _hessians(problem: FitProblem, points: np.ndarray) -> np.ndarray:
    """Return the Hessian in the coordinates of the domain, shape (n, d, d)."""
    assert problem.target.hessian is not None
    directions = problem.chart.directions
    hessian = problem.target.hessian(problem.chart.embed(points))
    return np.einsum("ji,njk,kl->nil", directions, hessian, directions)


def _normalised(matrices: np.ndarray) -> np.ndarray:
    """Scale the coordinates so that the diagonals are 1, or 0 where they are 0."""
    lengths = np.sqrt(np.maximum(np.diagonal(matrices, axis1=1, axis2=2), 0.0))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return matrices * scale[:, :, None] * scale[:, None, :]
