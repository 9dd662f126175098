"""`RegionComplex`: all regions of a network on a domain, as arrays."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import IncompleteResultError
from plnet.geometry.cells import Cell
from plnet.geometry.domain import Chart
from plnet.ir.network import PLNetwork
from plnet.regions import adjacency as _adjacency
from plnet.regions import facets as _facets
from plnet.regions import measures as _measures
from plnet.regions.definitions import canonical_definition, count_regions_of
from plnet.regions.leaves import LeafArrays
from plnet.regions.locate import locate
from plnet.regions.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from scipy.sparse import csr_array

    from plnet.regions.boundary import DecisionBoundary
    from plnet.regions.certificate import Certificate
    from plnet.regions.degeneracy import Degeneracies
    from plnet.regions.facets import HalfSpaces
    from plnet.regions.results import RegionCount

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

    def __post_init__(self) -> None:
        for name in ("patterns", "vertices", "facets", "starts"):
            getattr(self.leaves, name).setflags(write=False)

    def __len__(self) -> int:
        return len(self.leaves.patterns)

    def __repr__(self) -> str:
        state = "exact" if self.exact else "complete" if self.complete else "stopped early"
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
    def points(self) -> np.ndarray:
        """An interior point of each region, rounded, shape (R, d); exact ones are in the certificate."""
        return _read_only(_measures.interior_points(self.leaves))

    @cached_property
    def volumes(self) -> np.ndarray:
        """Length or area of each region in the space of the inputs, shape (R,); inf if unbounded."""
        return _read_only(_measures.volumes(self.leaves) * self.chart.volume_factor)

    def vertices(self, i: int) -> np.ndarray:
        """Return the vertices of region i in cyclic order, shape (k, d).

        An unbounded region has only its finite vertices here; see `rays`.
        """
        rows = _facets.proper_vertices(self.leaves, self._index(i))
        return rows[rows[:, -1] > 0, :-1]

    def rays(self, i: int) -> np.ndarray:
        """Return the extreme directions of region i, shape (k, d); none if it is bounded."""
        rows = _facets.proper_vertices(self.leaves, self._index(i))
        return rows[rows[:, -1] == 0, :-1]

    def halfspaces(self, i: int) -> HalfSpaces:
        """Return the irredundant half-spaces ``A t <= b`` of region i and what causes each."""
        return _facets.halfspaces(self.problem, self.leaves, self._index(i))

    @cached_property
    def _boundary(self) -> DecisionBoundary:
        from plnet.regions.boundary import decision_boundary

        return decision_boundary(self)

    def exact_cell(self, i: int) -> Cell:
        """Return region i in exact homogeneous integers."""
        return _facets.exact_cell(self.problem, self.leaves, self._index(i))

    @cached_property
    def adjacency(self) -> csr_array:
        """Which regions share a facet, sparse and symmetric, shape (R, R), entries 1."""
        self._require_complete("adjacency")
        return _adjacency.adjacency(self.problem, self.leaves)

    def count(self, definition: str = "activation") -> RegionCount:
        """Return the number of regions under a definition.

        Raises
        ------
        EngineError
            If the definition is unknown or cannot be computed.
        """
        return count_regions_of(self, canonical_definition(definition))

    def locate(self, x: Any) -> np.ndarray:
        """Return the index of the region of each point, coordinates t of shape (n, d) -> (n,).

        For a Box, a Polytope and a Space the coordinates are the inputs of the network. A
        point on a wall belongs to a region whose closure contains it; a point outside the
        domain gets -1. In a complex that stopped early -1 also stands for regions not found.
        """
        return locate(self, x)

    def decision_boundary(self) -> DecisionBoundary:
        """Return where the predicted class changes, exactly.

        The class is the largest output, the last one at a tie; with one output it is whether
        the output is positive. Takes about as long as the enumeration, once.
        """
        self._require_complete("the decision boundary")
        return self._boundary

    def degeneracies(self) -> Degeneracies:
        """Return where walls coincide, and where more walls than needed meet; exact."""
        from plnet.regions.degeneracy import degeneracies

        self._require_complete("degeneracies")
        return degeneracies(self)

    def certificate(self) -> Certificate:
        """Return rational vertices of all regions, which prove the count by themselves."""
        from plnet.regions.certificate import certificate

        self._require_complete("a certificate")
        return certificate(self)

    def to_networkx(self) -> Any:
        """Return the adjacency as a networkx graph; nodes carry pattern, point and volume."""
        return _adjacency.to_networkx(self)

    def save(self, path: str | Path) -> Path:
        """Write the complex, its network and its domain to an npz file without pickle."""
        from plnet.regions.files import save_complex

        return save_complex(self, path)

    @classmethod
    def load(cls, path: str | Path) -> RegionComplex:
        """Read a complex that `save` wrote.

        Raises
        ------
        FileFormatError
            If the file is corrupt or of a newer schema.
        """
        from plnet.regions.files import load_complex

        return load_complex(path)

    def _index(self, i: int) -> int:
        position = operator.index(i)
        if not -len(self) <= position < len(self):
            raise IndexError(f"Region {i} does not exist: the complex has {len(self)} regions.")
        return position % len(self)

    def _require_complete(self, what: str) -> None:
        if not self.complete:
            raise IncompleteResultError(
                f"Cannot give {what}: the enumeration stopped early with {len(self)} regions. "
                "Enumerate again with a larger max_regions or max_seconds."
            )


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
