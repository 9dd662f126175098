"""Level sets of an output, exact, as complexes of their own.

A unit is appended that bends at the value. On every region of the longer network the output is
above, below, or equal to the value everywhere inside. In the first two cases the level set meets
the closed region in one of its faces; in the third it contains the region.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Generic

import numpy as np

from plnet.budgets import look
from plnet.errors import DomainError
from plnet.geometry.homogeneous import Form
from plnet.geometry.homogeneous import value as value_at
from plnet.ir.layers import Affine, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import output_weights, require_continuous
from plnet.regions.cells.adjacency import pattern_index
from plnet.regions.cells.face_lattice import CornerCell, Face, corners_of, ordered_face
from plnet.regions.data import RegionData, Regions
from plnet.regions.enumeration import enumerate_on_chart
from plnet.regions.leaves import read_only, rounded_vertex
from plnet.regions.level_sets.topology import (
    Components,
    Part,
    Topology,
    face_dimension,
    face_size,
    topology,
)

__all__ = ["LevelSet", "complement_components", "level_set", "ordered_corners", "with_level"]

_CLOSE = 2.0**-16
"""Width of the strips that show which regions come close to the value, as a share of a usual output."""


@dataclass(frozen=True, eq=False)
class LevelSet(Generic[Regions]):
    """The points of the domain where an output has a given value.

    Parameters
    ----------
    value : Fraction
    parts : tuple of Part
        The faces that make up the set: first all `pieces` of dimension d - 1, then faces of lower
        dimension in no piece, where the output only touches the value.
    n_pieces : int
        Number of parts of dimension d - 1.
    regions : tuple of tuple of int
        For each part the regions of the complex that it is a face of.
    plateaus : tuple of int
        Regions of the complex on which the output is the value everywhere. They belong to the level
        set, which has dimension d there; their inside is in no part.
    complex_ : RegionComplex
        The complex.
    refined : RegionComplex
        Its regions cut along the level set; the last unit says whether the output is above.
    topology : Topology
        Of the whole set, plateaus included; `topology.component` goes over `parts`, then over the
        plateau cells.
    """

    value: Fraction
    parts: tuple[Part, ...]
    n_pieces: int
    regions: tuple[tuple[int, ...], ...]
    plateaus: tuple[int, ...]
    complex_: Regions
    refined: Regions
    topology: Topology

    def __len__(self) -> int:
        return self.n_pieces

    def __repr__(self) -> str:
        extra = f", {len(self.plateaus)} regions of full dimension" if self.plateaus else ""
        return (
            f"LevelSet(value {self.value}: {self.n_pieces} piece{'s' * (self.n_pieces != 1)}, "
            f"{self.topology.n_components} component{'s' * (self.topology.n_components != 1)}{extra})"
        )

    @property
    def has_plateaus(self) -> bool:
        """Whether the set contains regions of full dimension."""
        return bool(self.plateaus)

    def corners(self, k: int) -> np.ndarray:
        """Return the corners of part k, homogeneous and rounded once, shape (n, d + 1).

        For a polygon in cyclic order. The last entry is 1, or 0 for a direction.
        """
        return ordered_corners(self.parts[k])

    @cached_property
    def sizes(self) -> np.ndarray:
        """Length or area of each part in the input space, shape (len(parts),); 1 for a point."""
        return read_only(np.array([face_size(part, self.complex_) for part in self.parts]))

    @property
    def total(self) -> float:
        """Total length (d = 2) or area (d = 3) of the pieces; their number for d = 1; inf if unbounded."""
        return math.fsum(self.sizes[: self.n_pieces].tolist())


@np.errstate(over="ignore", invalid="ignore")
def level_set(
    complex_: Regions, value: Any = 0, output: int | Sequence[float] | None = None
) -> LevelSet[Regions]:
    """Return the level set of an output, or of a linear combination of outputs.

    Parameters
    ----------
    complex_ : RegionComplex
        Complete.
    value : float or Fraction
        A float, or a fraction whose numerator and denominator are floats.
    output : int or sequence of m floats, optional
        One output, or a weight for each; may be left out where there is one output.

    Returns
    -------
    LevelSet

    Raises
    ------
    DomainError
        If the value is not finite, or a fraction with too long numbers.
    EngineError
        If the network can jump.

    Notes
    -----
    Costs two more enumerations, and the exact reconstruction of the regions along the level set.
    The first enumeration cuts regions at the value. The second one also cuts a strip on each side of
    it: every region that touches the level set has a part in a strip, so no face is missed.
    """
    require_continuous(complex_.network, "A level set")
    weights = output_weights(complex_.network, output)
    exact = _exact_value(value)
    kind = type(complex_)
    refined = enumerate_on_chart(with_level(complex_.network, weights, exact), complex_.chart, kind)
    width = _strip_width(complex_, weights, exact)
    cut = with_level(complex_.network, weights, exact, width)
    strips = enumerate_on_chart(cut, complex_.chart, kind).patterns.copy()
    strips = strips[(strips[:, -1] == 1) | (strips[:, -1] == 2)]
    strips[:, -1] -= 1
    near = {row.tobytes() for row in strips}
    touching = np.array([row.tobytes() in near for row in refined.patterns], dtype=bool)
    return _assembled(complex_, replace(refined, leaves=refined.geometry), exact, touching)


def with_level(
    network: PLNetwork, weights: np.ndarray, level: Fraction, width: float | None = None
) -> PLNetwork:
    """Return the network followed by a unit whose piece is 1 where the combination is above the level.

    With a width it has four pieces: below the level, in a strip below it, in a strip above it, above it.
    """
    p, q = float(level.numerator), float(level.denominator)
    gate = ScalarPWL.relu(1, "level")
    if width is not None:
        gate = ScalarPWL.uniform(1, [-width, 0.0, width], [0.0, 1.0, 2.0, 3.0], 0.0, "level")
    combined = Affine(weights[None], np.zeros(1))
    layers = (combined, Affine(np.array([[q]]), np.array([-p])), gate)
    return replace(network, layers=(*network.layers, *layers))


def _strip_width(complex_: RegionData, weights: np.ndarray, level: Fraction) -> float:
    values = complex_.network.evaluate(complex_.chart.embed(complex_.points)) @ weights
    usual = float(np.median(np.abs(values * level.denominator - float(level.numerator))))
    return _CLOSE * usual if 1e-200 < usual < math.inf else _CLOSE


def ordered_corners(part: Part) -> np.ndarray:
    """Return the corners of a face, rounded; in cyclic order where it is a polygon."""
    return np.array([rounded_vertex(v) for v in ordered_face(part.face, part.cell.facets)])


def complement_components(
    refined: RegionData, inside: np.ndarray, walls: set[tuple[int, int]], border: set[int]
) -> int:
    """Return the number of components of the complement of a set, cut off at a large ball, d > 1.

    Parameters
    ----------
    refined : RegionComplex
    inside : ndarray of bool, shape (R,)
        Regions that belong to the set.
    walls : set
        Pairs (i, j), i < j, of regions whose common facet belongs to the set.
    border : set of int
        Regions all of whose sides at the border of the domain belong to the set.
    """
    found = Components()
    found.find(-1)
    rows, columns = refined.adjacency.nonzero()
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        look()
        if i < j and not inside[i] and not inside[j] and (i, j) not in walls:
            found.join((i, j))
    at_border = set(refined.leaves.facet_region[refined.leaves.facets[:, 0] == -1].tolist())
    unbounded = set(np.flatnonzero(~refined.bounded).tolist())
    for i in np.flatnonzero(~inside).tolist():
        if i in unbounded or (i in at_border and i not in border):
            found.join((-1, i))
        else:
            found.find(i)
    return len(found)


def _exact_value(level: Any) -> Fraction:
    try:
        exact = Fraction(level.item() if isinstance(level, np.generic) else level)
        fits = all(Fraction(float(x)) == x for x in exact.as_integer_ratio())
    except (TypeError, ValueError, OverflowError, AttributeError):
        raise DomainError(f"Expected a finite number as the value of a level set, got {level!r}.") from None
    if not fits:
        raise DomainError(
            f"The value {exact} of a level set has too long a numerator or denominator. "
            "Give a float, or a fraction of integers below 2**53."
        )
    return exact


def _assembled(
    complex_: Regions, refined: Regions, level: Fraction, touching: np.ndarray
) -> LevelSet[Regions]:
    inside = np.zeros(len(refined), dtype=bool)
    # A plateau is not above the value, and in the strip below it.
    for i in np.flatnonzero(touching & (refined.patterns[:, -1] == 0)).tolist():
        look()
        inside[i] = not any(_form(refined, i))
    index = pattern_index(complex_.patterns)
    original = [index[row[:-1].tobytes()] for row in refined.patterns]
    found = _touching_faces(refined, touching & ~inside)
    full = [Part(frozenset(c.corners), c, complex_.dim) for c in _cells(refined, inside)]
    parts = sorted(_maximal(list(found), full), key=lambda part: -part.dim)
    on = {part.face: owners for part, owners in found.items()}
    regions = tuple(tuple(sorted({original[i] for i in on[part.face]})) for part in parts)
    n = 1
    if complex_.dim > 1:
        n = complement_components(refined, inside, *_walls(refined, found))
    plateaus = tuple(sorted({original[i] for i in np.flatnonzero(inside).tolist()}))
    shape = topology([*parts, *full], complex_.dim, n)
    n_pieces = sum(part.dim == complex_.dim - 1 for part in parts)
    return LevelSet(level, tuple(parts), n_pieces, regions, plateaus, complex_, refined, shape)


def _cells(refined: RegionData, chosen: np.ndarray) -> list[CornerCell]:
    return [corners_of(refined.exact_cell(i)) for i in np.flatnonzero(chosen).tolist()]


def _touching_faces(refined: RegionData, chosen: np.ndarray) -> dict[Part, list[int]]:
    """Return the face of each chosen region that belongs to the level set, and its regions."""
    found: dict[Face, tuple[Part, list[int]]] = {}
    for i in np.flatnonzero(chosen).tolist():
        cell = corners_of(refined.exact_cell(i))
        form = _form(refined, i)
        face = frozenset(v for v in cell.corners if not value_at(form, v))
        # Along an unbounded region the output may come as close as wanted without reaching the value.
        if not any(v[-1] for v in face):
            continue
        if face not in found:
            found[face] = Part(face, cell, face_dimension(face, cell)), []
        found[face][1].append(i)
    return dict(found.values())


def _form(refined: RegionData, i: int) -> Form:
    """Return the form of the output less the value on a region, times a positive integer."""
    prefix = tuple(refined.network.pieces_of(refined.patterns[i]))
    return tuple(refined.problem.forms(prefix[:-1]).integers[0].tolist())


def _maximal(parts: list[Part], full: list[Part]) -> list[Part]:
    """Return the parts that lie in no larger one."""
    at: dict[Any, list[Face]] = {}
    for part in (*parts, *full):
        for corner in part.face:
            at.setdefault(corner, []).append(part.face)
    return [part for part in parts if not any(part.face < other for other in at[next(iter(part.face))])]


def _walls(refined: RegionData, found: dict[Part, list[int]]) -> tuple[set[tuple[int, int]], set[int]]:
    """Return the pairs of regions on both sides of a piece, and the regions whose border is in the set."""
    walls: set[tuple[int, int]] = set()
    border: set[int] = set()
    for part, regions in found.items():
        if part.dim != refined.dim - 1:
            continue
        if len(regions) == 2:
            walls.add((min(regions), max(regions)))
            continue
        sides = [f for f, name in zip(part.cell.facets, part.cell.names, strict=True) if name[0] == -1]
        if sides == [part.face]:
            border.add(regions[0])
    return walls, border
