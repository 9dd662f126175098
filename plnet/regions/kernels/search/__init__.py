"""Depth-first search with a witness point in every cell."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
