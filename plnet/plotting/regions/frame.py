"""Drawing coordinates: true lengths, and the part of the plane that is shown.

Coordinates t of a slice are oblique and are kept so for exactness. Drawings use
``y = matrix @ t`` in an orthonormal frame of the plane instead, so that lengths and
angles on paper are those in the space of the network's inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import ConfigError
from plnet.regions.files.cut_cells import finite_box, orthonormal_matrix

if TYPE_CHECKING:
    from plnet.geometry.domain import Chart
    from plnet.regions.complex import RegionComplex

__all__ = ["Frame", "View", "frame_of", "view_of"]

View = tuple[np.ndarray, np.ndarray]
"""Lower and upper corner of what is drawn, each of shape (d,)."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An orthonormal frame of a domain; the first axis points along the first direction.

    Parameters
    ----------
    matrix : ndarray, shape (d, d)
        Upper triangular with a positive diagonal; ``y = matrix @ t`` are lengths.
    plain : bool
        Whether t and y are the inputs of the network themselves.
    """

    matrix: np.ndarray
    plain: bool

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """A label for each axis."""
        d = len(self.matrix)
        if self.plain:
            return tuple(f"$x_{{{i}}}$" for i in range(d))
        return (
            ("distance along the segment",)
            if d == 1
            else ("distance in the plane" if d == 2 else "distance in the slice",) * d
        )

    def place(self, t: Any) -> np.ndarray:
        """Return drawing coordinates of domain coordinates, shape (k, d) -> (k, d)."""
        return np.asarray(t, dtype=np.float64) @ self.matrix.T

    def place_homogeneous(self, vertices: np.ndarray) -> np.ndarray:
        """Return drawing coordinates of homogeneous vertices, shape (..., d + 1) -> (..., d + 1)."""
        return np.concatenate([vertices[..., :-1] @ self.matrix.T, vertices[..., -1:]], axis=-1)


def frame_of(chart: Chart) -> Frame:
    """Return the orthonormal frame of a chart, from the QR decomposition of its directions."""
    upper = orthonormal_matrix(chart.directions)
    identity = np.eye(chart.input_dim, chart.dim)
    return Frame(upper, bool(np.array_equal(chart.directions, identity) and not chart.origin.any()))


def view_of(complex_: RegionComplex, frame: Frame, view: Any = None) -> View:
    """Return the lower and upper corner of what is drawn, each of shape (d,).

    The bounding box of all finite vertices. Where a region is unbounded, vertices far away
    from most are left out, and a margin of 15 percent of the larger side is added, so that
    the ends can be seen to go on.

    Raises
    ------
    ConfigError
        If a given view is not made of d pairs (low, high) with low < high.
    """
    if view is not None:
        pairs = np.asarray(view, dtype=np.float64)
        pairs = pairs[None] if complex_.dim == 1 and pairs.ndim == 1 else pairs
        if pairs.shape != (complex_.dim, 2) or not (pairs[:, 0] < pairs[:, 1]).all():
            raise ConfigError(
                f"Expected view as {complex_.dim} pairs (low, high) with low < high, got {view!r}."
            )
        return pairs[:, 0], pairs[:, 1]
    return finite_box(complex_, frame.matrix)
