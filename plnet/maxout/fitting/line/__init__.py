"""Best fits of functions and samples of one variable."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
