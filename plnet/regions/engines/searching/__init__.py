"""The parts of ``search``: coordinates, plan, one worker, exact answers."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
