"""plnet: the theory of piecewise-linear networks, computed.

How many linear regions does this network have, and what do they look like? What can maxout express
exactly and approximate best? How much does a network forget? Public names are listed in `__all__` and
loaded on first use.
"""

from typing import TYPE_CHECKING

from plnet.errors import PLNetError
from plnet.lazy import lazy_names

if TYPE_CHECKING:
    from plnet import bounds, equivalence, forgetting, maxout, networks, plotting, statistics
    from plnet.equivalence import EquivalenceReport, check_equivalence
    from plnet.geometry.domain import Box, Domain, Polytope, Segment, Slice, Space
    from plnet.ir import PLNetwork, as_network
    from plnet.maxout import (
        difference_of_maxouts,
        is_concave,
        is_convex,
        max_affine_of,
        to_maxout,
    )
    from plnet.maxout.fitting import fit_max_affine
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
    "EquivalenceReport",
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
    "check_equivalence",
    "count_many",
    "count_regions",
    "difference_of_maxouts",
    "enumerate_regions",
    "equivalence",
    "explain",
    "fit_max_affine",
    "forgetting",
    "is_concave",
    "is_convex",
    "max_affine_of",
    "maxout",
    "networks",
    "plot_regions",
    "plotting",
    "statistics",
    "to_maxout",
]

_HOMES = {
    "Box": "geometry",
    "Domain": "geometry",
    "EquivalenceReport": "equivalence",
    "PLNetwork": "ir",
    "Polytope": "geometry",
    "RegionComplex": "regions",
    "RegionCount": "regions",
    "Segment": "geometry",
    "Slice": "geometry",
    "Space": "geometry",
    "as_network": "ir",
    "bounds": "",
    "check_equivalence": "equivalence",
    "count_many": "regions",
    "count_regions": "regions",
    "difference_of_maxouts": "maxout",
    "enumerate_regions": "regions",
    "equivalence": "",
    "explain": "regions",
    "fit_max_affine": "maxout.fitting",
    "forgetting": "",
    "is_concave": "maxout",
    "is_convex": "maxout",
    "max_affine_of": "maxout",
    "maxout": "",
    "networks": "",
    "plot_regions": "plotting",
    "plotting": "",
    "statistics": "",
    "to_maxout": "maxout",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
