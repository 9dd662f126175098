"""The six definitions of a region, and counting by them."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
