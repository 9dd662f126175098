"""plnet: the theory of piecewise-linear networks, computed.

How many linear regions does this network have, and what do they look like? What can
maxout express? How much does a network forget? Public names are listed in `__all__` and
loaded on first use.
"""

from typing import TYPE_CHECKING, Any

from plnet.errors import PLNetError

if TYPE_CHECKING:
    from plnet import bounds, networks, plotting
    from plnet.geometry.domain import Box, Domain, Polytope, Segment, Slice, Space
    from plnet.ir import PLNetwork, as_network
    from plnet.plotting import plot_regions
    from plnet.regions import RegionComplex, RegionCount, count_regions, enumerate_regions, explain

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Domain",
    "PLNetError",
    "PLNetwork",
    "Polytope",
    "RegionComplex",
    "RegionCount",
    "Segment",
    "Slice",
    "Space",
    "__version__",
    "as_network",
    "bounds",
    "count_regions",
    "enumerate_regions",
    "explain",
    "networks",
    "plot_regions",
    "plotting",
]

_HOMES = {
    "Box": "plnet.geometry",
    "Domain": "plnet.geometry",
    "PLNetwork": "plnet.ir",
    "Polytope": "plnet.geometry",
    "RegionComplex": "plnet.regions",
    "RegionCount": "plnet.regions",
    "Segment": "plnet.geometry",
    "Slice": "plnet.geometry",
    "Space": "plnet.geometry",
    "as_network": "plnet.ir",
    "count_regions": "plnet.regions",
    "enumerate_regions": "plnet.regions",
    "explain": "plnet.regions",
    "plot_regions": "plnet.plotting",
}
_MODULES = {"bounds", "networks", "plotting"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"plnet.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
