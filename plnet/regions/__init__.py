"""Linear regions: count them, enumerate them, measure them."""

from typing import TYPE_CHECKING

from plnet.lazy import lazy_names
from plnet.regions.results import Explanation, RegionCount

if TYPE_CHECKING:
    from plnet.regions.api import count_regions, enumerate_regions, explain
    from plnet.regions.complex import RegionComplex
    from plnet.regions.ensemble import EnsembleCount, count_many
    from plnet.regions.level_sets.boundary import DecisionBoundary
    from plnet.regions.warm_up import compile_kernels

__all__ = [
    "DecisionBoundary",
    "EnsembleCount",
    "Explanation",
    "RegionComplex",
    "RegionCount",
    "compile_kernels",
    "count_many",
    "count_regions",
    "enumerate_regions",
    "explain",
]

_HOMES = {
    "DecisionBoundary": "level_sets.boundary",
    "EnsembleCount": "ensemble",
    "RegionComplex": "complex",
    "compile_kernels": "warm_up",
    "count_many": "ensemble",
    "count_regions": "api",
    "enumerate_regions": "api",
    "explain": "api",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
