"""What maxout units can express, in words, numbers and polytopes."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
