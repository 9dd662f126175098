"""Folders of runs: keys, locks, files that appear whole, and steps that need not be repeated."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
