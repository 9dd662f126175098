"""The parts of ``cells`` and ``line``: from a problem to the arrays of the kernels, and back."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
