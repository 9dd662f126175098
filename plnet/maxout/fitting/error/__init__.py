"""The exact or certified error of a fit."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
