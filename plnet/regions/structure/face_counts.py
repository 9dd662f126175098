"""How many faces a complex has in each dimension, and how many regions each layer makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plnet.ir.layers import Affine
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import require_continuous
from plnet.regions.cells.face_lattice import Face, corners_of, is_bounded_face
from plnet.regions.data import RegionData
from plnet.regions.definitions.count import count_regions_of
from plnet.regions.enumeration import count_on_chart
from plnet.regions.results import RegionCount

__all__ = ["FaceCounts", "count_by_layer", "count_faces", "truncated"]


@dataclass(frozen=True)
class FaceCounts:
    """The f-vector of a complex.

    Parameters
    ----------
    total : tuple of int, length d + 1
        Number of faces of each dimension: vertices, edges, ..., regions.
    bounded : tuple of int, length d + 1
        Those of them that are bounded.
    """

    total: tuple[int, ...]
    bounded: tuple[int, ...]

    @property
    def unbounded(self) -> tuple[int, ...]:
        """Number of unbounded faces of each dimension."""
        return tuple(a - b for a, b in zip(self.total, self.bounded, strict=True))

    @property
    def euler_characteristic(self) -> int:
        """Alternating sum of all faces: 1 on a bounded domain, (-1)^d on all of R^d."""
        return sum((-1) ** k * n for k, n in enumerate(self.total))

    def __str__(self) -> str:
        return ", ".join(
            f"{n} faces of dimension {k} ({b} bounded)"
            for k, (n, b) in enumerate(zip(self.total, self.bounded, strict=True))
        )


def count_faces(complex_: RegionData) -> FaceCounts:
    """Return the f-vector of a complex, exactly.

    Raises
    ------
    EngineError
        If the network can jump, because then its regions need not meet face to face.

    Notes
    -----
    Costs the exact reconstruction of every region and O(f^2) set operations for each of its
    faces. Faces are compared by their exact corners.

    References
    ----------
    Grigsby and Lindsey (2022), On Transversality of Bent Hyperplane Arrangements and the
    Topological Expressiveness of ReLU Neural Networks, SIAM J. Appl. Algebra Geometry,
    section 6: the regions of a continuous network are a polyhedral complex.
    """
    require_continuous(complex_.network, "The number of faces")
    found: list[set[Face]] = [set() for _ in range(complex_.dim + 1)]
    lines = False
    for i in range(len(complex_)):
        cell = corners_of(complex_.exact_cell(i))
        lines = lines or bool(cell.lines)
        for total, faces in zip(found, cell.faces(), strict=True):
            total |= faces
    bounded = [0 if lines else sum(map(is_bounded_face, faces)) for faces in found]
    return FaceCounts(tuple(map(len, found)), tuple(bounded))


def truncated(network: PLNetwork, depth: int) -> PLNetwork:
    """Return the network up to its nonlinear layer ``depth - 1``; without layers for depth 0."""
    kept, seen = 0, 0
    for position, layer in enumerate(network.layers):
        if seen == depth:
            break
        seen += not isinstance(layer, Affine)
        kept = position + 1
    return replace(network, layers=network.layers[:kept])


def count_by_layer(complex_: RegionData) -> tuple[RegionCount, ...]:
    """Return the number of activation regions after each nonlinear layer.

    Entry l counts the regions of the network that ends behind nonlinear layer l; the last one is
    the number of regions of the complex. Costs one count for each layer but the last.
    """
    depth = len(complex_.network.nonlinear_layers)
    earlier = (count_on_chart(truncated(complex_.network, k), complex_.chart) for k in range(1, depth))
    last = count_regions_of(complex_, "activation")
    return (*earlier, last) if depth else (last,)
