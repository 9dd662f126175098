"""Samples (X, y): checks, exact errors, and least squares."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from plnet.errors import DimensionError, TargetError
from plnet.geometry.exact import to_fractions
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.results import ErrorBracket

__all__ = ["Samples", "fit_least_squares", "read_samples", "sample_errors"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Values at points.

    Parameters
    ----------
    points : ndarray, shape (n, d)
    values : ndarray, shape (n,)
    """

    points: np.ndarray
    values: np.ndarray

    @property
    def dim(self) -> int:
        """Dimension d."""
        return self.points.shape[1]

    @cached_property
    def design(self) -> np.ndarray:
        """Points with a column of ones, shape (n, d + 1)."""
        return np.column_stack([self.points, np.ones(len(self.points))])


def read_samples(x: Any, y: Any, *, repeated: bool) -> Samples:
    """Return checked samples.

    Parameters
    ----------
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n,)
    repeated : bool
        Whether one point may have several values, as in regression.

    Raises
    ------
    DimensionError
        If the shapes do not fit.
    TargetError
        If there is no sample, a number is not finite, or a point has two values.
    """
    points, values = _numbers(x, "X"), _numbers(y, "y")
    if points.ndim == 1:
        points = points[:, None]
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if points.ndim != 2 or values.ndim != 1 or len(points) != len(values) or points.shape[1] == 0:
        raise DimensionError(
            f"Expected samples X of shape (n, d) and y of shape (n,), got {points.shape} and {values.shape}."
        )
    if not len(points):
        raise TargetError("There are no samples: X and y are empty. Give at least one.")
    for name, array in (("X", points), ("y", values)):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            raise TargetError(
                f"{name} has {array[tuple(bad[0])]} in row {bad[0][0]}, and {len(bad)} entries "
                "that are not finite in all. Remove these samples."
            )
    if not repeated:
        _check_no_contradiction(points, values)
    return Samples(points, values)


def _numbers(values: Any, name: str) -> np.ndarray:
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.dtype.kind not in "fiub":
        raise TargetError(f"Expected numbers as {name}, got dtype {array.dtype}.")
    return array.astype(np.float64)


def _check_no_contradiction(points: np.ndarray, values: np.ndarray) -> None:
    order = np.lexsort(points.T)
    same = (points[order[1:]] == points[order[:-1]]).all(axis=1)
    wrong = np.flatnonzero(same & (values[order[1:]] != values[order[:-1]]))
    if len(wrong):
        i, j = sorted((int(order[wrong[0]]), int(order[wrong[0] + 1])))
        raise TargetError(
            f"Rows {i} and {j} of X are the same point {points[i].tolist()}, but y has "
            f"{values[i]} and {values[j]}: no function takes both. "
            'Average repeated measurements, or use objective="least_squares".'
        )


def sample_errors(samples: Samples, function: MaxAffine) -> ErrorBracket:
    """Return the exact largest errors over the samples, as fractions.

    Rationals are computed where rounding leaves open whether an error is the largest.
    """
    reach = np.abs(samples.points).max(axis=0)
    sizes = np.abs(function.float_slopes) @ reach + np.abs(function.float_offsets)
    loose = 4 * (samples.dim + 3) * 2.0**-52 * float(sizes.max() + np.abs(samples.values).max())
    errors = samples.values - function(samples.points)
    (below, below_at), (above, above_at) = (
        _exact_largest(
            samples, function, np.flatnonzero(sign * errors >= (sign * errors).max() - loose), sign
        )
        for sign in (1, -1)
    )
    return ErrorBracket((below, below), (above, above), below_at, above_at)


def _exact_largest(
    samples: Samples, function: MaxAffine, rows: np.ndarray, sign: int
) -> tuple[Fraction, np.ndarray]:
    errors = sign * (to_fractions(samples.values[rows]) - function(samples.points[rows], exact=True))
    best = max(range(len(rows)), key=errors.__getitem__)
    return Fraction(errors[best]), samples.points[rows[best]]


def fit_least_squares(samples: Samples, pieces: int, effort: Effort) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes (k, d) and offsets (k,) with a small sum of squared errors.

    Alternates between the best line for each cell and the cells of the greatest piece, from random
    Voronoi cells; the best iterate of all is kept, because the iteration may cycle.

    References
    ----------
    Magnani and Boyd (2009), "Convex piecewise-linear fitting", section 3.
    """
    single = _refit(samples, np.zeros(len(samples.points), dtype=np.int64), None)
    best = effort.best((_alternate(samples, pieces, effort) for _ in range(effort.starts)), single)
    return best[:, :-1], best[:, -1]


def _alternate(samples: Samples, pieces: int, effort: Effort) -> tuple[np.ndarray, float]:
    n = len(samples.points)
    centres = samples.points[effort.rng.choice(n, min(pieces, n), replace=False)]
    scale = _nonzero(samples.points.std(axis=0))
    away = ((samples.points[:, None] - centres) / scale) ** 2
    owner = away.sum(axis=2).argmin(axis=1)
    coefficients = None
    best, loss = np.zeros((1, samples.dim + 1)), np.inf
    for _ in range(100):
        coefficients = _refit(samples, owner, coefficients)
        heights = samples.design @ coefficients.T
        value = float(((heights.max(axis=1) - samples.values) ** 2).sum())
        if value < loss:
            best, loss = coefficients, value
        new = heights.argmax(axis=1)
        if (new == owner).all() or effort.deadline.passed:
            break
        owner = new
    return best, loss


def _nonzero(extent: np.ndarray) -> np.ndarray:
    return np.where(extent > 0, extent, 1.0)


def _refit(samples: Samples, owner: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Return the least-squares line of each cell; small cells keep their slope and move to their mean."""
    middle = samples.points.mean(axis=0)
    rows = []
    for i in np.unique(owner):
        inside = owner == i
        centred = samples.points[inside] - middle
        design = np.column_stack([centred, np.ones(inside.sum())])
        solution, _, rank, _ = np.linalg.lstsq(design, samples.values[inside], rcond=None)
        if rank <= samples.dim and before is not None and i < len(before):
            slope = before[i, :-1]
            rows.append(np.append(slope, (samples.values[inside] - samples.points[inside] @ slope).mean()))
        else:
            rows.append(np.append(solution[:-1], solution[-1] - solution[:-1] @ middle))
    return np.array(rows)
