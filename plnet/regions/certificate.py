"""Certificates: rational proof of the regions of a network that can be checked on its own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from plnet.geometry.cells import Vertex, domain_cell
from plnet.geometry.domain import Chart
from plnet.ir.network import PLNetwork
from plnet.regions.exact_measure import Faces, interior_point, measure, net_faces, ring_of, volume

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["Certificate", "CertifiedRegion", "certificate"]


@dataclass(frozen=True)
class CertifiedRegion:
    """One region of a certificate.

    Parameters
    ----------
    pattern : tuple of int
        The piece of each unit with more than one, as in ``RegionComplex.patterns``.
    vertices : tuple of integer tuples
        Homogeneous coordinates (X, W) in the domain: the point X / W, or the direction X in
        which the region is unbounded if W = 0. Ascending for d = 1, counter-clockwise for d = 2.
    witness : tuple of Fraction
        A point in the interior, which has this pattern.
    """

    pattern: tuple[int, ...]
    vertices: tuple[Vertex, ...]
    witness: tuple[Fraction, ...]

    @property
    def bounded(self) -> bool:
        """Whether no vertex is at infinity."""
        return all(vertex[-1] > 0 for vertex in self.vertices)

    @cached_property
    def volume(self) -> Fraction | None:
        """Exact length or area in the coordinates of the domain; None if unbounded."""
        return volume(net_faces([self.vertices])) if self.bounded else None


@dataclass(frozen=True, eq=False)
class Certificate:
    """The regions of a network on a domain, in exact numbers that prove themselves.

    Two statements follow from the numbers alone, by `check` here or by the program
    ``scripts/check_certificate.py``, which shares no code with plnet:

    1. Each region has its own pattern and a full-dimensional cell on which every unit keeps
       the piece that the pattern names. So there are at least `lower_bound` regions.
    2. The volumes of the cells add up to the volume of the domain. So no region is missing,
       and the count is exact. On unbounded domains the volume after the map
       ``t -> t / (1 + |t_1| + ... + |t_d|)`` takes its place.

    Parameters
    ----------
    network : PLNetwork
    chart : Chart
        The domain.
    regions : tuple of CertifiedRegion
    """

    network: PLNetwork
    chart: Chart
    regions: tuple[CertifiedRegion, ...]

    def __len__(self) -> int:
        return len(self.regions)

    def __repr__(self) -> str:
        return f"Certificate({len(self)} regions, dimension {self.chart.dim}, {self.network.n_units} units)"

    @cached_property
    def domain_vertices(self) -> tuple[Vertex, ...]:
        """Vertices of the domain, written like those of a region."""
        return ring_of(domain_cell(self.chart.facets, self.chart.facet_names))

    @cached_property
    def _faces(self) -> tuple[Faces, Faces]:
        return net_faces(region.vertices for region in self.regions), net_faces([self.domain_vertices])

    @cached_property
    def domain_volume(self) -> Fraction | None:
        """Exact volume of the domain in its coordinates; None if unbounded."""
        bounded = all(vertex[-1] > 0 for vertex in self.domain_vertices)
        return volume(self._faces[1]) if bounded else None

    @cached_property
    def total_volume(self) -> Fraction | None:
        """Exact sum of the volumes of all regions; None if one of them is unbounded."""
        bounded = all(region.bounded for region in self.regions)
        return volume(self._faces[0]) if bounded else None

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the certificate, one sentence each; see `check`."""
        return self._verdict[0]

    @property
    def lower_bound(self) -> int:
        """Number of regions that are proved: distinct patterns with a cell that holds."""
        return self._verdict[1]

    @cached_property
    def complete(self) -> bool:
        """Whether the certificate proves that no region is missing."""
        if self.problems:
            return False
        regions, domain = self._faces
        if self.domain_volume is not None:
            return self.total_volume == self.domain_volume
        return measure(regions) == measure(domain)

    def check(self) -> tuple[str, ...]:
        """Check every statement about every region anew, in exact integers.

        Returns
        -------
        tuple of str
            What is wrong, one sentence each; empty if all holds.

        Notes
        -----
        Costs O(U) exact products for each vertex of each region, U the units, about a
        millisecond for a region of a network with 200 units. Done once and remembered.
        """
        return self.problems

    @cached_property
    def _verdict(self) -> tuple[tuple[str, ...], int]:
        from plnet.regions.certificate_check import verdict

        return verdict(self)

    def save(self, path: str | Path) -> Path:
        """Write the certificate, its network and its domain as JSON, every number exact.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        from plnet.regions.certificate_file import save_certificate

        return save_certificate(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Certificate:
        """Read a certificate that `save` wrote. Nothing in it is believed; see `check`.

        Raises
        ------
        FileFormatError
            If the file is missing, corrupt or of a newer schema.
        """
        from plnet.regions.certificate_file import load_certificate

        return load_certificate(path)


def certificate(complex_: RegionComplex) -> Certificate:
    """Return rational vertices and witnesses of all regions of a complex, d = 1 or 2.

    Parameters
    ----------
    complex_ : RegionComplex

    Returns
    -------
    Certificate

    Notes
    -----
    Costs the exact reconstruction of each cell from its facets, O(d n) exact products for a
    layer of width n, about half a millisecond a region for a network with 200 units.

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> cross = PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), input_dim=2)
    >>> proof = plnet.enumerate_regions(cross, plnet.Box(-1, 1)).certificate()
    >>> proof.lower_bound, proof.complete, proof.total_volume
    (4, True, Fraction(4, 1))
    """
    regions = []
    for i, pattern in enumerate(complex_.patterns.tolist()):
        ring = ring_of(complex_.exact_cell(i))
        regions.append(CertifiedRegion(tuple(pattern), ring, interior_point(ring)))
    return Certificate(complex_.network, complex_.chart, tuple(regions))
