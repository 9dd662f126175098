"""From a torch module to a chain of layers, and the check that both are one function."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
