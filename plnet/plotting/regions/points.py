"""Data points in a drawing: exact projection to the domain, markers and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import DimensionError, DomainError
from plnet.geometry.exact import to_fractions
from plnet.plotting.palettes import MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from plnet.geometry.domain import Chart

__all__ = ["LABEL", "coordinates_of", "mark_of", "mark_points", "marker_of"]

LABEL: dict[str, Any] = {
    "bbox": {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    "zorder": 7,
}
"""Looks of a label."""

_OFF_PLANE = 1e-9
"""Distance from the plane, relative to the size of the input, that rounding of data may cause."""


def coordinates_of(chart: Chart, points: Any) -> np.ndarray:
    """Return the coordinates of points in the domain, shape (k, d).

    Parameters
    ----------
    chart : Chart
    points : array_like or tensor, shape (k, input_dim) or (k, d)
        Inputs of the network, also with more axes such as (k, 8, 8); or coordinates of the
        domain. Where both have the same number of entries they are taken for inputs.

    Raises
    ------
    DimensionError
        If the shape fits neither.
    DomainError
        If a point is not finite, not on the slice, or outside the domain.

    Notes
    -----
    Inputs are projected in exact rationals, so a point that a slice goes through gets its
    coordinates exactly.
    """
    rows = np.asarray(points.detach().cpu() if hasattr(points, "detach") else points, dtype=np.float64)
    if rows.ndim == 1:
        rows = rows[None]
    rows = rows.reshape(len(rows), -1)
    if rows.shape[1] not in (chart.input_dim, chart.dim):
        raise DimensionError(
            f"Expected points as network inputs (k, {chart.input_dim}) or as coordinates of the domain "
            f"(k, {chart.dim}), got shape {np.shape(points)}."
        )
    if not np.isfinite(rows).all():
        raise DomainError("Expected finite points, got NaN or infinity.")
    if rows.shape[1] == chart.input_dim:
        rows = _project(chart, rows)
    _check_inside(chart, rows)
    return rows


def mark_points(ax: Axes, places: Any, labels: Sequence[str] | None = None, *, size: float = 18.0) -> None:
    """Mark points on axes, each with its own marker, and write labels beside them.

    Labels point away from the middle of the points, and back into the picture near its
    edge.

    Parameters
    ----------
    ax : Axes
        With its limits set.
    places : array_like, shape (k, 2)
    labels : sequence of str, optional
    size : float
        Area of a marker in square points.

    Raises
    ------
    DimensionError
        If there are more or fewer labels than points.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from plnet.plotting import mark_points
    >>> figure, axes = plt.subplots()
    >>> mark_points(axes, [[0.2, 0.3], [0.8, 0.6]], labels=["a", "b"])
    >>> [text.get_text() for text in axes.texts]
    ['a', 'b']
    >>> plt.close(figure)
    """
    places = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    if labels is not None and len(labels) != len(places):
        raise DimensionError(f"Expected {len(places)} labels, one for each point, got {len(labels)}.")
    for i, place in enumerate(places):
        ax.scatter(*place, s=size, **mark_of(i, len(places)))
    if labels is None:
        return
    limits = np.array([ax.get_xlim(), ax.get_ylim()])
    relative = (places - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
    away = np.where(relative >= relative.mean(axis=0), 1.0, -1.0)
    away = np.where(relative > 0.85, -1.0, np.where(relative < 0.15, 1.0, away))
    for place, side, label in zip(places, away, labels, strict=True):
        ax.annotate(
            str(label),
            place,
            xytext=tuple(4.0 * side),
            textcoords="offset points",
            ha="left" if side[0] > 0 else "right",
            va="bottom" if side[1] > 0 else "top",
            **LABEL,
        )


def marker_of(place: int, count: int) -> str:
    """Return the marker of one of so many points: its own, as long as there is one for each."""
    return MARKERS[place] if count <= len(MARKERS) else "o"


def mark_of(place: int, count: int) -> dict[str, Any]:
    """Return the looks of one of so many points."""
    marker = marker_of(place, count)
    return {"marker": marker, "facecolor": "white", "edgecolor": "black", "linewidth": 0.8, "zorder": 6}


def _project(chart: Chart, rows: np.ndarray) -> np.ndarray:
    """Return the coordinates of the closest points of the affine hull of the domain, shape (k, d)."""
    d = chart.dim
    embedding = chart.embedding.to_fractions()
    directions, origin = embedding[:, :d], embedding[:, d:]
    differences = to_fractions(rows.T) - origin
    t = _solve(np.concatenate([directions.T @ directions, directions.T @ differences], axis=1))
    rest = (differences - directions @ t).astype(np.float64)
    distances = np.linalg.norm(rest, axis=0)
    sizes = np.maximum(np.linalg.norm(rows, axis=1), float(np.linalg.norm(chart.origin)))
    bad = np.flatnonzero(distances > _OFF_PLANE * sizes)
    if len(bad):
        raise DomainError(
            f"Point {bad[0]} is not on the slice but {distances[bad[0]]:.3g} away from it. Make the slice go "
            "through it, or give its coordinates in the domain to mark where it projects to."
        )
    return t.T.astype(np.float64)


def _solve(table: np.ndarray) -> np.ndarray:
    """Solve ``A X = B`` for the regular fractions ``[A | B]``, shape (d, d + k) -> (d, k)."""
    rows = table.copy()
    for i in range(len(rows)):
        # Gram matrices are positive definite, so no pivot is zero.
        rows[i] = rows[i] / rows[i, i]
        for k in range(len(rows)):
            if k != i:
                rows[k] = rows[k] - rows[k, i] * rows[i]
    return rows[:, len(rows) :]


def _check_inside(chart: Chart, t: np.ndarray) -> None:
    forms = chart.facets.to_float()
    values = t @ forms[:, :-1].T + forms[:, -1]
    # Coordinates typed in decimals may miss a side by rounding.
    bound = 1e-9 * (np.abs(t) @ np.abs(forms[:, :-1]).T + np.abs(forms[:, -1]))
    bad = np.argwhere(values < -bound)
    if len(bad):
        i, facet = bad[0]
        raise DomainError(
            f"Point {i} with coordinates {t[i].tolist()} is outside the domain: it violates "
            f"{chart.facet_names[facet]}. Enlarge the domain or leave the point out."
        )
