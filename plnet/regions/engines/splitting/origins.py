"""Rows that only pass on what one unit of an earlier layer gives.

A maximum over ReLU units is such a case: where two of them meet at 0, their walls and the
wall between them meet in one point, which rounding could never decide. The kernel knows from the
names of the walls that both are 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plnet.ir.layers import Affine, ScalarPWL
from plnet.ir.operators import SparseAffine
from plnet.regions.engines.splitting.kernel_layers import KernelLayer, Rows
from plnet.regions.kernels.layout import SCALAR, SINGLE

__all__ = ["origins"]


def origins(layers: Sequence[KernelLayer], rows: Sequence[Rows]) -> list[np.ndarray]:
    """Return, for each row of each layer, the unit of which it passes on a multiple, or -1.

    Units are counted over all layers of the kernel. Only scalar units with a breakpoint are
    named; units without one are looked through.
    """
    found: list[np.ndarray] = []
    given = np.zeros(0, np.int64)
    begin = 0
    for place, (layer, r) in enumerate(zip(layers, rows, strict=True)):
        read = np.full(len(r.source), -1, np.int64)
        if place:
            read = np.where(r.shift == 0, _passed_on(layer.affine, given)[r.source], -1)
        found.append(read)
        own = begin + np.arange(len(r.kind))
        through = np.where(_passes(layer), read[r.first], -1)
        of_unit = np.where(r.kind == SCALAR, own, np.where(r.kind == SINGLE, through, -1))
        begin += len(r.kind)
        # Local winners give 0 to all but one, so nothing is known of what they pass on.
        given = of_unit if layer.nonlinear.n_out == layer.nonlinear.n_units else np.full(r.source.size, -1)
    return found


def _passes(layer: KernelLayer) -> np.ndarray:
    """Say which units, if they have one piece only, give a multiple of what they get."""
    nonlinear = layer.nonlinear
    if isinstance(nonlinear, ScalarPWL):
        return (nonlinear.slopes[:, 0] != 0) & (nonlinear.anchors == 0)
    return np.ones(nonlinear.n_units, bool)


def _passed_on(affine: tuple[Affine, ...], given: np.ndarray) -> np.ndarray:
    """Return the origin of each output of a map, for the origins of its inputs."""
    if len(affine) == 0:
        return given
    one = affine[-1]
    if len(affine) > 1 or not isinstance(one, SparseAffine):
        return np.full(one.n_out, -1, np.int64)
    single = (np.diff(one.starts) == 1) & (one.bias == 0)
    out = np.full(one.n_out, -1, np.int64)
    entry = one.starts[:-1][single]
    out[single] = np.where(one.values[entry] != 0, given[one.inputs[entry]], -1)
    return out
