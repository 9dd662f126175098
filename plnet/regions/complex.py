"""`RegionComplex`: all regions of a network on a domain, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from plnet.budgets import time_limit
from plnet.errors import DomainError
from plnet.regions.cells.facets import HalfSpaces, halfspaces, proper_vertices
from plnet.regions.cells.interior_points import point_of_cell
from plnet.regions.certificates.certificate import Certificate, certificate
from plnet.regions.data import RegionData
from plnet.regions.definitions.count import canonical_definition, count_regions_of
from plnet.regions.files.npz import load_complex, save_complex
from plnet.regions.files.summary_text import summary
from plnet.regions.files.vtu import save_vtu
from plnet.regions.level_sets.boundary import DecisionBoundary, decision_boundary
from plnet.regions.level_sets.level_set import LevelSet, level_set
from plnet.regions.measures.chebyshev import ChebyshevBall, chebyshev_ball, chebyshev_balls
from plnet.regions.measures.extrema import Extrema, extrema
from plnet.regions.measures.lipschitz import LipschitzConstant, lipschitz_constant
from plnet.regions.results import RegionCount
from plnet.regions.structure.breakpoints import Breakpoint, find_breakpoints
from plnet.regions.structure.degeneracy import Degeneracies, degeneracies
from plnet.regions.structure.face_counts import FaceCounts, count_by_layer, count_faces
from plnet.regions.structure.graph import to_networkx
from plnet.regions.structure.locate import locate

__all__ = ["RegionComplex"]


@dataclass(frozen=True, eq=False, repr=False)
class RegionComplex(RegionData):
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

    def exact_point(self, i: int) -> tuple[Fraction, ...]:
        """Return a rational point inside region i, shape (d,); that of `points` if it is inside.

        Raises
        ------
        DimensionError
            If there is none in `points` and the region has too many vertices to list.
        """
        i = self._index(i)
        if self.points_inside[i]:
            return tuple(map(Fraction, self.points[i].tolist()))
        return point_of_cell(self.problem, self.leaves, i)

    def exact_volume(self, i: int) -> Fraction:
        """Return the volume of region i in the coordinates of the domain, exactly.

        These are the inputs for a Box, a Polytope and a Space. The volume in the space of the inputs
        is ``exact_volume(i) * sqrt(chart.gram_determinant)``, which on a slice may be irrational.

        Raises
        ------
        DomainError
            If the region is unbounded.
        """
        cell = self.exact_cell(i)
        if not cell.bounded:
            raise DomainError(
                f"Region {self._index(i)} is unbounded, so it has no finite volume. `bounded` says which are."
            )
        return cell.volume()

    def vertices(self, i: int) -> np.ndarray:
        """Return the vertices of region i, shape (k, d); in cyclic order for d = 2.

        An unbounded region has only its finite vertices here; see `rays` and `lines`.
        """
        rows = proper_vertices(self.problem, self.leaves, self._index(i))
        return rows[rows[:, -1] > 0, :-1]

    def rays(self, i: int) -> np.ndarray:
        """Return the extreme directions of region i, shape (k, d); none if it is bounded."""
        rows = proper_vertices(self.problem, self.leaves, self._index(i))
        return rows[rows[:, -1] == 0, :-1]

    def halfspaces(self, i: int) -> HalfSpaces:
        """Return the irredundant half-spaces ``A t <= b`` of region i and what causes each."""
        return halfspaces(self.problem, self.leaves, self._index(i))

    @cached_property
    def _boundary(self) -> DecisionBoundary[RegionComplex]:
        return decision_boundary(self)

    def chebyshev_ball(self, i: int) -> ChebyshevBall:
        """Return a largest ball in region i, measured in the space of the inputs."""
        return chebyshev_ball(self, self._index(i))

    @cached_property
    def _balls(self) -> tuple[np.ndarray, np.ndarray]:
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
        return count_faces(self)

    def face_counts(self, *, max_seconds: float | None = None) -> FaceCounts:
        """Return the number of vertices, edges, ..., regions, all and bounded ones, exactly."""
        with self._whole("the number of faces", max_seconds):
            return self._face_counts

    def counts_by_layer(self, *, max_seconds: float | None = None) -> tuple[RegionCount, ...]:
        """Return the number of activation regions after each nonlinear layer."""
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
        with self._whole("the Lipschitz constant", max_seconds):
            return lipschitz_constant(self, p, output)

    def level_set(
        self, value: Any = 0, output: Any = None, *, max_seconds: float | None = None
    ) -> LevelSet[RegionComplex]:
        """Return where an output has a value, exactly, as a complex of dimension d - 1.

        Parameters
        ----------
        value : float or Fraction
        output : int or sequence of m floats, optional
            One output, or a weight for each; may be left out where there is one output.
        max_seconds : float, optional
        """
        with self._whole("the level set", max_seconds):
            return level_set(self, value, output)

    def breakpoints(self, *, max_seconds: float | None = None) -> tuple[Breakpoint, ...]:
        """Return where regions of a one-dimensional domain meet, and the units that cause it, exactly."""
        with self._whole("the breakpoints", max_seconds):
            return find_breakpoints(self)

    def summary(self) -> str:
        """Return the most important numbers of the complex in a few lines of text."""
        return summary(self)

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

    def decision_boundary(self, *, max_seconds: float | None = None) -> DecisionBoundary[RegionComplex]:
        """Return where the predicted class changes, exactly.

        The class is the largest output, the last one at a tie; with one output it is whether
        the output is positive. Takes about as long as the enumeration, once.
        """
        with self._whole("the decision boundary", max_seconds):
            return self._boundary

    def degeneracies(self, *, max_seconds: float | None = None) -> Degeneracies:
        """Return where walls coincide, and where more walls than needed meet; exact."""
        with self._whole("the degeneracies", max_seconds):
            return degeneracies(self)

    def certificate(self, *, max_seconds: float | None = None) -> Certificate:
        """Return rational vertices of all regions, which prove the count by themselves."""
        with self._whole("the certificate", max_seconds):
            return certificate(self)

    def to_networkx(self) -> Any:
        """Return the adjacency as a networkx graph; nodes carry pattern, point and volume."""
        return to_networkx(self)

    def save_vtu(self, path: str | Path, *, classes: bool = False) -> Path:
        """Write the regions, cut off if unbounded, to a VTK file (.vtu) for ParaView and others."""
        return save_vtu(self, path, self.decision_boundary if classes else None)

    def save(self, path: str | Path) -> Path:
        """Write the complex, its network and its domain to an npz file without pickle."""
        return save_complex(self, path)

    @classmethod
    def load(cls, path: str | Path) -> RegionComplex:
        """Read a complex that `save` wrote.

        Raises
        ------
        FileFormatError
            If the file is corrupt or of a newer schema.
        """
        return load_complex(path, cls)

    @contextmanager
    def _whole(self, what: str, max_seconds: float | None) -> Iterator[None]:
        """Work on a complete complex, within a budget of seconds."""
        self._require_complete(what)
        with time_limit(max_seconds, what):
            yield
