"""Deep maxout networks that fold every coordinate, with integer weights."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from torch import nn

from plnet.bounds.checks import check_size, check_sizes
from plnet.bounds.maxout import montufar_ren_zhang_2022_lower
from plnet.networks.exact_layers import Affine, linear, maxout

__all__ = ["montufar_ren_zhang_2022_network"]

Unit = list[tuple[Fraction, Fraction]]
"""Slope and intercept of each piece, of one variable."""


def montufar_ren_zhang_2022_network(input_dim: int, widths: Sequence[int], pieces: int) -> nn.Sequential:
    """Return a maxout network with exactly `plnet.bounds.montufar_ren_zhang_2022_lower` regions on R^n.

    In each layer the units of a coordinate bend at 1, 2, .., b, alternately up and down, so that all b + 1
    pieces of their signed sum cover what the next layer works on.

    Parameters
    ----------
    input_dim : int
    widths : sequence of int
        Multiples of `input_dim`; even ones before the last layer, if there are three or more pieces.
    pieces : int
        Pieces of each unit, at least 2.

    Raises
    ------
    NetworkError
        If the bound does not hold for these widths.

    References
    ----------
    Montúfar, Ren and Zhang (2022), Sharp Bounds for the Number of Regions of Maxout Networks and
    Vertices of Minkowski Sums.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import montufar_ren_zhang_2022_network
    >>> int(plnet.count_regions(montufar_ren_zhang_2022_network(1, [2, 2], 3)))
    25
    """
    montufar_ren_zhang_2022_lower(input_dim, widths, check_size(pieces, "pieces", 2))
    n0, sizes = check_size(input_dim, "input_dim", 1), check_sizes(widths, "widths", 1)
    layers: list[nn.Module] = []
    # What a layer reads of coordinate c: the signed sum of the units before it.
    signs: list[int] = []
    for width in sizes:
        q = width // n0
        units, coefficients = _folding_units(q, pieces)
        length = Fraction(q * (pieces - 1) + 1)
        read = _reader(signs, n0, length)
        layers.append(_layer(units, read, n0))
        signs = coefficients
    output = [Fraction(1)] * sizes[-1]
    return nn.Sequential(*layers, linear(Affine([output], [Fraction(0)])))


def _folding_units(q: int, k: int) -> tuple[list[Unit], list[int]]:
    """Return units whose signed sum is 1 - x folded up at 1, 3, .. and down at 2, 4, .., and the signs."""
    up, down = list(range(1, q * (k - 1) + 1, 2)), list(range(2, q * (k - 1) + 1, 2))
    units, signs = [], []
    for i in range(q):
        convex = i % 2 == 0
        source = up if convex else down
        bends = [source.pop(0) for _ in range(k - 1)] if len(source) >= k - 1 else _rest(up, down, k - 1)
        slope, intercept = (Fraction(-1), Fraction(1)) if i == 0 else (Fraction(0), Fraction(0))
        unit = [(slope, intercept)]
        for bend in sorted(bends):
            slope, intercept = slope + 2, intercept - 2 * bend
            unit.append((slope, intercept))
        units.append(unit)
        signs.append(1 if convex else -1)
    return units, signs


def _rest(up: list[int], down: list[int], count: int) -> list[int]:
    """Take bends of either kind; only a last layer, which is not folded any more, comes to this."""
    taken = sorted(up + down)[:count]
    up[:], down[:] = [x for x in up if x not in taken], [x for x in down if x not in taken]
    return taken


def _reader(signs: Sequence[int], n0: int, length: Fraction) -> list[list[Fraction]]:
    """Return the rows that read each coordinate, scaled to the interval [0, length]."""
    if not signs:
        return [[Fraction(i == j) for j in range(n0)] for i in range(n0)]
    q = len(signs)
    return [
        [Fraction(0)] * (c * q) + [s * length for s in signs] + [Fraction(0)] * ((n0 - 1 - c) * q)
        for c in range(n0)
    ]


def _layer(units: Sequence[Unit], read: Sequence[Sequence[Fraction]], n0: int) -> nn.Module:
    weight = [[[slope * x for x in read[c]] for slope, _ in unit] for c in range(n0) for unit in units]
    bias = [[intercept for _, intercept in unit] for _ in range(n0) for unit in units]
    return maxout(weight, bias)
