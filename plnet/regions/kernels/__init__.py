"""Compiled kernels; they know arrays only, neither torch nor networks."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
