"""Closed numbers of regions of arrangements, and bounds for layers by their numbers of walls."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, prod

from plnet.bounds.checks import check_size

__all__ = ["cover_1965", "scalar_layers_upper", "zaslavsky", "zaslavsky_bounded"]


def zaslavsky(m: int, d: int) -> int:
    """Return the number of regions of m hyperplanes in general position in R^d.

    No m hyperplanes have more. If their normals span a space of dimension r < d, put r in the place of d.

    References
    ----------
    Zaslavsky (1975), Facing up to Arrangements, Memoirs AMS 154.
    Serra, Tjandraatmadja and Ramalingam (2018), Lemma 2, for normals of lower rank.

    Examples
    --------
    >>> from plnet.bounds import zaslavsky
    >>> zaslavsky(5, 2)
    16
    """
    check_size(m, "m")
    check_size(d, "d")
    return sum(comb(m, j) for j in range(min(m, d) + 1))


def zaslavsky_bounded(m: int, d: int) -> int:
    """Return the number of bounded regions of m hyperplanes in general position in R^d.

    References
    ----------
    Zaslavsky (1975), Facing up to Arrangements, Memoirs AMS 154.

    Examples
    --------
    >>> from plnet.bounds import zaslavsky_bounded
    >>> zaslavsky_bounded(5, 2)
    6
    """
    check_size(m, "m")
    check_size(d, "d", 1)
    return comb(m - 1, d) if m else 0


def cover_1965(m: int, d: int) -> int:
    """Return the number of regions of m hyperplanes through the origin of R^d, else in general position.

    A first layer of m ReLU units without bias has at most so many.

    References
    ----------
    Cover (1965), Geometrical and Statistical Properties of Systems of Linear Inequalities.

    Examples
    --------
    >>> from plnet.bounds import cover_1965
    >>> cover_1965(5, 2)
    10
    """
    check_size(m, "m")
    check_size(d, "d", 1)
    return 2 * sum(comb(m - 1, j) for j in range(min(m, d))) if m else 1


def scalar_layers_upper(d: int, walls: Sequence[int]) -> int:
    """Return an upper bound for layers with the given numbers of walls on a domain of dimension d.

    Each layer cuts a cell by at most ``walls[l]`` hyperplanes.

    References
    ----------
    Montúfar (2017), Notes on the Number of Linear Regions of Deep Neural Networks, SampTA.

    Examples
    --------
    >>> from plnet.bounds import scalar_layers_upper
    >>> scalar_layers_upper(2, [4, 4])
    121
    """
    return prod(zaslavsky(m, d) for m in walls)
