"""The check of a certificate: every statement about every region, in exact integers.

Why the conditions suffice. Let a cell be a star-shaped polygon around its witness. If every
unit keeps its claimed piece, as a closed inequality, at the vertices and at the witness, it
does so on the whole cell, where the network then is the affine map of the pattern. If the
witness has the claimed pattern by definition, each inequality is either strict inside the
cell or an identity there, so that all interior points have this pattern. Cells of distinct
patterns thus have disjoint interiors, and volumes may be added.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from plnet.geometry.cells import Vertex
from plnet.geometry.exact import object_array
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.regions.exact_measure import determinant, homogeneous_point, is_inside
from plnet.regions.problem import Problem

if TYPE_CHECKING:
    from plnet.regions.certificate import Certificate, CertifiedRegion

__all__ = ["verdict"]


def verdict(certificate: Certificate) -> tuple[tuple[str, ...], int]:
    """Return what is wrong with a certificate, and the number of regions that it proves."""
    problem = Problem(certificate.network, certificate.chart)
    facets = [tuple(row) for row in certificate.chart.facets.integers.tolist()]
    found: list[str] = []
    proved: set[tuple[int, ...]] = set()
    # In the order of the patterns, regions with a common prefix follow each other and share exact forms.
    for i in sorted(range(len(certificate)), key=lambda i: certificate.regions[i].pattern):
        region = certificate.regions[i]
        fault = _shape_fault(region) or _domain_fault(region, facets) or _piece_fault(problem, region)
        if fault is None and region.pattern in proved:
            fault = "has the pattern of another region"
        if fault is None:
            proved.add(region.pattern)
        else:
            found.append(f"Region {i} {fault}.")
    return tuple(found), len(proved)


def _shape_fault(region: CertifiedRegion) -> str | None:
    ring, d = region.vertices, len(region.witness)
    if any(len(v) != d + 1 or v[-1] < 0 or not any(v) for v in ring) or len(ring) < d + 1:
        return "has impossible vertices"
    if d == 1:
        ends = (
            len(ring) == 2
            and not (ring[0][1] == 0 and ring[0][0] > 0)
            and not (ring[1][1] == 0 and ring[1][0] < 0)
        )
        return None if ends and is_inside(ring, region.witness) else "is no interval around its witness"
    if not is_inside(ring, region.witness) or _turns(ring, region.witness) != 1:
        return "is no polygon around its witness"
    corners = zip((ring[-1], *ring), ring, (*ring[1:], ring[0]), strict=False)
    return None if all(determinant(*corner) >= 0 for corner in corners) else "is not convex"


def _turns(ring: tuple[Vertex, ...], witness: tuple[Fraction, ...]) -> int:
    """Return how often the ring goes round the witness, from which it is known to turn left."""
    _, y, w = homogeneous_point(witness)
    heights = [v[1] * w - v[2] * y for v in ring]
    return sum(a < 0 <= b for a, b in pairwise((*heights, heights[0])))


def _domain_fault(region: CertifiedRegion, facets: list[tuple[int, ...]]) -> str | None:
    for facet in facets:
        for vertex in region.vertices:
            if sum(a * x for a, x in zip(facet, vertex, strict=True)) < 0:
                return "leaves the domain"
    return None


def _piece_fault(problem: Problem, region: CertifiedRegion) -> str | None:
    network = problem.network
    if len(region.pattern) != network.n_units:
        return f"has a pattern of {len(region.pattern)} units, the network has {network.n_units}"
    pattern = np.array(region.pattern, dtype=np.int64)
    limits = np.concatenate([np.empty(0, np.int64), *map(_piece_limits, network.nonlinear_layers)])
    if ((pattern < 0) | (pattern >= limits)).any():
        return "names a piece that its unit does not have"
    prefix = tuple(network.pieces_of(pattern))
    points = [*region.vertices, homogeneous_point(region.witness)]
    flat = [x for row in zip(*points, strict=True) for x in row]
    columns = object_array(flat, (problem.dim + 1, len(points)))
    for depth, block in enumerate(problem.blocks):
        forms = problem.forms(prefix[:depth])
        values = forms.integers.dot(columns).tolist()
        scales = [forms.denominator * v[-1] for v in points]
        unit = _wrong_unit(block.nonlinear, values, scales, prefix[depth].tolist())
        if unit is not None:
            return f"is not in piece {prefix[depth][unit]} of unit {unit} of nonlinear layer {depth}"
    return None


def _piece_limits(layer: ScalarPWL | GroupMax) -> np.ndarray:
    """Return the number of piece indices of each unit that a pattern shows."""
    shown = layer.n_pieces > 1
    return (
        np.full(shown.sum(), layer.groups.shape[1]) if isinstance(layer, GroupMax) else layer.n_pieces[shown]
    )


def _wrong_unit(
    layer: ScalarPWL | GroupMax, values: list[list[int]], scales: list[int], pieces: list[int]
) -> int | None:
    """Return a unit that leaves its piece at a vertex, or at the witness, the last point."""
    for unit, piece in enumerate(pieces):
        if isinstance(layer, GroupMax):
            members = layer.groups[unit].tolist()
            chosen = values[members[piece]]
            for other, member in enumerate(members):
                lead = [a - b for a, b in zip(chosen, values[member], strict=True)]
                if min(lead) < 0 or (other > piece and lead[-1] == 0):
                    return unit
            continue
        for wall in (piece - 1, piece):
            if not 0 <= wall < layer.n_pieces[unit] - 1:
                continue
            top, bottom = float(layer.breakpoints[unit, wall]).as_integer_ratio()
            above = values[unit]
            if top or bottom > 1:
                above = [z * bottom - top * scale for z, scale in zip(above, scales, strict=True)]
            if wall == piece and max(above) > 0:
                return unit
            if wall < piece and (min(above) < 0 or above[-1] == 0):
                return unit
    return None
