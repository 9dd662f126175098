"""One-layer networks with as many regions as one layer can have, and layers from arrangements."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn

from plnet.bounds.arrangement import Arrangement
from plnet.bounds.checks import check_size, check_sizes
from plnet.errors import NetworkError
from plnet.networks.exact_layers import Affine, linear, maxout

__all__ = ["montufar_ren_zhang_2022_layer", "one_hidden_layer", "xiong_2020_layer"]


def one_hidden_layer(arrangement: Arrangement) -> nn.Sequential:
    """Return a ReLU network whose activation regions are the regions of an arrangement.

    Unit i computes ``relu(normals[i] . x - offsets[i])``, in float64; the output is the sum of the units.

    Parameters
    ----------
    arrangement : plnet.bounds.Arrangement
        With coefficients that are floats, exactly; a row is multiplied by its common denominator.

    Raises
    ------
    NetworkError
        If a coefficient is no float, such as the golden ratio: rounding would give another arrangement.

    Examples
    --------
    >>> import plnet
    >>> from plnet.bounds import families
    >>> from plnet.networks import one_hidden_layer
    >>> int(plnet.count_regions(one_hidden_layer(families.type_b(2))))
    8
    """
    normals, offsets = arrangement.integer_rows
    if normals.radicand:
        raise NetworkError(
            f"Expected rational coefficients, got some with sqrt({normals.radicand}), which no float holds. "
            "Count it with arrangement.n_regions(), or build an Arrangement of the rounded numbers, "
            "which has other regions."
        )
    if not len(arrangement):
        raise NetworkError("Expected at least one hyperplane, got an empty arrangement.")
    weight = [[Fraction(x) for x in row] for row in normals.rational]
    bias = [-Fraction(row[0]) for row in offsets.rational]
    return nn.Sequential(linear(Affine(weight, bias)), nn.ReLU(), linear(_sum_of(len(bias))))


def montufar_ren_zhang_2022_layer(input_dim: int, ranks: Sequence[int]) -> nn.Sequential:
    """Return one maxout layer with the maximal number of regions on R^n, with integer weights.

    Unit i is ``max_t (2 t (v_i . x + s_i) - t^2)`` for t = 0 .. k_i - 1, whose walls are k_i - 1 parallel
    hyperplanes; bundles are in general position.

    Parameters
    ----------
    input_dim : int
    ranks : sequence of int
        Pieces of each unit.

    References
    ----------
    Montúfar, Ren and Zhang (2022), Sharp Bounds for the Number of Regions of Maxout Networks and
    Vertices of Minkowski Sums.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import montufar_ren_zhang_2022_layer
    >>> int(plnet.count_regions(montufar_ren_zhang_2022_layer(2, [3, 3])))
    9
    """
    d, ks = check_size(input_dim, "input_dim", 1), check_sizes(ranks, "ranks", 1)
    m = len(ks)
    # Normals (1, i, i^2, ..) and shifts spread * i^d: the determinant of d + 1 walls is spread times a
    # Vandermonde determinant, and d + 1 terms less than max(k) times one of its minors, which are no larger.
    spread = (d + 1) * max(ks, default=1)
    weight, bias = [], []
    for i, k in enumerate(ks):
        normal = [Fraction(i**j) for j in range(d)]
        shift = spread * i**d
        weight.append([[2 * t * x for x in normal] for t in range(k)])
        bias.append([Fraction(2 * t * shift - t * t) for t in range(k)])
    return nn.Sequential(maxout(weight, bias), linear(_sum_of(m)))


def xiong_2020_layer(
    input_shape: Sequence[int], channels: int, kernel: Sequence[int], stride: Sequence[int], rng: Any = None
) -> nn.Sequential:
    """Return a convolutional ReLU layer with random integer filters, shared by all positions.

    With probability close to one it has the maximal number of regions, `plnet.bounds.xiong_2020`.

    Parameters
    ----------
    input_shape : sequence of int
        Channels, then one or two sizes.
    channels : int
        Number of filters.
    kernel, stride : sequence of int
        One entry for each axis.
    rng : int, SeedSequence or Generator, optional

    Raises
    ------
    NetworkError
        If the input has neither one nor two axes, or the kernel or the stride has another number.

    References
    ----------
    Xiong, Huang, Yu, Liu, Zhu and Shao (2020), On the Number of Linear Regions of Convolutional
    Neural Networks, Theorem 2.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import xiong_2020_layer
    >>> xiong_2020_layer((1, 4), 2, (3,), (1,), rng=0)(torch.zeros(5, 1, 4, dtype=torch.float64)).shape
    torch.Size([5, 2, 2])
    """
    c_in, *sizes = check_sizes(input_shape, "input_shape", 1)
    if len(sizes) not in (1, 2) or not len(sizes) == len(kernel) == len(stride):
        raise NetworkError(
            "Expected an input of one or two axes, and a kernel and a stride with one entry for each, got "
            f"input_shape {tuple(input_shape)}, kernel {tuple(kernel)} and stride {tuple(stride)}."
        )
    kind = nn.Conv1d if len(sizes) == 1 else nn.Conv2d
    shape = (check_size(channels, "channels", 1), c_in, *check_sizes(kernel, "kernel", 1))
    generator = np.random.default_rng(rng)
    layer: Any = nn.utils.skip_init(
        kind, c_in, shape[0], tuple(kernel), stride=tuple(stride), dtype=torch.float64
    )
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            values = generator.integers(-(2**20), 2**20, size=tuple(parameter.shape))
            parameter.copy_(torch.as_tensor(values, dtype=torch.float64))
    return nn.Sequential(layer, nn.ReLU())


def _sum_of(n: int) -> Affine:
    return Affine([[Fraction(1)] * n], [Fraction(0)])
