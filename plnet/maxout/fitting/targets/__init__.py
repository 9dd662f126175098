"""What is approximated: named functions, callables, networks and samples, and what is known of them."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
