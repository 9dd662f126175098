"""Compiled training of one small network after another; the kernels know arrays only."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
