"""Where a function of one variable bends, and which units cause it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plnet.errors import DimensionError
from plnet.geometry.homogeneous import FacetId, Vertex
from plnet.regions.cells.face_lattice import corners_of
from plnet.regions.cells.walls import exact_contacts, walls_of
from plnet.regions.data import RegionData

__all__ = ["Breakpoint", "find_breakpoints"]


@dataclass(frozen=True, eq=False)
class Breakpoint:
    """A point between two regions of a segment or a line.

    Parameters
    ----------
    position : Fraction
        Coordinate t.
    units : tuple of (layer, unit, lower piece, higher piece)
        All units that change their piece there.
    before, after : ndarray of Fraction, shape (m,)
        Slopes of the outputs with respect to t on both sides. Equal slopes: the units change, the
        function does not bend.
    values : ndarray of Fraction, shape (m,)
        Outputs there, from the left.
    """

    position: Fraction
    units: tuple[FacetId, ...]
    before: np.ndarray
    after: np.ndarray
    values: np.ndarray

    @property
    def bends(self) -> bool:
        """Whether a slope changes."""
        return bool((self.before != self.after).any())


def find_breakpoints(complex_: RegionData) -> tuple[Breakpoint, ...]:
    """Return the breakpoints of a complex of dimension 1, from left to right, exactly.

    Raises
    ------
    DimensionError
        If the domain is not one-dimensional.
    """
    if complex_.dim != 1:
        raise DimensionError(
            f"Breakpoints belong to a domain of dimension 1, this one has {complex_.dim}. Take a Segment."
        )
    right_end: dict[Fraction, tuple[int, Vertex]] = {}
    left_end: dict[Fraction, int] = {}
    for i in range(len(complex_)):
        finite = [v for v in corners_of(complex_.exact_cell(i)).corners if v[-1]]
        inside = complex_.exact_cell(i).witness()[0]
        for v in finite:
            place = Fraction(v[0], v[1])
            if place > inside:
                right_end[place] = (i, v)
            elif place < inside:
                left_end[place] = i
    return tuple(
        _breakpoint(complex_, place, *right_end[place], left_end[place])
        for place in sorted(set(right_end) & set(left_end))
    )


def _breakpoint(complex_: RegionData, place: Fraction, left: int, vertex: Vertex, right: int) -> Breakpoint:
    prefix = tuple(complex_.network.pieces_of(complex_.patterns[left]))
    walls = walls_of(exact_contacts(complex_.problem, prefix, vertex))
    before, offset = complex_.exact_map(left)
    after, _ = complex_.exact_map(right)
    units = tuple(wall for wall in walls if wall[0] >= 0)
    return Breakpoint(place, units, before[:, 0], after[:, 0], before[:, 0] * place + offset)
