"""Splitting of convex cells in three and more dimensions."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
