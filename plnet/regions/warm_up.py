"""Compile the kernels ahead of their first use."""

from __future__ import annotations

import numpy as np

from plnet.geometry.domain import Box
from plnet.ir.layers import Affine, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.regions.api import count_regions

__all__ = ["compile_kernels"]


def compile_kernels() -> float:
    """Compile the kernels, or load them from the disk cache; return the seconds it took.

    The first count after an installation compiles them anyway, which takes about 15
    seconds once. Call this where that wait is better spent, for example in a container build.

    Examples
    --------
    >>> from plnet.regions import compile_kernels
    >>> compile_kernels() >= 0
    True
    """
    network = PLNetwork((Affine(np.eye(2), np.zeros(2)), ScalarPWL.relu(2)), input_dim=2)
    return count_regions(network, Box(-1, 1), progress=None).seconds
