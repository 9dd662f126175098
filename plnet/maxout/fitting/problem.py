"""A target on a bounded domain, in the coordinates of the domain, with checked values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from plnet.errors import DimensionError, DomainError, PLNetError, TargetError, UnboundedDomainError
from plnet.geometry.cells import domain_cell
from plnet.geometry.domain import Chart, Domain
from plnet.maxout.fitting.targets import Target

__all__ = ["EPS", "Problem", "bounded_chart", "exact_vertices", "read_callable"]

EPS = 2.0**-52
_CLOSE = 3e-5
"""Distance of points that are close, as a share of that to the middle of the domain."""
_LARGEST = 1e150
"""Values above it overflow when they are multiplied."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A convex function of the coordinates t of a bounded domain.

    Parameters
    ----------
    target : Target
        A function of ``chart.embed(t)``.
    chart : Chart
    """

    target: Target
    chart: Chart

    @property
    def dim(self) -> int:
        """Dimension d of the domain."""
        return self.chart.dim

    @cached_property
    def facets(self) -> np.ndarray:
        """Rows ``[a | c]`` of ``a . t + c >= 0`` with normals of length 1, shape (f, d + 1)."""
        rows = self.chart.facets.to_float()
        lengths = np.linalg.norm(rows[:, :-1], axis=1)
        return rows[lengths > 0] / lengths[lengths > 0, None]

    @cached_property
    def vertices(self) -> np.ndarray:
        """Vertices of the domain, rounded, shape (v, d)."""
        return exact_vertices(self.chart)

    @cached_property
    def diameter(self) -> float:
        """Largest distance between two vertices of the box around the domain."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))

    @cached_property
    def spread(self) -> np.ndarray:
        """Extent of the domain in each coordinate, shape (d,)."""
        return np.ptp(self.vertices, axis=0)

    def value(self, t: np.ndarray) -> np.ndarray:
        """Return the target at coordinates t, (n, d) -> (n,), finite.

        Raises
        ------
        TargetError
            If a value is not finite, or the shape is not (n,).
        """
        return _finite(_called(self.target.value, self._inputs(t), self.target.name), t, self.target.name)

    def gradient(self, t: np.ndarray) -> np.ndarray:
        """Return subgradients in t, (n, d) -> (n, d); central differences where none is known."""
        if self.target.gradient is None:
            return self._differences(t)
        # A derivative may be infinite at the border, as that of x log x at 0.
        with np.errstate(all="ignore"):
            found = np.asarray(self.target.gradient(self._inputs(t)), dtype=np.float64)
        expected = (len(t), self.chart.input_dim)
        if found.shape == expected[:1] and expected[1] == 1:
            found = found[:, None]
        if found.shape != expected:
            raise TargetError(
                f"The gradient of {self.target.name} has shape {found.shape} at points of shape {expected}; "
                f"expected {expected}."
            )
        return found if self.is_identity else found @ self.chart.directions

    def with_slopes(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points and their finite subgradients; a point where none is finite moves into the domain."""
        slopes = self.gradient(t)
        middle = self.vertices.mean(axis=0)
        for share in (1e-9, 1e-6, 1e-3):
            bad = ~np.isfinite(slopes).all(axis=1, keepdims=True)
            if not bad.any():
                break
            t = np.where(bad, t + share * (middle - t), t)
            slopes = np.where(bad, self.gradient(t), slopes)
        return t, slopes

    @property
    def has_gradient(self) -> bool:
        """Whether gradients are known, not differences."""
        return self.target.gradient is not None

    @cached_property
    def scale(self) -> float:
        """Largest size of a value: at the vertices and in the middle of the domain."""
        points = np.concatenate([self.vertices, self.vertices.mean(axis=0, keepdims=True)])
        return float(np.abs(self.value(points)).max())

    @cached_property
    def noise(self) -> float:
        """Bound for the error of a computed value, given the assumption on the target's roundoff."""
        rounding = self.target.roundoff * EPS * self.scale
        if self.is_identity:
            return rounding
        # The input is rounded once more where the domain has coordinates of its own.
        inputs = self.chart.embed(self.vertices)
        steepest = np.abs(self._input_slopes()).max()
        return rounding + 4 * EPS * float(steepest * np.abs(inputs).sum(axis=1).max())

    @cached_property
    def is_identity(self) -> bool:
        """Whether the coordinates of the domain are the inputs of the target."""
        d = self.dim
        return self.chart.input_dim == d and bool((self.chart.embedding.to_float() == np.eye(d, d + 1)).all())

    def _inputs(self, t: np.ndarray) -> np.ndarray:
        return t if self.is_identity else self.chart.embed(t)

    def _input_slopes(self) -> np.ndarray:
        points = self.vertices + 1e-6 * (self.vertices.mean(axis=0) - self.vertices)
        return self.gradient(points) / np.linalg.norm(self.chart.directions, axis=0)

    def _differences(self, t: np.ndarray) -> np.ndarray:
        out = np.empty_like(t)
        for j, size in enumerate(self.spread):
            step = np.zeros(self.dim)
            step[j] = 1e-5 * size
            ahead, behind = self.clipped(t + step, t), self.clipped(t - step, t)
            width = ahead[:, j] - behind[:, j]
            out[:, j] = (self.value(ahead) - self.value(behind)) / np.where(width > 0, width, 1.0)
        return out

    def clipped(self, points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Move points towards points of the domain until they lie in it, shape (n, d)."""
        if self.dim == 1:
            return np.clip(points, self.vertices.min(), self.vertices.max())
        normals, heights = self.facets[:, :-1], self.facets[:, -1]
        here, there = inside @ normals.T + heights, points @ normals.T + heights
        leaving = there < 0
        share = np.where(leaving, np.maximum(here, 0) / np.where(leaving, here - there, 1.0), 1.0)
        factor = np.clip(share.min(axis=1, initial=1.0), 0.0, 1.0)
        return inside + factor[:, None] * (points - inside)


def exact_vertices(chart: Chart) -> np.ndarray:
    """Return the vertices of a bounded domain, each rounded once, shape (v, d)."""
    cell = domain_cell(chart.facets, chart.facet_names)
    return np.array([[x / vertex[-1] for x in vertex[:-1]] for vertex in cell.vertices])


def bounded_chart(domain: Any, dim: int, name: str) -> Chart:
    """Return the chart of a domain for functions of `dim` variables.

    Raises
    ------
    DomainError
        If it is no domain, empty or flat.
    UnboundedDomainError
        If it is unbounded.
    """
    if domain is None:
        raise DomainError(f"A domain is needed to approximate {name}: for example Box(-1, 1).")
    if not isinstance(domain, Domain):
        raise DomainError(
            f"Expected a Box, Polytope, Segment or Slice as the domain, got {type(domain).__name__}. "
            "For an interval write Box(low, high)."
        )
    chart = domain.chart(dim)
    if not domain_cell(chart.facets, chart.facet_names).bounded:
        raise UnboundedDomainError(
            f"The domain is unbounded, and the largest error of {name} on it is infinite unless the function "
            "is piecewise linear far out. Give a bounded domain, for example Box(-1, 1)."
        )
    return chart


def read_callable(target: Callable[..., Any] | Target, domain: Any) -> Problem:
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
    problem = Problem(target, chart)
    _check_range(problem)
    _check_size(problem)
    _check_vectorised(problem)
    _check_noise(problem)
    return problem


def _check_range(problem: Problem) -> None:
    inputs = problem.chart.embed(problem.vertices)
    low, high = problem.target.low, problem.target.high
    if inputs.min() < low or inputs.max() > high:
        raise TargetError(
            f"{problem.target.name} is defined for coordinates between {low} and {high}, but the domain goes "
            f"from {inputs.min()} to {inputs.max()}. Give a smaller domain."
        )


def _check_size(problem: Problem) -> None:
    if problem.scale > _LARGEST:
        raise TargetError(
            f"Values of {problem.target.name} reach {problem.scale:.2g}; more than {_LARGEST:g} overflows in "
            "the fit. Divide the function by a constant."
        )


def _check_vectorised(problem: Problem) -> None:
    share = np.array([[0.25], [0.5], [0.8125]])
    corners = problem.vertices
    points = (1 - share) * corners[0] + share * corners.mean(axis=0)
    together = problem.value(points)
    alone = np.concatenate([problem.value(points[i : i + 1]) for i in range(len(points))])
    tolerance = 1e-9 * np.abs(together).max()
    if np.abs(together - alone).max() > tolerance:
        raise TargetError(
            f"{problem.target.name} gives other values for several points than for each alone. Expected a "
            "function of rows: points of shape (n, d) to values of shape (n,)."
        )


def _check_noise(problem: Problem) -> None:
    """Raise where values at points close together scatter more than their roundoff around a cubic."""
    middle = problem.vertices.mean(axis=0)
    shares = np.linspace(0.05, 0.9, 15)[:, None, None]
    starts = ((1 - shares) * problem.vertices[:3] + shares * middle).reshape(-1, 1, problem.dim)
    places = np.sort(np.arange(1, 13) * 0.6180339887 % 1)
    # Towards the middle, so that all points lie in the domain.
    points = starts + _CLOSE * places[:, None] * (middle - starts)
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


def _called(value: Callable[..., Any], points: np.ndarray, name: str) -> np.ndarray:
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(value(points))
    except PLNetError:
        raise
    except Exception as error:
        raise TargetError(
            f"{name} failed for points of shape {points.shape} ({type(error).__name__}: {error}). It must "
            f"map a numpy array of shape (n, {points.shape[1]}) to values of shape (n,)."
        ) from error
    if found.dtype.kind not in "fiu" or (found.dtype.kind == "f" and found.dtype.itemsize < 8):
        raise TargetError(
            f"Expected float64 numbers as values of {name}, got dtype {found.dtype}. Compute in float64."
        )
    if found.shape == (len(points), 1):
        found = found[:, 0]
    if found.shape != (len(points),):
        raise DimensionError(
            f"{name} must map points of shape {points.shape} to values of shape ({len(points)},), "
            f"got shape {found.shape}. Sum over the last axis, for example (x**2).sum(axis=1)."
        )
    return found.astype(np.float64)


def _finite(values: np.ndarray, t: np.ndarray, name: str) -> np.ndarray:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise TargetError(
            f"{name} is {values[bad[0]]} at {t[bad[0]].tolist()}. Expected finite values on the "
            "whole domain, its border included; give a smaller domain."
        )
    return values
