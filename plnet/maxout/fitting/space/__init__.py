"""Fits of functions and samples of several variables."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
