"""Labelled data from which tasks are made: where they come from, and what they are called."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
