"""Certificates: rational proof of the regions of a network that can be checked on its own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from plnet.budgets import look, time_limit
from plnet.errors import DimensionError
from plnet.geometry.cells import AnyCell, domain_cell
from plnet.geometry.domain import Chart
from plnet.ir.network import PLNetwork
from plnet.regions.cells.limited import exact_cells, orthant_parts, points_of, short_interior_point
from plnet.regions.certificates.check import Verdict, verdict
from plnet.regions.certificates.file import load_certificate, save_certificate
from plnet.regions.certificates.region import CertifiedRegion, Part
from plnet.regions.data import RegionData

__all__ = ["Certificate", "CertifiedRegion", "Part", "certificate"]

MOST_DIMENSIONS_BY_ORTHANTS = 6
"""Dimension up to which regions of unbounded domains are cut into their parts in the 2^d orthants."""


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
    def domain_parts(self) -> tuple[Part, ...]:
        """The domain, written like a region."""
        return _parts(self._root, self._root.bounded)

    @property
    def domain_volume(self) -> Fraction | None:
        """Exact volume of the domain in its coordinates; None if unbounded."""
        return self._verdict.domain_measure if self._root.bounded else None

    @property
    def total_volume(self) -> Fraction | None:
        """Exact sum of the volumes of all regions that hold; None if the domain is unbounded."""
        return self._verdict.measure if self._root.bounded else None

    @property
    def volumes(self) -> tuple[Fraction | None, ...]:
        """Exact volume of each region in the coordinates of the domain; None if unbounded or wrong."""
        return self._verdict.volumes

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the certificate, one sentence each; see `check`."""
        return self._verdict.problems

    @property
    def lower_bound(self) -> int:
        """Number of regions that are proved: distinct patterns with a cell that holds."""
        return self._verdict.n_proved

    @property
    def complete(self) -> bool:
        """Whether the certificate proves that no region is missing."""
        return not self.problems and self._verdict.measure == self._verdict.domain_measure

    def check(self, *, max_seconds: float | None = None) -> tuple[str, ...]:
        """Check every statement about every region anew, in exact integers.

        Returns
        -------
        tuple of str
            What is wrong, one sentence each; empty if all holds.

        Raises
        ------
        IncompleteResultError
            If the time is up first.

        Notes
        -----
        Costs O(U) exact products for each vertex of each region, U the units, and a determinant
        for each simplex of a triangulation. Done once and remembered.
        """
        with time_limit(max_seconds, "the verdict on the certificate"):
            return self.problems

    @cached_property
    def _root(self) -> AnyCell:
        return domain_cell(self.chart.facets, self.chart.facet_names)

    @cached_property
    def _verdict(self) -> Verdict:
        return verdict(self)

    def save(self, path: str | Path) -> Path:
        """Write the certificate, its network and its domain as JSON, every number exact.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        return save_certificate(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Certificate:
        """Read a certificate that `save` wrote. Nothing in it is believed; see `check`.

        Raises
        ------
        FileFormatError
            If the file is missing, corrupt or of a newer schema.
        """
        return cls(*load_certificate(path))


def certificate(complex_: RegionData) -> Certificate:
    """Return rational vertices and witnesses of all regions of a complex.

    Parameters
    ----------
    complex_ : RegionComplex

    Returns
    -------
    Certificate

    Raises
    ------
    DimensionError
        If a region has too many vertices to list them, or the domain is unbounded and of dimension
        more than 6.

    Notes
    -----
    Costs the exact reconstruction of each cell from its facets, and for unbounded domains its
    parts in up to 2^d orthants. About a millisecond a region for d = 2 and 3; on unbounded
    domains the check takes half a second a region for d = 5.

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> cross = PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), input_dim=2)
    >>> proof = plnet.enumerate_regions(cross, plnet.Box(-1, 1)).certificate()
    >>> proof.lower_bound, proof.complete, proof.total_volume
    (4, True, Fraction(4, 1))
    """
    bounded = complex_.problem.root.bounded
    if not bounded and complex_.dim > MOST_DIMENSIONS_BY_ORTHANTS:
        raise DimensionError(
            f"A certificate on an unbounded domain cuts each region along the coordinate hyperplanes, here "
            f"into up to 2^{complex_.dim} parts. Expected a dimension of at most "
            f"{MOST_DIMENSIONS_BY_ORTHANTS}, or a bounded domain: take a Box, or a Slice of fewer directions."
        )
    regions = []
    cells = exact_cells(complex_.problem, complex_.leaves, "A certificate")
    for pattern, cell in zip(complex_.patterns.tolist(), cells, strict=True):
        look()
        regions.append(CertifiedRegion(tuple(pattern), _parts(cell, bounded), short_interior_point(cell)))
    return Certificate(complex_.network, complex_.chart, tuple(regions))


def _parts(cell: AnyCell, bounded: bool) -> tuple[Part, ...]:
    return tuple(points_of(part) for part in ([cell] if bounded else orthant_parts(cell)))
