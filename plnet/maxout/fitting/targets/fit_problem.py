"""A target on a bounded domain, in the coordinates of the domain, with checked values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from plnet.errors import DimensionError, DomainError, PLNetError, TargetError, UnboundedDomainError
from plnet.geometry.cells import domain_cell
from plnet.geometry.domain import Chart, Domain
from plnet.maxout.fitting.targets.catalogue import Target
from plnet.maxout.fitting.targets.quotients import Surroundings, enclosed_slopes, middle_slopes

__all__ = ["EPS", "FitProblem", "bounded_chart", "exact_vertices"]

EPS = 2.0**-52
_KINK = 0.05
"""Share of the range of slopes by which the quotients on both sides of a point differ at a kink only."""


@dataclass(frozen=True, eq=False)
class FitProblem:
    """A convex function of the coordinates t of a bounded domain.

    Parameters
    ----------
    target : Target
        A function of ``chart.embed(t)``.
    chart : Chart
    plane : ndarray, shape (d + 1,), optional
        Slope and offset of an affine function of t that is taken off the target.
    """

    target: Target
    chart: Chart
    plane: np.ndarray | None = None

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
    def vertex_values(self) -> np.ndarray:
        """The target at the vertices, shape (v,)."""
        return self.value(self.vertices)

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
        found = _finite(_called(self.target.value, self._inputs(t), self.target.name), t, self.target.name)
        return found if self.plane is None else found - (t @ self.plane[:-1] + self.plane[-1])

    def gradient(self, t: np.ndarray) -> np.ndarray:
        """Return subgradients in t, (n, d) -> (n, d); those very close by where none is known."""
        if self.target.gradient is None:
            return self.with_slopes(t)[1]
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
        found = found if self.is_identity else found @ self.chart.directions
        return found if self.plane is None else found - self.plane[:-1]

    def with_slopes(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points and their finite subgradients; a point where none is finite moves into the domain.

        Without a known gradient a point at a kink moves off it, because central differences there are no
        subgradients.
        """
        if self.target.gradient is None:
            return self._off_kinks(t)
        slopes = self.gradient(t)
        middle = self.middle
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
    def middle(self) -> np.ndarray:
        """Mean of the vertices, shape (d,)."""
        return self.vertices.mean(axis=0)

    @cached_property
    def surroundings(self) -> Surroundings:
        """The domain for steps along the coordinates."""
        return Surroundings(self.facets, self.middle, self.spread)

    @cached_property
    def scale(self) -> float:
        """Largest size of a value: at the vertices and in the middle of the domain."""
        return float(np.abs(self.value(self._landmarks)).max())

    @cached_property
    def noise(self) -> float:
        """Bound for the error of a computed value, given the assumption on the target's roundoff."""
        values = self.scale
        rounding = 0.0
        if self.plane is not None:
            values = float(np.abs(replace(self, plane=None).scale))
            sizes = np.abs(self.plane)
            rounding = (self.dim + 3) * EPS * float((np.abs(self._landmarks) @ sizes[:-1] + sizes[-1]).max())
        rounding += self.target.roundoff * EPS * values
        if self.is_identity:
            return rounding
        # The input is rounded once more where the domain has coordinates of its own.
        inputs = self.chart.embed(self.vertices)
        steepest = np.abs(self._input_slopes()).max()
        return rounding + 4 * EPS * float(steepest * np.abs(inputs).sum(axis=1).max())

    @property
    def _landmarks(self) -> np.ndarray:
        return np.concatenate([self.vertices, self.middle[None]])

    @cached_property
    def is_identity(self) -> bool:
        """Whether the coordinates of the domain are the inputs of the target."""
        d = self.dim
        return self.chart.input_dim == d and bool((self.chart.embedding.to_float() == np.eye(d, d + 1)).all())

    def _inputs(self, t: np.ndarray) -> np.ndarray:
        return t if self.is_identity else self.chart.embed(t)

    def _input_slopes(self) -> np.ndarray:
        points = self.vertices + 1e-6 * (self.middle - self.vertices)
        if self.has_gradient:
            slopes = replace(self, plane=None).gradient(points)
        else:
            # The noise, which rests on these slopes, is not known yet.
            found = middle_slopes(self.value, points, self.surroundings, 0.0)
            slopes = np.maximum(np.abs(found.least), np.abs(found.most))
        return slopes / np.linalg.norm(self.chart.directions, axis=0)

    def _off_kinks(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = middle_slopes(self.value, t, self.surroundings, self.noise)
        jump = found.most - found.least - 2 * found.doubt
        kinked = (jump > _KINK * self._slope_range).any(axis=1)
        points, slopes = found.points.copy(), found.slopes.copy()
        if kinked.any():
            moved = enclosed_slopes(self.value, t[kinked], self.surroundings, self.noise)
            points[kinked], slopes[kinked] = moved.points, moved.slopes
        return points, slopes

    @cached_property
    def _slope_range(self) -> np.ndarray:
        """How much slopes differ in the domain, shape (d,), by the quotients near its landmarks."""
        found = middle_slopes(self.value, self._landmarks, self.surroundings, self.noise)
        return np.maximum(found.most.max(axis=0) - found.least.min(axis=0), found.doubt)

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
