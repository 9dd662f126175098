"""Configurations: their types, their folder, code of the user that they name, and messages about them."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
