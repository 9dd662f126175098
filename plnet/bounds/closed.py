"""Closed bounds on the number of activation regions."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, prod

__all__ = ["scalar_layers_upper", "serra_2018", "zaslavsky"]


def zaslavsky(m: int, d: int) -> int:
    """Return the number of regions of m hyperplanes in general position in R^d.

    References
    ----------
    Zaslavsky (1975), Facing up to Arrangements, Memoirs AMS 154.

    Examples
    --------
    >>> from plnet.bounds import zaslavsky
    >>> zaslavsky(5, 2)
    16
    """
    return sum(comb(m, j) for j in range(min(m, d) + 1))


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


def serra_2018(input_dim: int, widths: Sequence[int]) -> int:
    """Return the upper bound of Serra et al. for a ReLU network with hidden `widths`.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Bounding and Counting Linear Regions of
    Deep Neural Networks, Theorem 1.

    Examples
    --------
    >>> from plnet.bounds import serra_2018
    >>> serra_2018(2, [3, 3])
    40
    """
    if not widths:
        return 1
    first, rest = widths[0], widths[1:]
    top = min(input_dim, first)
    return sum(comb(first, j) * serra_2018(min(input_dim, first - j), rest) for j in range(top + 1))
