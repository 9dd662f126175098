"""The check of a certificate: every statement about every region, in exact integers.

Why the conditions suffice. If every unit keeps its claimed piece, as a closed inequality, at
some points, it does so on their hull, where the network then is the affine map of the pattern.
If the witness has the claimed pattern by definition, no inequality that must be strict is an
identity, so all points inside a full-dimensional hull have this pattern. Hulls of distinct
patterns thus have disjoint interiors, and volumes may be added.

The volume is that of simplices which do not overlap, whatever the points are (`triangulate`).
They lie in the region, so if their volumes add up to that of the domain, no region is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod
from typing import TYPE_CHECKING

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import object_array
from plnet.geometry.homogeneous import Form, Vertex, reduced, value
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.regions.cells.measure import (
    Boundary,
    add_simplices,
    bounded_picture,
    enclosed_volume,
    homogeneous_point,
    triangulate,
)
from plnet.regions.certificates.region import CertifiedRegion, Part
from plnet.regions.problem import Problem

if TYPE_CHECKING:
    from plnet.regions.certificates.certificate import Certificate

__all__ = ["Verdict", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """What the check of a certificate found.

    Parameters
    ----------
    problems : tuple of str
        What is wrong, one sentence each.
    n_proved : int
        Number of regions that hold.
    volumes : tuple of Fraction or None
        Volume of each region; None if it is unbounded or wrong.
    measure, domain_measure : Fraction
        Sum of the volumes of the regions that hold, and that of the domain; of their bounded
        pictures if the domain is unbounded.
    """

    problems: tuple[str, ...]
    n_proved: int
    volumes: tuple[Fraction | None, ...]
    measure: Fraction
    domain_measure: Fraction


class _FaultError(Exception):
    """What is wrong with one region."""


def verdict(certificate: Certificate) -> Verdict:
    """Return what is wrong with a certificate, and what it proves."""
    problem = Problem(certificate.network, certificate.chart)
    facets = [tuple(row) for row in certificate.chart.facets.integers.tolist()]
    bounded = all(vertex[-1] > 0 for part in certificate.domain_parts for vertex in part)
    whole: Boundary = {}
    for part in certificate.domain_parts:
        _Simplices.of(part, [_zeros([value(facet, v) for v in part]) for facet in facets], bounded).add_to(
            whole
        )
    boundary: Boundary = {}
    problems: dict[int, str] = {}
    volumes: list[Fraction | None] = [None] * len(certificate)
    proved: set[tuple[int, ...]] = set()
    # In the order of the patterns, regions with a common prefix follow each other and share exact forms.
    for i in sorted(range(len(certificate)), key=lambda i: certificate.regions[i].pattern):
        look()
        region = certificate.regions[i]
        try:
            if region.pattern in proved:
                raise _FaultError("has the pattern of another region")
            parts = _examined(problem, facets, region, bounded)
        except _FaultError as fault:
            problems[i] = f"Region {i} {fault}."
            continue
        proved.add(region.pattern)
        sizes = [part.add_to(boundary) for part in parts]
        volumes[i] = sum(sizes, Fraction(0)) if region.bounded else None
    found = tuple(problems[i] for i in sorted(problems))
    return Verdict(found, len(proved), tuple(volumes), enclosed_volume(boundary), enclosed_volume(whole))


@dataclass(frozen=True)
class _Simplices:
    """Simplices that do not overlap, within one part of a region."""

    points: tuple[Vertex, ...]
    pictures: tuple[Vertex, ...]
    indices: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, part: Part, sets: list[int], bounded: bool) -> _Simplices:
        """Triangulate a part; the sets say which of its points are on which inequality."""
        d = len(part[0]) - 1
        if not bounded:
            sets = [*sets, *(_zeros([v[k] for v in part]) for k in range(d + 1))]
        pictures = part if bounded else tuple(map(bounded_picture, part))
        # In one order everywhere, so that neighbours divide a common face in the same way.
        order = sorted(range(len(part)), key=pictures.__getitem__)
        rank = {i: k for k, i in enumerate(order)}
        moved = {sum(1 << k for i, k in rank.items() if one >> i & 1) for one in set(sets)}
        return cls(
            tuple(part[i] for i in order),
            tuple(pictures[i] for i in order),
            tuple(triangulate((1 << len(part)) - 1, moved, d)),
        )

    def add_to(self, boundary: Boundary) -> Fraction:
        """Add the pictures to a sum of simplices; return the volume, 0 if there is none."""
        sizes = add_simplices(boundary, self.pictures, self.indices)
        if any(point[-1] == 0 for point in self.points):
            return Fraction(0)
        weights = (prod(self.points[i][-1] for i in simplex) for simplex in self.indices)
        total = sum(map(Fraction, sizes, weights), Fraction(0))
        return total / factorial(len(self.points[0]) - 1)


def _examined(
    problem: Problem, facets: list[Form], region: CertifiedRegion, bounded: bool
) -> list[_Simplices]:
    """Return the parts of a region as simplices, or raise with what is wrong."""
    _check_shape(region, problem.dim, bounded)
    points = region.vertices
    witness = homogeneous_point(region.witness)
    sets = []
    for facet in facets:
        values = [value(facet, point) for point in (*points, witness)]
        if min(values) < 0 or (values[-1] == 0 and any(values)):
            raise _FaultError("leaves the domain")
        sets.append(_zeros(values[:-1]))
    for where, strict, values in _inequalities(problem, region.pattern, (*points, witness)):
        if min(values) < 0:
            raise _FaultError(f"is not in {where}")
        if values[-1] == 0 and (strict or any(values)):
            raise _FaultError(f"has its witness not inside {where}")
        sets.append(_zeros(values[:-1]))
    place = {point: i for i, point in enumerate(points)}
    parts = []
    for part in region.parts:
        of_part = [place[point] for point in part]
        own = {sum((one >> i & 1) << k for k, i in enumerate(of_part)) for one in set(sets)}
        parts.append(_Simplices.of(part, list(own), bounded))
    if not all(part.indices for part in parts):
        raise _FaultError("has no cell of full dimension")
    return parts


def _check_shape(region: CertifiedRegion, d: int, bounded: bool) -> None:
    points = region.vertices
    if any(len(v) != d + 1 or v[-1] < bounded or not any(v) for v in points) or not region.parts:
        raise _FaultError("has impossible vertices")
    if len(region.witness) != d:
        raise _FaultError("has an impossible witness")
    if any(len({reduced(v) for v in part}) < max(len(part), d + 1) for part in region.parts):
        raise _FaultError("names a vertex twice, or too few")
    if bounded:
        if len(region.parts) > 1:
            raise _FaultError("has several parts on a bounded domain")
        return
    orthants = set()
    for part in region.parts:
        sides = [{(x > 0) - (x < 0) for x in column} - {0} for column in list(zip(*part, strict=True))[:-1]]
        if any(len(side) != 1 for side in sides):
            raise _FaultError("has a part that is not in one orthant")
        orthants.add(tuple(side.pop() for side in sides))
    if len(orthants) < len(region.parts):
        raise _FaultError("has two parts in one orthant")


def _inequalities(
    problem: Problem, pattern: tuple[int, ...], points: tuple[Vertex, ...]
) -> Iterator[tuple[str, bool, list[int]]]:
    """Yield what the pattern says: where, whether strictly positive, and the values at the points."""
    network = problem.network
    if len(pattern) != network.n_units:
        raise _FaultError(f"has a pattern of {len(pattern)} units, the network has {network.n_units}")
    pieces_shown = np.array(pattern, dtype=np.int64)
    limits = np.concatenate([np.empty(0, np.int64), *map(_piece_limits, network.nonlinear_layers)])
    if ((pieces_shown < 0) | (pieces_shown >= limits)).any():
        raise _FaultError("names a piece that its unit does not have")
    prefix = tuple(network.pieces_of(pieces_shown))
    flat = [x for row in zip(*points, strict=True) for x in row]
    columns = object_array(flat, (problem.dim + 1, len(points)))
    for depth, block in enumerate(problem.blocks):
        forms = problem.forms(prefix[:depth])
        values = forms.integers.dot(columns).tolist()
        scales = [forms.denominator * v[-1] for v in points]
        for unit, piece in enumerate(prefix[depth].tolist()):
            where = f"piece {piece} of unit {unit} of nonlinear layer {depth}"
            for strict, found in _of_unit(block.nonlinear, unit, piece, values, scales):
                yield where, strict, found


def _piece_limits(layer: ScalarPWL | GroupMax) -> np.ndarray:
    """Return the number of piece indices of each unit that a pattern shows."""
    shown = layer.n_pieces > 1
    return (
        np.full(shown.sum(), layer.groups.shape[1]) if isinstance(layer, GroupMax) else layer.n_pieces[shown]
    )


def _of_unit(
    layer: ScalarPWL | GroupMax, unit: int, piece: int, values: list[list[int]], scales: list[int]
) -> Iterator[tuple[bool, list[int]]]:
    """Yield the inequalities of one unit: whether strict, and the values that must not be negative."""
    if isinstance(layer, GroupMax):
        members = layer.groups[unit].tolist()
        chosen = values[members[piece]]
        last = {member: other for other, member in enumerate(members)}
        for member, other in last.items():
            if member != members[piece] or other > piece:
                yield other > piece, [a - b for a, b in zip(chosen, values[member], strict=True)]
        return
    for wall in (piece - 1, piece):
        if 0 <= wall < layer.n_pieces[unit] - 1:
            top, bottom = float(layer.breakpoints[unit, wall]).as_integer_ratio()
            above = [z * bottom - top * scale for z, scale in zip(values[unit], scales, strict=True)]
            yield wall < piece, above if wall < piece else [-z for z in above]


def _zeros(values: list[int]) -> int:
    """Return the set of the points at which a value is zero."""
    return sum(1 << i for i, x in enumerate(values) if x == 0)
