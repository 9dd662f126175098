"""Counts without visiting a region."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
