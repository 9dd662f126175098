"""Piecewise-linear functions as differences of two maxima."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
