"""What the scripts do, a folder for each script; shared parts stand beside the folders."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
