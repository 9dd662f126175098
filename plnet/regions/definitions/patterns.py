"""R1: all patterns that occur, those of lower-dimensional sets included.

On a closed region every pre-activation is an affine function that does not change sign, so on a
face it is zero everywhere or nowhere in the relative interior: a face has one pattern. The
regions cover the domain, so every pattern is the pattern of a face of some region, in any
dimension. The domain is closed: faces on its boundary count.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from plnet.budgets import look
from plnet.geometry.homogeneous import FacetId, Vertex
from plnet.ir.layers import GroupMax
from plnet.ir.network import PLNetwork
from plnet.regions.cells.bodies import Body, faces_of
from plnet.regions.cells.walls import Contacts, exact_contacts, possible_contacts
from plnet.regions.data import RegionData
from plnet.regions.definitions.tiling import bodies_of

__all__ = ["count_patterns"]

_BLOCK = 2048


def count_patterns(complex_: RegionData) -> int:
    """Return the number of patterns on the faces of the regions found.

    This is R1 if the complex is complete, else a lower bound of it.

    Notes
    -----
    Exact. Which units are at a breakpoint at a vertex is decided in floating point with an error bound;
    where that leaves more units than the facets through the vertex explain, in integers.
    """
    bodies = bodies_of(complex_)
    contacts = _contacts(complex_, bodies)
    columns = {(layer, unit): i for i, (layer, unit, _) in enumerate(complex_.network.unit_names)}
    found = {pattern.tobytes() for pattern in complex_.patterns}
    seen: set[frozenset[Vertex]] = set()
    for pattern, body in zip(complex_.patterns, bodies, strict=True):
        for face in faces_of(body):
            pairs = zip(body.generators, body.tight, strict=True)
            corners = frozenset(g for g, mask in pairs if mask & face == face)
            if not face or corners in seen:
                continue
            seen.add(corners)
            there = frozenset.intersection(*(contacts[corner] for corner in corners))
            found.add(_pattern_with(pattern, there, columns).tobytes())
        look()
    return len(found)


def _pattern_with(pattern: np.ndarray, contacts: Contacts, columns: dict[tuple[int, int], int]) -> np.ndarray:
    """Return the pattern on a face of a region: what is at a breakpoint is in the piece below it.

    Of tied pieces of a maxout unit the last one counts.
    """
    out = pattern.copy()
    ties: dict[int, int] = {}
    for layer, unit, low, high in contacts:
        column = columns[layer, unit]
        if low == high:
            ties[column] = max(low, ties.get(column, -1))
        else:
            out[column] = low
    for column, piece in ties.items():
        out[column] = piece
    return out


def _contacts(complex_: RegionData, bodies: list[Body]) -> dict[Vertex, Contacts]:
    """Return the units at a breakpoint at each generator, exactly."""
    known, owner = _explained(complex_.network, bodies)
    found: dict[Vertex, Contacts] = {}
    points = [vertex for vertex in known if vertex[-1]]
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        candidates = possible_contacts(complex_.problem, block)
        for vertex, possible in zip(block, candidates, strict=True):
            if _of_units(possible) == known[vertex]:
                found[vertex] = frozenset(known[vertex])
        look()
    for vertex in known.keys() - found.keys():
        # A unit is continuous, and so is its slope in a direction: any region with the vertex will do.
        prefix = tuple(complex_.network.pieces_of(complex_.patterns[owner[vertex]]))
        found[vertex] = _of_units(exact_contacts(complex_.problem, prefix, vertex))
        look()
    return found


def _explained(
    network: PLNetwork, bodies: list[Body]
) -> tuple[dict[Vertex, set[FacetId]], dict[Vertex, int]]:
    """Return the contacts that the facets through each generator prove, and a region that has it."""
    known: dict[Vertex, set[FacetId]] = {}
    owner: dict[Vertex, int] = {}
    for i, body in enumerate(bodies):
        tied = [_contacts_of(facet, network) for facet in body.facets]
        for vertex, mask in zip(body.generators, body.tight, strict=True):
            owner.setdefault(vertex, i)
            here = known.setdefault(vertex, set())
            for k, contacts in enumerate(tied):
                if mask >> k & 1:
                    here |= contacts
    return known, owner


def _contacts_of(facet: FacetId, network: PLNetwork) -> Contacts:
    """Return what holds on a facet; one between two pieces of a maxout unit ties them."""
    layer, unit, low, high = facet
    if layer >= 0 and isinstance(network.nonlinear_layers[layer], GroupMax):
        return frozenset({(layer, unit, low, low), (layer, unit, high, high)})
    return _of_units([facet])


def _of_units(contacts: Iterable[FacetId]) -> Contacts:
    """Drop the sides of the domain."""
    return frozenset(contact for contact in contacts if contact[0] >= 0)
