"""Complexes with vertices and facets, also from engines that find only a point of each region."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plnet.regions.leaves import LeafStore

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["with_vertices"]


def with_vertices(complex_: RegionComplex) -> RegionComplex:
    """Return the same complex, with the vertices and facets of all regions.

    Where the engine found none, each region is reconstructed exactly from the walls of all units.

    Raises
    ------
    DimensionError
        If the domain may have too many vertices.
    """
    if complex_.leaves.has_vertices:
        return complex_
    store = LeafStore(complex_.network.n_units, complex_.dim)
    for i, pattern in enumerate(complex_.patterns):
        store.add_cell(pattern, complex_.exact_cell(i))
    return replace(complex_, leaves=store.arrays())
