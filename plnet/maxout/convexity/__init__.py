"""Whether a piecewise-linear function is convex, and of which pieces it is the maximum."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
