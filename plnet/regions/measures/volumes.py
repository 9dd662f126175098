"""Volumes of regions: in floating point with proved errors, in rationals where these are too large."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.errors import DomainError
from plnet.geometry.exact import rounded
from plnet.regions.cells.refined_vertices import refined_regions
from plnet.regions.leaves import LeafArrays
from plnet.regions.measures.polytope_volumes import polytope_volumes
from plnet.regions.measures.sizes import bounded, ring_volumes

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["MOST_ERROR", "certain_volumes", "exact_volume", "local_volumes"]

MOST_ERROR = 1e-9
"""Relative error from which a volume is computed more precisely, in the end in rationals."""

_SMALLEST = 1e-280
"""Below this products may have underflowed."""


def local_volumes(complex_: RegionComplex) -> np.ndarray:
    """Return the volume of each region in the coordinates of the domain, shape (R,); inf if unbounded.

    Each is within `MOST_ERROR` of the exact one, relatively, as is proved from bounds of the errors of the
    vertices: those of the engine, those of improved vertices where these do not suffice, or none at all.
    """
    leaves = complex_.geometry
    volumes, good = (array.copy() for array in complex_.certain_volumes)
    doubtful = np.flatnonzero(~good)
    if len(doubtful):
        refined = refined_regions(complex_.problem, leaves.take(doubtful))
        volumes[doubtful], good[doubtful] = certain_volumes(refined)
    for i in np.flatnonzero(~good).tolist():
        volumes[i] = rounded(complex_.exact_cell(i).volume())
    return volumes


def exact_volume(complex_: RegionComplex, i: int) -> Fraction:
    """Return the volume of a region in the coordinates of the domain, exactly."""
    cell = complex_.exact_cell(i)
    if not cell.bounded:
        raise DomainError(f"Region {i} is unbounded, so it has no finite volume. `bounded` says which are.")
    return cell.volume()


def certain_volumes(leaves: LeafArrays) -> tuple[np.ndarray, np.ndarray]:
    """Return volumes, and which of them are proved to be good enough."""
    finite = bounded(leaves)
    with np.errstate(all="ignore"):
        found, errors = ring_volumes(leaves) if leaves.dim <= 2 else polytope_volumes(leaves, finite)
        good = (1.01 * errors <= MOST_ERROR * found) & (found > _SMALLEST)
    return found, good | ~finite
