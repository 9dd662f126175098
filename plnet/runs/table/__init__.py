"""The results of many runs as one table."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
