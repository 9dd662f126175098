"""Models of the laboratory: what they are, and many of them as one batched program."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
