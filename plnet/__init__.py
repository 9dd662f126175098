"""plnet: the theory of piecewise-linear networks, computed.

How many linear regions does this network have, and what do they look like? Public names
are listed in `__all__` and loaded on first use.
"""

from typing import TYPE_CHECKING

from plnet.errors import PLNetError
from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet import bounds, networks, plotting
    from plnet.geometry.domain import Box, Domain, Polytope, Segment, Slice, Space
    from plnet.ir import PLNetwork, as_network
    from plnet.plotting import plot_regions
    from plnet.regions import (
        RegionComplex,
        RegionCount,
        count_many,
        count_regions,
        enumerate_regions,
        explain,
    )

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
    "count_many",
    "count_regions",
    "enumerate_regions",
    "explain",
    "networks",
    "plot_regions",
    "plotting",
]

_HOMES = {
    "Box": "geometry",
    "Domain": "geometry",
    "PLNetwork": "ir",
    "Polytope": "geometry",
    "RegionComplex": "regions",
    "RegionCount": "regions",
    "Segment": "geometry",
    "Slice": "geometry",
    "Space": "geometry",
    "as_network": "ir",
    "bounds": "",
    "count_many": "regions",
    "count_regions": "regions",
    "enumerate_regions": "regions",
    "explain": "regions",
    "networks": "",
    "plot_regions": "plotting",
    "plotting": "",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
