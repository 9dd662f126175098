"""Placeholder until the kernel is in place."""
from dataclasses import dataclass

from plnet.regions.engines.rational import Rational


@dataclass(frozen=True)
class Line(Rational):
    """Temporary."""

    name: str = "line"
