"""Compile the kernels ahead of their first use."""

from __future__ import annotations

import time

import numpy as np

from plnet.geometry.domain import Box, Space
from plnet.ir.layers import Affine, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.regions.api import count_regions, enumerate_regions

__all__ = ["compile_kernels"]


def compile_kernels(dimension: int | None = None) -> float:
    """Compile the kernels, or load them from the disk cache; return the seconds it took.

    The first count after an installation compiles what it needs anyway: about 15 seconds for a
    plane, about a minute for everything. Call this where that wait is better spent, for
    example in a container build.

    Parameters
    ----------
    dimension : int, optional
        Only what a domain of this dimension needs; everything if not given.

    Examples
    --------
    >>> from plnet.regions import compile_kernels
    >>> compile_kernels(2) >= 0
    True
    """
    start = time.perf_counter()
    for d, engine in ((2, "cells"), (3, "cells"), (3, "search"), (3, "two_layer"), (3, "arrangement")):
        if dimension is None or dimension == d or (dimension > 3 and d == 3):
            domain = Space(d) if engine in ("two_layer", "arrangement") else Box(-1, 1)
            count_regions(_sample(d, deep=engine != "arrangement"), domain, engine=engine, progress=None)
    if dimension is None or dimension > 2:
        enumerate_regions(_sample(3, deep=True), Box(-1, 1), engine="cells", progress=None).volumes  # noqa: B018
    return time.perf_counter() - start


def _sample(d: int, deep: bool) -> PLNetwork:
    """Return a network with walls in general position, so that closed counts apply."""
    weight = np.eye(d) + np.arange(d * d).reshape(d, d) / 8
    layer = (Affine(weight, np.arange(1, d + 1) / 4), ScalarPWL.relu(d))
    return PLNetwork(layer * (2 if deep else 1), input_dim=d)
