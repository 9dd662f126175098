"""Compiled loops on rows of residues; they know numbers only."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
