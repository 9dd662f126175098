"""What each torch module, function and tensor method becomes: one table of layers."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
