"""What training a sequence of tasks has measured: results, their files, summaries and comparisons."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
