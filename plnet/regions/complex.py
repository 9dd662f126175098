"""`RegionComplex`: all regions of a network on a domain, as arrays."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.budgets import time_limit
from plnet.errors import IncompleteResultError
from plnet.geometry.cells import AnyCell
from plnet.geometry.domain import Chart
from plnet.ir.network import PLNetwork
from plnet.regions.cells import facets as _facets
from plnet.regions.definitions.count import canonical_definition, count_regions_of
from plnet.regions.leaves import LeafArrays
from plnet.regions.measures import sizes as _measures
from plnet.regions.problem import Problem
from plnet.regions.structure import adjacency as _adjacency
from plnet.regions.structure.locate import locate

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from scipy.sparse import csr_array

    from plnet.regions.cells.facets import HalfSpaces
    from plnet.regions.certificates.certificate import Certificate
    from plnet.regions.level_sets.boundary import DecisionBoundary
    from plnet.regions.level_sets.level_set import LevelSet
    from plnet.regions.measures.chebyshev import ChebyshevBall
    from plnet.regions.measures.extrema import Extrema
    from plnet.regions.measures.lipschitz import LipschitzConstant
    from plnet.regions.results import RegionCount
    from plnet.regions.structure.breakpoints import Breakpoint
    from plnet.regions.structure.degeneracy import Degeneracies
    from plnet.regions.structure.face_counts import FaceCounts

__all__ = ["RegionComplex"]


@dataclass(frozen=True, eq=False)
class RegionComplex:
    """The activation regions of a network on a domain, with their geometry.

    R regions, U units, m outputs, domain of dimension d with coordinates t. All arrays
    are read-only.

    Parameters
    ----------
    network : PLNetwork
    chart : Chart
        The domain; ``chart.embed(t)`` gives network inputs.
    leaves : LeafArrays
    exact : bool
        True only if every decision was proved and nothing was left out.
    complete : bool
        False after a budget ran out or an interruption.
    engine, reason : str
        The algorithm, and why it was chosen.
    seconds : float
        Wall time of the enumeration.
    n_undecided, n_fallbacks : int
        Cells left open, and cells decided in rationals after floating point could not.
    stopped_by : str or None
        What ended an incomplete enumeration: "max_regions", "max_seconds" or "Ctrl-C".

    Notes
    -----
    Methods that can take long have ``max_seconds``; around properties that can, put
    ``with plnet.budgets.time_limit(seconds):``. Either raises `IncompleteResultError` if the time is up
    first.
    """

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
                array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.leaves.patterns)

    def __repr__(self) -> str:
        state = "exact" if self.exact else "complete" if self.complete else f"stopped by {self.stopped_by}"
        return (
            f"RegionComplex({len(self)} regions, dimension {self.dim}, {self.network.n_units} units, {state})"
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
        return _read_only(gradients), _read_only(offsets)

    @property
    def gradients(self) -> np.ndarray:
        """Gradients of the outputs in the coordinates t, shape (R, m, d)."""
        return self._maps[0]

    @property
    def offsets(self) -> np.ndarray:
        """Offsets of the affine maps, shape (R, m)."""
        return self._maps[1]

    @cached_property
    def _interior(self) -> tuple[np.ndarray, np.ndarray]:
        from plnet.regions.measures.interior_points import interior_points

        points, inside = interior_points(self)
        return _read_only(points), _read_only(inside)

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

    def exact_point(self, i: int) -> tuple[Fraction, ...]:
        """Return a rational point inside region i, shape (d,); that of `points` if it is inside.

        Raises
        ------
        DimensionError
            If there is none in `points` and the region has too many vertices to list.
        """
        from plnet.regions.measures.interior_points import exact_point

        return exact_point(self, self._index(i))

    @cached_property
    def certain_volumes(self) -> tuple[np.ndarray, np.ndarray]:
        """Volumes in the coordinates of the domain from the floats of the vertices, and which are proved.

        Each (R,); `local_volumes` makes good the others.
        """
        from plnet.regions.measures.volumes import certain_volumes

        volumes, good = certain_volumes(self.geometry)
        return _read_only(volumes), _read_only(good)

    @cached_property
    def local_volumes(self) -> np.ndarray:
        """Volume of each region in the coordinates of the domain, shape (R,); inf if unbounded."""
        from plnet.regions.measures.volumes import local_volumes

        return _read_only(local_volumes(self))

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volume of each region in the space of the inputs, shape (R,); inf if unbounded.

        The length for d = 1, the area for d = 2. Each is within 1e-9 of the exact one, relatively,
        however thin the region: rounded from `exact_volume` where floats do not prove this.
        """
        with np.errstate(over="ignore"):
            return _read_only(self.local_volumes * self.chart.volume_factor)

    def exact_volume(self, i: int) -> Fraction:
        """Return the volume of region i in the coordinates of the domain, exactly.

        These are the inputs for a Box, a Polytope and a Space. The volume in the space of the inputs
        is ``exact_volume(i) * sqrt(chart.gram_determinant)``, which on a slice may be irrational.

        Raises
        ------
        DomainError
            If the region is unbounded.
        """
        from plnet.regions.measures.volumes import exact_volume

        return exact_volume(self, self._index(i))

    def vertices(self, i: int) -> np.ndarray:
        """Return the vertices of region i, shape (k, d); in cyclic order for d = 2.

        An unbounded region has only its finite vertices here; see `rays` and `lines`.
        """
        rows = _facets.proper_vertices(self.problem, self.leaves, self._index(i))
        return rows[rows[:, -1] > 0, :-1]

    def rays(self, i: int) -> np.ndarray:
        """Return the extreme directions of region i, shape (k, d); none if it is bounded."""
        rows = _facets.proper_vertices(self.problem, self.leaves, self._index(i))
        return rows[rows[:, -1] == 0, :-1]

    @cached_property
    def geometry(self) -> LeafArrays:
        """The regions with vertices and facets; made from exact cells where the engine gave points only."""
        return _facets.with_vertices(self.problem, self.leaves)

    @cached_property
    def lines(self) -> np.ndarray:
        """Directions along which every region is a union of whole lines, shape (l, d)."""
        found = self.leaves.lines if self.leaves.has_vertices else _facets.common_lines(self.problem)
        return np.zeros((0, self.dim)) if found is None else _read_only(found)

    def halfspaces(self, i: int) -> HalfSpaces:
        """Return the irredundant half-spaces ``A t <= b`` of region i and what causes each."""
        return _facets.halfspaces(self.problem, self.leaves, self._index(i))

    @cached_property
    def _boundary(self) -> DecisionBoundary:
        from plnet.regions.level_sets.boundary import decision_boundary

        return decision_boundary(self)

    @cached_property
    def bounded(self) -> np.ndarray:
        """Which regions are bounded, shape (R,)."""
        if self.leaves.has_vertices:
            return _read_only(_measures.bounded(self.leaves))
        return _read_only(np.array([self.exact_cell(i).bounded for i in range(len(self))], dtype=bool))

    def exact_map(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient (m, d) and offset (m,) of region i in the coordinates t, as fractions."""
        forms = self.network.forms(self.patterns[self._index(i)], self.chart.embedding).to_fractions()
        return forms[:, :-1], forms[:, -1]

    def chebyshev_ball(self, i: int) -> ChebyshevBall:
        """Return a largest ball in region i, measured in the space of the inputs."""
        from plnet.regions.measures.chebyshev import chebyshev_ball

        return chebyshev_ball(self, self._index(i))

    @cached_property
    def _balls(self) -> tuple[np.ndarray, np.ndarray]:
        from plnet.regions.measures.chebyshev import chebyshev_balls

        return chebyshev_balls(self)

    @property
    def chebyshev_centres(self) -> np.ndarray:
        """Centre of a largest ball in each region, shape (R, d); NaN where the inradius is infinite."""
        return self._balls[0]

    @property
    def inradii(self) -> np.ndarray:
        """Radius of the largest ball in each region, a length in the input space, shape (R,)."""
        return self._balls[1]

    @cached_property
    def _face_counts(self) -> FaceCounts:
        from plnet.regions.structure.face_counts import count_faces

        return count_faces(self)

    def face_counts(self, *, max_seconds: float | None = None) -> FaceCounts:
        """Return the number of vertices, edges, ..., regions, all and bounded ones, exactly."""
        with self._whole("the number of faces", max_seconds):
            return self._face_counts

    def counts_by_layer(self, *, max_seconds: float | None = None) -> tuple[RegionCount, ...]:
        """Return the number of activation regions after each nonlinear layer."""
        from plnet.regions.structure.face_counts import count_by_layer

        with self._whole("the counts of all layers", max_seconds):
            return count_by_layer(self)

    def extrema(self, output: Any = None, *, max_seconds: float | None = None) -> Extrema:
        """Return the exact least and greatest value of an output on the domain, and where they are.

        Parameters
        ----------
        output : int or sequence of m floats, optional
            One output, or a weight for each; may be left out where there is one output.
        max_seconds : float, optional
        """
        from plnet.regions.measures.extrema import extrema

        with self._whole("the extrema", max_seconds):
            return extrema(self, output)

    def lipschitz(
        self, p: float = 2, output: Any = None, *, max_seconds: float | None = None
    ) -> LipschitzConstant:
        """Return the exact Lipschitz constant on the domain in the p-norm, p = 1, 2 or inf.

        Parameters
        ----------
        p : {1, 2, inf}
            Norm of inputs and outputs.
        output : int or sequence of m floats, optional
            One output, or a weight for each; all outputs together if not given.
        max_seconds : float, optional
        """
        from plnet.regions.measures.lipschitz import lipschitz_constant

        with self._whole("the Lipschitz constant", max_seconds):
            return lipschitz_constant(self, p, output)

    def level_set(self, value: Any = 0, output: Any = None, *, max_seconds: float | None = None) -> LevelSet:
        """Return where an output has a value, exactly, as a complex of dimension d - 1.

        Parameters
        ----------
        value : float or Fraction
        output : int or sequence of m floats, optional
            One output, or a weight for each; may be left out where there is one output.
        max_seconds : float, optional
        """
        from plnet.regions.level_sets.level_set import level_set

        with self._whole("the level set", max_seconds):
            return level_set(self, value, output)

    def breakpoints(self, *, max_seconds: float | None = None) -> tuple[Breakpoint, ...]:
        """Return where regions of a one-dimensional domain meet, and the units that cause it, exactly."""
        from plnet.regions.structure.breakpoints import find_breakpoints

        with self._whole("the breakpoints", max_seconds):
            return find_breakpoints(self)

    def summary(self) -> str:
        """Return the most important numbers of the complex in a few lines of text."""
        from plnet.regions.files.summary_text import summary

        return summary(self)

    def exact_cell(self, i: int) -> AnyCell:
        """Return region i in exact homogeneous integers."""
        return _facets.exact_cell(self.problem, self.leaves, self._index(i))

    @cached_property
    def adjacency(self) -> csr_array:
        """Which regions share a facet, sparse and symmetric, shape (R, R), entries 1."""
        self._require_complete("adjacency")
        return _adjacency.adjacency(self.problem, self.geometry)

    def count(self, definition: str = "activation", *, max_seconds: float | None = None) -> RegionCount:
        """Return the number of regions under a definition; what is proved of it if the time is up.

        Raises
        ------
        EngineError
            If the definition is unknown or cannot be computed.
        """
        return count_regions_of(self, canonical_definition(definition), max_seconds)

    def locate(self, x: Any) -> np.ndarray:
        """Return the index of the region of each point, coordinates t of shape (n, d) -> (n,).

        For a Box, a Polytope and a Space the coordinates are the inputs of the network. A
        point on a wall belongs to a region whose closure contains it; a point outside the
        domain gets -1. In a complex that stopped early -1 also stands for regions not found.
        """
        return locate(self, x)

    def decision_boundary(self, *, max_seconds: float | None = None) -> DecisionBoundary:
        """Return where the predicted class changes, exactly.

        The class is the largest output, the last one at a tie; with one output it is whether
        the output is positive. Takes about as long as the enumeration, once.
        """
        with self._whole("the decision boundary", max_seconds):
            return self._boundary

    def degeneracies(self, *, max_seconds: float | None = None) -> Degeneracies:
        """Return where walls coincide, and where more walls than needed meet; exact."""
        from plnet.regions.structure.degeneracy import degeneracies

        with self._whole("the degeneracies", max_seconds):
            return degeneracies(self)

    def certificate(self, *, max_seconds: float | None = None) -> Certificate:
        """Return rational vertices of all regions, which prove the count by themselves."""
        from plnet.regions.certificates.certificate import certificate

        with self._whole("the certificate", max_seconds):
            return certificate(self)

    def to_networkx(self) -> Any:
        """Return the adjacency as a networkx graph; nodes carry pattern, point and volume."""
        return _adjacency.to_networkx(self)

    def save_vtu(self, path: str | Path, *, classes: bool = False) -> Path:
        """Write the regions, cut off if unbounded, to a VTK file (.vtu) for ParaView and others."""
        from plnet.regions.files.vtu import save_vtu

        return save_vtu(self, path, classes=classes)

    def save(self, path: str | Path) -> Path:
        """Write the complex, its network and its domain to an npz file without pickle."""
        from plnet.regions.files.npz import save_complex

        return save_complex(self, path)

    @classmethod
    def load(cls, path: str | Path) -> RegionComplex:
        """Read a complex that `save` wrote.

        Raises
        ------
        FileFormatError
            If the file is corrupt or of a newer schema.
        """
        from plnet.regions.files.npz import load_complex

        return load_complex(path)

    def _index(self, i: int) -> int:
        position = operator.index(i)
        if not -len(self) <= position < len(self):
            raise IndexError(f"Region {i} does not exist: the complex has {len(self)} regions.")
        return position % len(self)

    @contextmanager
    def _whole(self, what: str, max_seconds: float | None) -> Iterator[None]:
        """Work on a complete complex, within a budget of seconds."""
        self._require_complete(what)
        with time_limit(max_seconds, what):
            yield

    def _require_complete(self, what: str) -> None:
        if not self.complete:
            raise IncompleteResultError(
                f"Cannot give {what}: the enumeration was stopped by {self.stopped_by} with {len(self)} "
                "regions. Enumerate again with a larger max_regions or max_seconds."
            )


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
