"""Numbers of regions: volumes, radii, Lipschitz constants, extrema."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
