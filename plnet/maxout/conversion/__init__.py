"""Networks as maxout, and back to ReLU: exact conversions and what they cost."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
