"""Figures of maxout fits and of learning."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
