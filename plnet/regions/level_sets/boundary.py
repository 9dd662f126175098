"""Decision boundaries, exact: the network followed by a maximum over its outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic

import numpy as np

from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import require_continuous
from plnet.regions.cells.adjacency import neighbours
from plnet.regions.cells.face_lattice import Face, corners_of
from plnet.regions.data import RegionData, Regions
from plnet.regions.enumeration import enumerate_on_chart
from plnet.regions.leaves import read_only
from plnet.regions.level_sets.level_set import complement_components, ordered_corners
from plnet.regions.level_sets.topology import Part, Topology, face_dimension, face_size, topology

__all__ = ["DecisionBoundary", "decision_boundary", "with_decision"]


@dataclass(frozen=True, eq=False)
class DecisionBoundary(Generic[Regions]):
    """The set where the predicted class changes.

    Parameters
    ----------
    ends : ndarray, shape (B, 2, d + 1)
        Ends of each piece in homogeneous coordinates of the domain (d = 2), or twice the same
        point (d = 1). The last entry is 1, or 0 for a direction in which the piece is unbounded.
        Empty, (0, 2, d + 1), for d > 2; see `corners`.
    classes : ndarray of int, shape (B, 2)
        Lower and higher class that meet there. Where the network has one output the classes
        are 0 (negative or zero) and 1 (positive).
    regions : ndarray of int, shape (B, 2)
        Regions of `refined` that meet there.
    facets : ndarray of int, shape (B,)
        Row of each piece in the facets of `refined`.
    length : float
        Total length or area in the space of the inputs; the number of points for d = 1; inf if
        the boundary is unbounded.
    refined : RegionComplex
        The regions cut along the boundary; the last column of its patterns is the class.
    """

    ends: np.ndarray
    classes: np.ndarray
    regions: np.ndarray
    facets: np.ndarray
    length: float
    refined: Regions

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def segments(self) -> np.ndarray:
        """End points of the bounded pieces, shape (S, 2, d); for d <= 2."""
        return self.ends[(self.ends[:, :, -1] > 0).all(axis=1), :, :-1]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The pieces with exact corners."""
        return tuple(_exact_parts(self.refined, self.regions[:, 0], self.facets))

    def corners(self, k: int) -> np.ndarray:
        """Return the corners of piece k, homogeneous and rounded once, shape (n, d + 1).

        For a polygon in cyclic order. The last entry is 1, or 0 for a direction.
        """
        return ordered_corners(self.parts[k])

    @cached_property
    def sizes(self) -> np.ndarray:
        """Length or area of each piece in the input space, shape (B,); 1 for a point."""
        return read_only(np.array([face_size(part, self.refined) for part in self.parts]))

    @cached_property
    def topology(self) -> Topology:
        """Components, Euler characteristic and Betti numbers, exact.

        Raises
        ------
        EngineError
            If the network can jump.
        """
        require_continuous(self.refined.network, "The topology of a decision boundary")
        d, n = self.refined.dim, 1
        if d > 1:
            walls = {(min(i, j), max(i, j)) for i, j in self.regions.tolist()}
            nothing = np.zeros(len(self.refined), dtype=bool)
            n = complement_components(self.refined, nothing, walls, set())
        return topology(self.parts, d, n)


def with_decision(network: PLNetwork) -> PLNetwork:
    """Return the network followed by the choice of the class."""
    m = network.output_dim
    last = ScalarPWL.relu(1, "class") if m == 1 else GroupMax(np.arange(m)[None], m, "class")
    return replace(network, layers=(*network.layers, last))


def decision_boundary(complex_: Regions) -> DecisionBoundary[Regions]:
    """Return the decision boundary of the network of a complex on its domain.

    Enumerates the regions once more, cut along the boundary.
    """
    refined = enumerate_on_chart(with_decision(complex_.network), complex_.chart, type(complex_))
    refined = replace(refined, leaves=refined.geometry)
    leaves, classes = refined.leaves, refined.patterns[:, -1]
    region = leaves.facet_region
    behind = neighbours(refined.problem, leaves)
    # Each piece of the boundary is a facet of two regions; take it from the lower class. It may
    # lie on a wall of any layer.
    chosen = np.flatnonzero((behind >= 0) & (classes[region] < classes[behind]))
    regions = np.stack([leaves.facet_region[chosen], behind[chosen]], axis=1)
    ends = _ends(refined, chosen)
    if refined.dim > 2:
        parts = _exact_parts(refined, regions[:, 0], chosen)
        length = math.fsum(face_size(part, refined) for part in parts)
    elif refined.dim == 1:
        length = float(len(ends))
    elif (ends[:, :, -1] > 0).all():
        steps = (ends[:, 1, :-1] - ends[:, 0, :-1]) @ refined.chart.directions.T
        length = float(np.linalg.norm(steps, axis=1).sum())
    else:
        length = np.inf
    return DecisionBoundary(ends, classes[regions], regions, chosen, length, refined)


def _ends(refined: RegionData, rows: np.ndarray) -> np.ndarray:
    """Return the ends of facets, given as rows, shape (B, 2, d + 1); none for d > 2."""
    leaves = refined.leaves
    if refined.dim > 2:
        return np.empty((0, 2, refined.dim + 1))
    first = leaves.vertices[rows]
    second = first if refined.dim == 1 else leaves.vertices[leaves.following[rows]]
    return np.stack([first, second], axis=1)


def _exact_parts(refined: RegionData, regions: np.ndarray, rows: np.ndarray) -> list[Part]:
    """Return facets, given by their regions and rows, with exact corners."""
    names = [tuple(row) for row in refined.leaves.facets[rows].tolist()]
    cells = {i: corners_of(refined.exact_cell(i)) for i in dict.fromkeys(regions.tolist())}
    found = []
    for i, name in zip(regions.tolist(), names, strict=True):
        cell = cells[i]
        face: Face = cell.facets[cell.names.index(name)]
        found.append(Part(face, cell, face_dimension(face, cell)))
    return found
