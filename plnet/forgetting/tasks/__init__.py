"""Tasks, sequences of tasks, and how they are drawn from data."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
