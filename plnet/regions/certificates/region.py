"""One region of a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from plnet.geometry.cells import Vertex

__all__ = ["CertifiedRegion", "Part"]

Part = tuple[Vertex, ...]


@dataclass(frozen=True)
class CertifiedRegion:
    """One region of a certificate.

    Parameters
    ----------
    pattern : tuple of int
        The piece of each unit with more than one, as in ``RegionComplex.patterns``.
    parts : tuple of tuple of integer tuples
        The region is the union of the hulls of its parts: one part on a bounded domain, one in each
        orthant on an unbounded domain. A part lists homogeneous coordinates (X, W) in the domain:
        the point X / W, or the direction X in which the part is unbounded if W = 0. Ascending for
        d = 1, counter-clockwise for d = 2.
    witness : tuple of Fraction
        A point in the interior, which has this pattern.
    """

    pattern: tuple[int, ...]
    parts: tuple[Part, ...]
    witness: tuple[Fraction, ...]

    @property
    def vertices(self) -> tuple[Vertex, ...]:
        """Points of all parts, each once."""
        return tuple(dict.fromkeys(vertex for part in self.parts for vertex in part))

    @property
    def bounded(self) -> bool:
        """Whether no vertex is at infinity."""
        return all(vertex[-1] > 0 for vertex in self.vertices)
