"""Linear regions: count them, enumerate them, measure them."""

from typing import TYPE_CHECKING, Any

from plnet.regions.results import Explanation, RegionCount

if TYPE_CHECKING:
    from plnet.regions.api import count_regions, enumerate_regions, explain
    from plnet.regions.boundary import DecisionBoundary
    from plnet.regions.complex import RegionComplex
    from plnet.regions.warm_up import compile_kernels

__all__ = [
    "DecisionBoundary",
    "Explanation",
    "RegionComplex",
    "RegionCount",
    "compile_kernels",
    "count_regions",
    "enumerate_regions",
    "explain",
]

_HOMES = {
    "DecisionBoundary": "boundary",
    "RegionComplex": "complex",
    "compile_kernels": "warm_up",
    "count_regions": "api",
    "enumerate_regions": "api",
    "explain": "api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"plnet.regions.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
