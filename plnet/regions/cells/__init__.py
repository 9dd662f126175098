"""Single cells, exact: corners, facets, faces, splitting, volumes."""

from plnet.lazy import lazy_names

__getattr__ = lazy_names(__name__, {})
