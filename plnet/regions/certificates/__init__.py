"""Rational proofs of the regions of a network that can be checked on their own."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
