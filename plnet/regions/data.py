"""`RegionData`: the regions of a network on a domain as arrays and exact cells; what measures work on."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_array

from plnet.errors import IncompleteResultError
from plnet.geometry.cells import AnyCell
from plnet.geometry.domain import Chart
from plnet.ir.network import PLNetwork
from plnet.regions.cells import facets as _facets
from plnet.regions.cells.adjacency import adjacency
from plnet.regions.cells.interior_points import interior_points
from plnet.regions.cells.volumes import certain_volumes, local_volumes
from plnet.regions.leaves import LeafArrays, read_only
from plnet.regions.problem import Problem

__all__ = ["RegionData", "Regions"]


@dataclass(frozen=True, eq=False)
class RegionData:
    """The data of a `RegionComplex`, whose parameters it has, without its measures."""

    network: PLNetwork
    chart: Chart
    leaves: LeafArrays
    exact: bool
    complete: bool
    engine: str
    reason: str
    seconds: float
    n_undecided: int = 0
    n_fallbacks: int = 0
    stopped_by: str | None = None

    def __post_init__(self) -> None:
        for array in vars(self.leaves).values():
            if array is not None:
                read_only(array)

    def __len__(self) -> int:
        return len(self.leaves.patterns)

    def __repr__(self) -> str:
        state = "exact" if self.exact else "complete" if self.complete else f"stopped by {self.stopped_by}"
        return (
            f"{type(self).__name__}({len(self)} regions, dimension {self.dim}, "
            f"{self.network.n_units} units, {state})"
        )

    @property
    def dim(self) -> int:
        """Dimension d of the domain."""
        return self.chart.dim

    @property
    def patterns(self) -> np.ndarray:
        """Activation patterns, shape (R, U): the piece index of each unit."""
        return self.leaves.patterns

    @cached_property
    def problem(self) -> Problem:
        """Exact forms of the network on the domain, on demand."""
        return Problem(self.network, self.chart)

    @cached_property
    def _maps(self) -> tuple[np.ndarray, np.ndarray]:
        embedding = (self.chart.directions, self.chart.origin)
        gradients, offsets = self.network.affine_maps(self.patterns, embedding)
        return read_only(gradients), read_only(offsets)

    @property
    def gradients(self) -> np.ndarray:
        """Gradients of the outputs in the coordinates t, shape (R, m, d)."""
        return self._maps[0]

    @property
    def offsets(self) -> np.ndarray:
        """Offsets of the affine maps, shape (R, m)."""
        return self._maps[1]

    def exact_map(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient (m, d) and offset (m,) of region i in the coordinates t, as fractions."""
        forms = self.network.forms(self.patterns[self._index(i)], self.chart.embedding).to_fractions()
        return forms[:, :-1], forms[:, -1]

    def exact_cell(self, i: int) -> AnyCell:
        """Return region i in exact homogeneous integers."""
        return _facets.exact_cell(self.problem, self.leaves, self._index(i))

    @cached_property
    def geometry(self) -> LeafArrays:
        """The regions with vertices and facets; made from exact cells where the engine gave points only."""
        return _facets.with_vertices(self.problem, self.leaves)

    @cached_property
    def bounded(self) -> np.ndarray:
        """Which regions are bounded, shape (R,)."""
        if self.leaves.has_vertices:
            return read_only(self.leaves.bounded)
        return read_only(np.array([self.exact_cell(i).bounded for i in range(len(self))], dtype=bool))

    @cached_property
    def lines(self) -> np.ndarray:
        """Directions along which every region is a union of whole lines, shape (l, d)."""
        found = self.leaves.lines if self.leaves.has_vertices else _facets.common_lines(self.problem)
        return np.zeros((0, self.dim)) if found is None else read_only(found)

    @cached_property
    def adjacency(self) -> csr_array:
        """Which regions share a facet, sparse and symmetric, shape (R, R), entries 1."""
        self._require_complete("adjacency")
        return adjacency(self.problem, self.geometry)

    @cached_property
    def _interior(self) -> tuple[np.ndarray, np.ndarray]:
        points, inside = interior_points(self.problem, self.leaves, lambda: self.certain_volumes)
        return read_only(points), read_only(inside)

    @property
    def points(self) -> np.ndarray:
        """A point inside each region, shape (R, d); only near it where `points_inside` is False."""
        return self._interior[0]

    @property
    def points_inside(self) -> np.ndarray:
        """Which `points` are proved to lie inside their regions, shape (R,).

        False where a region is so thin that the rounding of `exact_point` leaves it, or, in more
        dimensions than vertices are kept, where rounding leaves open whether it does.
        """
        return self._interior[1]

    @cached_property
    def certain_volumes(self) -> tuple[np.ndarray, np.ndarray]:
        """Volumes in the coordinates of the domain from the floats of the vertices, and which are proved.

        Each (R,); `local_volumes` makes good the others.
        """
        volumes, good = certain_volumes(self.geometry)
        return read_only(volumes), read_only(good)

    @cached_property
    def local_volumes(self) -> np.ndarray:
        """Volume of each region in the coordinates of the domain, shape (R,); inf if unbounded."""
        return read_only(local_volumes(self.problem, self.geometry, self.certain_volumes))

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volume of each region in the space of the inputs, shape (R,); inf if unbounded.

        The length for d = 1, the area for d = 2. Each is within 1e-9 of the exact one, relatively,
        however thin the region: rounded from `exact_volume` where floats do not prove this.
        """
        with np.errstate(over="ignore"):
            return read_only(self.local_volumes * self.chart.volume_factor)

    def _index(self, i: int) -> int:
        position = operator.index(i)
        if not -len(self) <= position < len(self):
            raise IndexError(f"Region {i} does not exist: the complex has {len(self)} regions.")
        return position % len(self)

    def _require_complete(self, what: str) -> None:
        if not self.complete:
            raise IncompleteResultError(
                f"Cannot give {what}: the enumeration was stopped by {self.stopped_by} with {len(self)} "
                "regions. Enumerate again with a larger max_regions or max_seconds."
            )


Regions = TypeVar("Regions", bound=RegionData)
"""A complex, or its data alone; what is enumerated anew is of the same kind."""
