"""Closed formulas for the number of regions; needs no torch."""

from plnet.bounds.closed import scalar_layers_upper, serra_2018, zaslavsky

__all__ = ["scalar_layers_upper", "serra_2018", "zaslavsky"]
