"""Counts without visiting a region: one layer, two layers, arrangements."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
