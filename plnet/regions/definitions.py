"""The names of the six definitions of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plnet.errors import EngineError
from plnet.regions.choice import upper_bound
from plnet.regions.results import RegionCount

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["canonical_definition", "count_regions_of"]

DEFINITIONS = {
    "R1": "all_patterns",
    "R2": "activation",
    "R3": "convex",
    "R4": "open",
    "R5": "closed",
    "R6": "affine",
}
"""Numbers and words, after Stargalla, Hertrich and Reichman (2025)."""

AVAILABLE = ("activation",)


def canonical_definition(definition: str) -> str:
    """Return the word for a definition given as a word or as "R1" to "R6".

    Raises
    ------
    EngineError
        If it is unknown, or no engine counts it.
    """
    word = DEFINITIONS.get(definition, definition)
    if word not in DEFINITIONS.values():
        known = ", ".join(f'"{number}" or "{name}"' for number, name in DEFINITIONS.items())
        raise EngineError(f"Expected a definition among {known}; got {definition!r}.")
    if word not in AVAILABLE:
        raise EngineError(
            f'The definition "{word}" is known but no engine counts it; available: '
            + ", ".join(f'"{name}"' for name in AVAILABLE)
            + "."
        )
    return word


def count_regions_of(complex_: RegionComplex, definition: str) -> RegionCount:
    """Return the number of regions of a complex under an available definition."""
    size = len(complex_)
    return RegionCount(
        count=size,
        exact=complex_.exact,
        complete=complex_.complete,
        lower=size,
        upper=size if complex_.exact else upper_bound(complex_.problem),
        definition=definition,
        engine=complex_.engine,
        reason=complex_.reason,
        seconds=complex_.seconds,
        n_undecided=complex_.n_undecided,
        n_fallbacks=complex_.n_fallbacks,
    )
