"""Bounds on the number of regions of maxout layers and networks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import comb, prod

from plnet.bounds.checks import check_size, check_sizes
from plnet.bounds.closed import zaslavsky
from plnet.errors import NetworkError

__all__ = [
    "montufar_2014_maxout_deep",
    "montufar_2014_maxout_lower",
    "montufar_2014_maxout_upper",
    "montufar_ren_zhang_2022",
    "montufar_ren_zhang_2022_lower",
    "montufar_ren_zhang_2022_no_bias",
    "montufar_ren_zhang_2022_upper",
    "serra_2018_maxout",
]


def montufar_2014_maxout_lower(input_dim: int, n: int, pieces: int) -> int:
    """Return a number of regions that one layer of n maxout units can have.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural Networks.

    Examples
    --------
    >>> from plnet.bounds import montufar_2014_maxout_lower
    >>> montufar_2014_maxout_lower(2, 4, 3)
    9
    """
    n0, n, k = check_sizes([input_dim, n, pieces], "input_dim, n and pieces", 1)
    return k ** min(n0, n)


def montufar_2014_maxout_upper(input_dim: int, n: int, pieces: int) -> int:
    """Return a number of regions that no layer of n maxout units exceeds.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural Networks.

    Examples
    --------
    >>> from plnet.bounds import montufar_2014_maxout_upper
    >>> montufar_2014_maxout_upper(2, 4, 3)
    81
    """
    n0, n, k = check_sizes([input_dim, n, pieces], "input_dim, n and pieces", 1)
    return min(zaslavsky(k * k * n, n0), k**n)


def montufar_2014_maxout_deep(input_dim: int, pieces: int, depth: int) -> int:
    """Return a number of regions that some network of `depth` layers of n0 maxout units has.

    Raises
    ------
    NetworkError
        If there is one input and a unit has three or more pieces: a convex function of one variable
        takes no value more than twice, so that the number cannot be reached.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural
    Networks, section 4 (maxout networks).

    Examples
    --------
    >>> from plnet.bounds import montufar_2014_maxout_deep
    >>> montufar_2014_maxout_deep(2, 3, 2)
    27
    """
    n0, k, depth = check_sizes([input_dim, pieces, depth], "input_dim, pieces and depth", 1)
    if n0 == 1 and k > 2 and depth > 1:
        raise NetworkError(
            f"With one input and one unit of {k} pieces in each layer, {k}^{depth} regions do not occur: the "
            "bound holds for two or more inputs, or for two pieces."
        )
    return k ** (depth - 1) * k**n0


def serra_2018_maxout(input_dim: int, widths: Sequence[int], pieces: int) -> int:
    """Return the upper bound of Serra et al. for a network of maxout layers.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Theorem 8.

    Examples
    --------
    >>> from plnet.bounds import serra_2018_maxout
    >>> serra_2018_maxout(2, [4], 3)
    79
    """
    sizes = check_sizes([input_dim, *widths], "input_dim and widths")
    k = check_size(pieces, "pieces", 1)
    dims = list(accumulate(sizes, min))[1:]
    return prod(zaslavsky(k * (k - 1) // 2 * n, d) for n, d in zip(sizes[1:], dims, strict=True))


def montufar_ren_zhang_2022(input_dim: int, ranks: Sequence[int]) -> int:
    """Return the maximal number of regions of one maxout layer with biases, exactly.

    Parameters
    ----------
    input_dim : int
    ranks : sequence of int
        Number of pieces of each unit.

    References
    ----------
    Montúfar, Ren and Zhang (2022), Sharp Bounds for the Number of Regions of Maxout Networks and
    Vertices of Minkowski Sums, SIAM J. Appl. Algebra Geom. 6.

    Examples
    --------
    >>> from plnet.bounds import montufar_ren_zhang_2022
    >>> montufar_ren_zhang_2022(2, [3, 3, 3])
    19
    """
    n0, ks = check_size(input_dim, "input_dim"), check_sizes(ranks, "ranks", 1)
    return sum(_elementary([k - 1 for k in ks])[: n0 + 1])


def montufar_ren_zhang_2022_no_bias(input_dim: int, ranks: Sequence[int]) -> int:
    """Return the maximal number of vertices of a sum of polytopes with `ranks` vertices.

    No maxout layer without biases has more regions.

    References
    ----------
    Weibel (2012), Maximal f-vectors of Minkowski Sums of Large Numbers of Polytopes.
    Montúfar, Ren and Zhang (2022), Sharp Bounds for the Number of Regions of Maxout Networks and
    Vertices of Minkowski Sums.

    Examples
    --------
    >>> from plnet.bounds import montufar_ren_zhang_2022_no_bias
    >>> montufar_ren_zhang_2022_no_bias(2, [3, 3, 3])
    9
    """
    d, ks = check_size(input_dim, "input_dim", 1), check_sizes(ranks, "ranks", 1)
    # A unit with one piece is linear and only moves the sum.
    ks = [k for k in ks if k > 1]
    m = len(ks)
    if m < d:
        return prod(ks)
    alpha = 2 * (d % 2)
    sums = _elementary(ks)
    terms = (
        (-1) ** (d - 1 - j) * comb(m - 1 - j, d - 1 - j) * (sums[j] - alpha * comb(m, j)) for j in range(1, d)
    )
    return alpha + sum(terms)


def montufar_ren_zhang_2022_upper(input_dim: int, widths: Sequence[int], pieces: int) -> int:
    """Return an upper bound for a network of maxout layers.

    References
    ----------
    Montúfar, Ren and Zhang (2022), Sharp Bounds for the Number of Regions of Maxout Networks and
    Vertices of Minkowski Sums.

    Examples
    --------
    >>> from plnet.bounds import montufar_ren_zhang_2022_upper
    >>> montufar_ren_zhang_2022_upper(2, [4, 4], 3)
    1089
    """
    sizes = check_sizes([input_dim, *widths], "input_dim and widths")
    k = check_size(pieces, "pieces", 1)
    dims = list(accumulate(sizes, min))[:-1]
    return prod(montufar_ren_zhang_2022(d, [k] * n) for n, d in zip(sizes[1:], dims, strict=True))


def montufar_ren_zhang_2022_lower(input_dim: int, widths: Sequence[int], pieces: int) -> int:
    """Return a number of regions that some network of maxout layers has.

    `plnet.networks.montufar_ren_zhang_2022_network` attains it.

    Raises
    ------
    NetworkError
        If a width is no multiple of the number of inputs, or, with three or more pieces, an odd multiple
        in a layer before the last. A zigzag needs as many convex as concave bends, and each unit has
        ``pieces - 1`` bends of one kind, so that odd multiples give no zigzag.

    References
    ----------
    Montúfar, Ren and Zhang (2022), Sharp Bounds for the Number of Regions of Maxout Networks and
    Vertices of Minkowski Sums.

    Examples
    --------
    >>> from plnet.bounds import montufar_ren_zhang_2022_lower
    >>> montufar_ren_zhang_2022_lower(2, [4, 4], 3)
    625
    """
    n0, sizes = check_size(input_dim, "input_dim", 1), check_sizes(widths, "widths", 1)
    k = check_size(pieces, "pieces", 1)
    if any(n % n0 for n in sizes):
        raise NetworkError(f"Expected widths that are multiples of {n0}, the number of inputs, got {sizes}.")
    if k > 2 and any(n // n0 % 2 for n in sizes[:-1]):
        raise NetworkError(
            f"Expected an even number of units for each of the {n0} inputs in every layer but the last, "
            f"got widths {sizes}. For odd numbers the product is not proved, and for one input it is wrong."
        )
    return prod((n // n0 * (k - 1) + 1) ** n0 for n in sizes)


def _elementary(values: Sequence[int]) -> list[int]:
    """Return the elementary symmetric polynomials of the values, by degree."""
    out = [1]
    for value in values:
        out = [a + value * b for a, b in zip([*out, 0], [0, *out], strict=True)]
    return out
