"""Several jobs on one machine: launching, devices, threads, suites of experiments."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
