"""The job of ``fit_convex.py``."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
