"""Training of many replicates on tasks one after another."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
