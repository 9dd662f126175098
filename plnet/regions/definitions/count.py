"""The six definitions of a region: their names, and counting by them."""

from __future__ import annotations

from functools import partial

import numpy as np

from plnet.budgets import STOPS, Deadline, name_of
from plnet.errors import EngineError
from plnet.geometry.exact import RationalMatrix
from plnet.regions.data import RegionData
from plnet.regions.definitions.bounds import Bounds, initial_bounds
from plnet.regions.definitions.components import closed_components, open_components
from plnet.regions.definitions.convex import least_convex, most_convex
from plnet.regions.definitions.maps import map_labels, output_forms
from plnet.regions.definitions.patterns import count_patterns
from plnet.regions.definitions.tiling import tiling_of
from plnet.regions.problem import Problem
from plnet.regions.results import RegionCount

__all__ = ["canonical_definition", "check_definition", "count_regions_of"]

DEFINITIONS = {
    "R1": "all_patterns",
    "R2": "activation",
    "R3": "convex",
    "R4": "open",
    "R5": "closed",
    "R6": "affine",
}
"""Numbers and words, after Stargalla, Hertrich and Reichman (2025)."""


def canonical_definition(definition: str) -> str:
    """Return the word for a definition given as a word or as "R1" to "R6".

    Raises
    ------
    EngineError
        If it is unknown.
    """
    word = DEFINITIONS.get(definition, definition) if isinstance(definition, str) else None
    if word is None or word not in DEFINITIONS.values():
        known = ", ".join(f'"{number}" or "{name}"' for number, name in DEFINITIONS.items())
        raise EngineError(f"Expected a definition among {known}; got {definition!r}.")
    return word


def check_definition(problem: Problem, definition: str) -> None:
    """Raise if a definition makes no sense for a network.

    Raises
    ------
    EngineError
        If the network jumps and the definition needs a continuous one.
    """
    if definition != "activation" and not problem.network.is_continuous:
        raise EngineError(
            f'The definition "{definition}" is for continuous functions, and this network has a layer of '
            'local winners, which jumps. Use definition="activation"; the affine map of each region is in '
            "gradients and offsets of enumerate_regions."
        )


def count_regions_of(complex_: RegionData, definition: str, max_seconds: float | None = None) -> RegionCount:
    """Return the number of regions of a complex under a definition.

    Parameters
    ----------
    complex_ : RegionComplex
    definition : str
        One of the words of `DEFINITIONS`.
    max_seconds : float, optional
        Stop soon after this time; the count then has ``complete=False`` and what is proved so far.

    Raises
    ------
    EngineError
        If the definition makes no sense for the network.

    Notes
    -----
    "all_patterns" looks at each face of each region, "affine" at the affine maps only, "open" also at
    which regions share a facet, "closed" at all facets if a map occurs in several open regions,
    and "convex" at all faces of codimension two if some neighbours have one map.

    References
    ----------
    Stargalla, Hertrich and Reichman (2025), The Computational Complexity of Counting
    Linear Regions in ReLU Neural Networks.
    """
    check_definition(complex_.problem, definition)
    deadline, stopped_by = Deadline.start(max_seconds), complex_.stopped_by
    bounds, complete = initial_bounds(complex_, definition), complex_.complete
    try:
        with deadline.running():
            if definition == "all_patterns":
                _count_all_patterns(complex_, bounds)
            elif definition != "activation":
                _count_by_maps(complex_, definition, bounds)
    except STOPS as stop:
        complete, stopped_by = False, stopped_by or name_of(stop)
    return RegionCount(
        count=bounds.lower,
        exact=complex_.exact and complete and bounds.lower == bounds.upper,
        complete=complete,
        lower=bounds.lower,
        upper=bounds.upper,
        definition=definition,
        engine=complex_.engine,
        reason=complex_.reason,
        seconds=complex_.seconds + deadline.seconds,
        n_undecided=complex_.n_undecided,
        n_fallbacks=complex_.n_fallbacks,
        stopped_by=stopped_by,
    )


def _count_all_patterns(complex_: RegionData, bounds: Bounds) -> None:
    number = count_patterns(complex_)
    bounds.lower = max(bounds.lower, number)
    if complex_.exact:
        bounds.is_exactly(number)


def _count_by_maps(complex_: RegionData, definition: str, bounds: Bounds) -> None:
    """Count by R3 to R6, coarsest first; stop where the bounds meet.

    An incomplete complex proves only that its different maps are there: regions that look apart may be
    joined by others that are not known.
    """
    labels = map_labels(complex_)
    bounds.lower = max(bounds.lower, _different(labels))
    if not complex_.exact:
        return
    if definition == "affine":
        bounds.upper = bounds.lower
    if bounds.lower == bounds.upper:
        return
    # Engines that know no vertices leave the facets to be found.
    tiling = None if complex_.leaves.has_vertices else tiling_of(complex_)
    adjacency = complex_.adjacency if tiling is None else tiling.adjacency
    components = open_components(labels, adjacency)
    if definition == "open":
        bounds.is_exactly(_different(components))
    elif definition == "closed":
        bounds.upper = _different(components)
        if bounds.lower < bounds.upper:
            tiling = tiling or tiling_of(complex_)
            maps = partial(_map_of, complex_)
            bounds.is_exactly(closed_components(tiling, labels, components, maps))
    else:
        bounds.lower = _different(components)
        if bounds.lower < bounds.upper:
            tiling = tiling or tiling_of(complex_)
            bounds.lower = least_convex(tiling, components)
            bounds.upper = most_convex(tiling, components)


def _different(labels: np.ndarray) -> int:
    return len(np.unique(labels))


def _map_of(complex_: RegionData, i: int) -> RationalMatrix:
    return output_forms(complex_.problem, complex_.patterns[i])
