"""The engines: one algorithm a file, all with one face."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
