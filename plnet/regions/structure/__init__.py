"""How the regions of a complex lie: neighbours, faces, points, coincidences."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
