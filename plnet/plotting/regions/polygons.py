"""From the arrays of a complex to polygons and segments in drawing coordinates, clipped to the view.

Everything is clipped in homogeneous coordinates, where a direction to infinity is a vertex like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plnet.plotting.regions.frame import Frame, View

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["cell_polygons", "centroids", "clip_segments", "wall_segments"]


def cell_polygons(complex_: RegionComplex, frame: Frame, view: View, *, clip: bool) -> list[np.ndarray]:
    """Return one polygon (k, 2), or interval (2, 1), for each region, in drawing coordinates.

    Parameters
    ----------
    complex_ : RegionComplex
    frame : Frame
    view : (low, high)
        Unbounded regions are cut off here.
    clip : bool
        Cut off bounded regions as well; those outside give an empty array.
    """
    leaves = complex_.leaves
    vertices = frame.place_homogeneous(leaves.vertices)
    found = np.split(vertices, leaves.starts[1:-1])
    bounded = np.minimum.reduceat(vertices[:, -1], leaves.starts[:-1]) > 0
    forms = _view_forms(view)
    for i in range(len(found)):
        if bounded[i] and not clip:
            found[i] = found[i][:, :-1]
        elif (leaves.facets[leaves.starts[i] : leaves.starts[i + 1], 0] == -2).all():
            found[i] = _corners(view)  # No facet: this region is the whole space.
        else:
            found[i] = _dehomogenise(_clip_polygon(found[i], forms))
    return found


def wall_segments(complex_: RegionComplex) -> tuple[np.ndarray, np.ndarray]:
    """Return every wall between two regions once, in homogeneous coordinates of the domain.

    Parameters
    ----------
    complex_ : RegionComplex

    Returns
    -------
    segments : ndarray, shape (S, 2, d + 1)
        For d = 1 twice the same point.
    layers : ndarray of int, shape (S,)
        Nonlinear layer of the unit that bends there.
    """
    leaves, names = complex_.leaves, complex_.network.unit_names
    column_of = np.zeros(
        (len(complex_.network.nonlinear_layers) or 1, max((u for _, u, _ in names), default=0) + 1), int
    )
    for column, (depth, unit, _) in enumerate(names):
        column_of[depth, unit] = column
    rows = np.flatnonzero(leaves.facets[:, 0] >= 0)
    region = np.searchsorted(leaves.starts, rows, side="right") - 1
    depth, unit, low, _ = leaves.facets[rows].T
    # Two regions share each wall; take it from the one in the lower piece.
    chosen = rows[leaves.patterns[region, column_of[depth, unit]] == low]
    ends = chosen if complex_.dim == 1 else leaves.following[chosen]
    return np.stack([leaves.vertices[chosen], leaves.vertices[ends]], axis=1), leaves.facets[chosen, 0]


def clip_segments(segments: np.ndarray, frame: Frame, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of homogeneous segments inside the view, in drawing coordinates.

    Returns
    -------
    pieces : ndarray, shape (S', 2, d)
    kept : ndarray of int, shape (S',)
        Index of the segment that each piece comes from.
    """
    ends = frame.place_homogeneous(segments)
    first, second = ends[:, 0].copy(), ends[:, 1].copy()
    kept = np.ones(len(ends), dtype=bool)
    for form in _view_forms(view):
        a, b = first @ form, second @ form
        kept &= (a >= 0) | (b >= 0)
        cut_first, cut_second = (a < 0) & (b > 0), (b < 0) & (a > 0)
        crossing = np.abs(b)[:, None] * first + np.abs(a)[:, None] * second
        first = np.where(cut_first[:, None], crossing, first)
        second = np.where(cut_second[:, None], crossing, second)
    kept &= (first[:, -1] > 0) & (second[:, -1] > 0)
    pieces = np.stack([_dehomogenise(first[kept]), _dehomogenise(second[kept])], axis=1)
    return pieces, np.flatnonzero(kept)


def centroids(polygons: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return centroid (R, d) and area or length (R,) of polygons or intervals; nan where one is empty."""
    d = next((p.shape[1] for p in polygons if len(p)), 2)
    if d == 1:
        ends = np.array([p[:, 0] if len(p) else (np.nan, np.nan) for p in polygons])
        return ends.mean(axis=1, keepdims=True), np.abs(ends[:, 1] - ends[:, 0])
    centres, areas = np.full((len(polygons), 2), np.nan), np.full(len(polygons), np.nan)
    for i, polygon in enumerate(polygons):
        if not len(polygon):
            continue
        # Relative to the mean, so that small cells far from the origin keep their digits.
        mean = polygon.mean(axis=0)
        local = polygon - mean
        after = np.roll(local, -1, axis=0)
        cross = local[:, 0] * after[:, 1] - local[:, 1] * after[:, 0]
        double = cross.sum()
        shift = ((local + after) * cross[:, None]).sum(axis=0) / (3 * double) if double else 0.0
        centres[i], areas[i] = mean + shift, abs(double) / 2
    return centres, areas


def _view_forms(view: View) -> np.ndarray:
    """Return the rows ``[a | c]`` of the half-spaces ``a . y + c >= 0`` of the view."""
    low, high = view
    unit = np.eye(len(low))
    return np.concatenate([np.column_stack([unit, -low]), np.column_stack([-unit, high])])


def _corners(view: View) -> np.ndarray:
    low, high = view
    if len(low) == 1:
        return np.array([low, high])
    return np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])


def _clip_polygon(polygon: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """Clip a convex polygon in homogeneous coordinates (Sutherland and Hodgman, 1974)."""
    for form in forms:
        if not len(polygon):
            break
        values = polygon @ form
        out = []
        # An interval has two ends; the way back from the last one would only repeat the first.
        for i in range(len(polygon)):
            j = (i + 1) % len(polygon)
            if values[i] >= 0:
                out.append(polygon[i])
            if values[i] * values[j] < 0 and (len(polygon) > 2 or i < j):
                out.append(abs(values[j]) * polygon[i] + abs(values[i]) * polygon[j])
        polygon = np.array(out).reshape(-1, polygon.shape[1])
    return polygon[polygon[:, -1] > 0]


def _dehomogenise(rows: np.ndarray) -> np.ndarray:
    return rows[:, :-1] / rows[:, -1:]
