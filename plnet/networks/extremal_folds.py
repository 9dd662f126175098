"""Deep ReLU networks that fold their input onto itself, layer by layer, with integer or dyadic weights.

A fold of one variable with p units has p or p + 1 pieces, each of which covers the interval that the next
layer works on. With several inputs every coordinate is folded by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import comb

from torch import nn

from plnet.bounds.checks import check_size, check_sizes
from plnet.errors import NetworkError
from plnet.networks.exact_layers import Affine, compose, linear, stack

__all__ = [
    "arora_2018_network",
    "montufar_2014_network",
    "serra_2018_cones_network",
    "serra_2018_network",
    "zigzag",
]


@dataclass(frozen=True)
class Fold:
    """A function of one variable, ``after(relu(before(x)))``.

    Parameters
    ----------
    before, after : Affine
    length : Fraction
        It folds the interval [0, length].
    """

    before: Affine
    after: Affine
    length: Fraction


def zigzag(pieces: int, depth: int) -> nn.Sequential:
    """Return a ReLU network on R with ``pieces ** depth`` linear pieces on (0, 1).

    Each layer is ``h_1 = relu(p x)``, ``h_i = relu(2 (p x - (i - 1)))`` and
    ``h_1 - h_2 + h_3 - ...``, a map of [0, 1] onto itself.

    Parameters
    ----------
    pieces : int
        Units of each layer.
    depth : int
        Number of layers.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural Networks.
    Telgarsky (2015), Representation Benefits of Deep Feedforward Networks.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import zigzag
    >>> int(plnet.count_regions(zigzag(3, 2), plnet.Box(0, 1)))
    9
    """
    fold = _plain_fold(check_size(pieces, "pieces", 1), Fraction(1))
    return _network(_scalar_map(1), [fold] * check_size(depth, "depth", 1), fold.before, [pieces] * depth, 1)


def montufar_2014_network(input_dim: int, widths: Sequence[int]) -> nn.Sequential:
    """Return a ReLU network with exactly `plnet.bounds.montufar_2014` regions on the box [0, 1]^n.

    Parameters
    ----------
    input_dim : int
    widths : sequence of int
        Units of the hidden layers, each at least `input_dim`; what is left over by the division stays zero.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural
    Networks, Theorem 5.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import montufar_2014_network
    >>> int(plnet.count_regions(montufar_2014_network(2, [4, 4]), plnet.Box(0, 1)))
    44
    """
    return _folded_grid(input_dim, widths, 1, _plain_fold)


def serra_2018_network(input_dim: int, widths: Sequence[int]) -> nn.Sequential:
    """Return a ReLU network with exactly `plnet.bounds.serra_2018_lower` regions on R^n.

    With one input no network of these widths has more.

    Parameters
    ----------
    input_dim : int
    widths : sequence of int
        Units of the hidden layers, at least three for each input; what is left over stays zero.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Bounding and Counting Linear Regions of Deep
    Neural Networks, Theorems 5 and 6.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import serra_2018_network
    >>> int(plnet.count_regions(serra_2018_network(1, [3, 3, 3])))
    64
    """
    return _folded_grid(input_dim, widths, 3, _full_fold)


def arora_2018_network(input_dim: int, m: int, width: int, depth: int) -> nn.Sequential:
    """Return a ReLU network with exactly `plnet.bounds.arora_2018` regions near the origin.

    That is where the sum of the first layer is at most 1.

    The first layer computes ``relu(v_i . x)`` and ``relu(-v_i . x)`` for i = 1..m and
    ``v_i = (1, i, i^2, ..)``, so its sum is ``sum |v_i . x|``; the others fold that sum.

    Parameters
    ----------
    input_dim, m, width : int
    depth : int
        Number of hidden layers.

    References
    ----------
    Arora, Basu, Mianjy and Mukherjee (2018), Understanding Deep Neural Networks with Rectified
    Linear Units, Theorem 2.11.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import arora_2018_network
    >>> net = arora_2018_network(1, m=1, width=3, depth=3)
    >>> int(plnet.count_regions(net, plnet.Box(-1, 1)))
    18
    """
    return _cones(input_dim, m, _plain_fold(check_size(width, "width", 1), Fraction(1)), depth)


def serra_2018_cones_network(input_dim: int, m: int, width: int, depth: int) -> nn.Sequential:
    """Return a ReLU network with exactly `plnet.bounds.serra_2018_cones` regions on R^n.

    As `arora_2018_network`, with folds of ``width + 1`` pieces.

    Parameters
    ----------
    input_dim, m : int
    width : int
        At least 3.
    depth : int
        Number of hidden layers.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Bounding and Counting Linear Regions of Deep
    Neural Networks, Theorem 7.

    Examples
    --------
    >>> import plnet
    >>> from plnet.networks import serra_2018_cones_network
    >>> int(plnet.count_regions(serra_2018_cones_network(2, m=2, width=3, depth=2)))
    16
    """
    size = check_size(width, "width", 3)
    # The fold works on [0, size + 1/2] and its image is that interval again.
    return _cones(input_dim, m, _full_fold(size, size + Fraction(1, 2)), depth)


def _plain_fold(p: int, height: Fraction) -> Fold:
    """Return a fold of [0, 1] with p pieces of equal length onto [0, height]; p units."""
    weight = [[Fraction(p)]] + [[Fraction(2 * p)] for _ in range(1, p)]
    bias = [Fraction(0)] + [Fraction(-2 * i) for i in range(1, p)]
    signs = [height * (-1) ** i for i in range(p)]
    return Fold(Affine(weight, bias), Affine([signs], [Fraction(0)]), Fraction(1))


def _full_fold(p: int, height: Fraction) -> Fold:
    """Return a fold of R with p + 1 pieces, each onto [0, height] or more; p >= 3 units.

    The slopes are -1, 1, -1, 2, -1, 1, .. times `height`. A sum of units that are all zero on the left has
    slope 0 there, so the second and the third unit point to the left; the slope 2 makes that come out even.
    """
    bends = [Fraction(j) if j <= 3 else j - Fraction(1, 2) for j in range(1, p + 1)]
    slopes = [Fraction((-1) ** (j + 1)) for j in range(p + 1)]
    slopes[3] = Fraction(2)
    changes = [b - a for a, b in pairwise(slopes)]
    sides = [-1 if j in (1, 2) else 1 for j in range(p)]
    weight = [[Fraction(side)] for side in sides]
    bias = [-side * bend for side, bend in zip(sides, bends, strict=True)]
    # The value at 0 is 1 times the height.
    at_zero = sum((c * max(b, Fraction(0)) for c, b in zip(changes, bias, strict=True)), Fraction(0))
    after = Affine([[height * change for change in changes]], [height * (1 - at_zero)])
    return Fold(Affine(weight, bias), after, p + Fraction(1, 2))


def _folded_grid(
    input_dim: int, widths: Sequence[int], least: int, fold: Callable[[int, Fraction], Fold]
) -> nn.Sequential:
    """Fold every coordinate in all layers but the last, which has all its vertices in the unit cube."""
    n0, sizes = check_size(input_dim, "input_dim", 1), check_sizes(widths, "widths", 1)
    if not sizes or min(sizes) < least * n0:
        raise NetworkError(
            f"Expected one or more hidden layers of at least {least * n0} units ({least} for each of {n0} "
            f"inputs), got widths {sizes}."
        )
    # A fold's height is the length of the interval that the next layer folds.
    folds: list[Fold] = []
    height = Fraction(1)
    for n in reversed(sizes[:-1]):
        folds.insert(0, fold(n // n0, height))
        height = folds[0].length
    return _network(_scalar_map(n0), folds, _generic_hyperplanes(sizes[-1], n0), sizes, n0)


def _cones(input_dim: int, m: int, fold: Fold, depth: int) -> nn.Sequential:
    n0, m, depth = check_sizes([input_dim, m, depth], "input_dim, m and depth", 1)
    normals = [[Fraction(i**j) for j in range(n0)] for i in range(1, m + 1)]
    first = Affine([[s * x for x in row] for row in normals for s in (1, -1)], [Fraction(0)] * (2 * m))
    total = Affine([[Fraction(1)] * (2 * m)], [Fraction(0)])
    layers: list[nn.Module] = [linear(first), nn.ReLU()]
    for _ in range(depth - 1):
        layers += [linear(compose(fold.before, total)), nn.ReLU()]
        total = fold.after
    return nn.Sequential(*layers, linear(total))


def _network(
    start: Affine, folds: Sequence[Fold], last: Affine, widths: Sequence[int], n0: int
) -> nn.Sequential:
    """Put folds of each coordinate, then the last layer of hyperplanes, behind one another."""
    layers: list[nn.Module] = []
    inner = start
    for fold, width in zip(folds, widths, strict=False):
        layers += [linear(compose(stack(fold.before, n0, width), inner)), nn.ReLU()]
        after = stack(fold.after, n0, n0)
        spare = width - len(after.weight[0])
        inner = Affine([row + [Fraction(0)] * spare for row in after.weight], after.bias)
    if len(folds) < len(widths):
        layers += [linear(compose(last, inner)), nn.ReLU()]
        inner = Affine([[Fraction(1)] * len(last.bias)], [Fraction(0)])
    return nn.Sequential(*layers, linear(inner))


def _scalar_map(n: int) -> Affine:
    return Affine([[Fraction(i == j) for j in range(n)] for i in range(n)], [Fraction(0)] * n)


def _generic_hyperplanes(n: int, d: int) -> Affine:
    """Return n hyperplanes in general position in R^d all of whose vertices lie in the open unit cube.

    The hyperplanes ``(1, t, .., t^(d-1)) . y = t^d`` meet in points whose coordinates are elementary
    symmetric polynomials of d of the numbers t; with y = scale (x - 1/2) they come close to the centre.
    """
    values = [i - n // 2 for i in range(n)]
    size = max(max(map(abs, values)), d)
    scale = 1
    while scale <= 4 * max(comb(d, k) * size ** (d - k) for k in range(d)):
        scale *= 2
    weight = [[Fraction(scale * t**j) for j in range(d)] for t in values]
    bias = [-sum(row, Fraction(0)) / 2 - Fraction(t**d) for row, t in zip(weight, values, strict=True)]
    return Affine(weight, bias)
