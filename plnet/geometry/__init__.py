"""Domains, exact numbers and exact cells; knows neither torch nor networks."""

from plnet.geometry.domain import Box, Chart, Domain, Polytope, Segment, Slice, Space
from plnet.lazy import lazy_names

__all__ = ["Box", "Chart", "Domain", "Polytope", "Segment", "Slice", "Space"]

__getattr__ = lazy_names(__name__, {})
