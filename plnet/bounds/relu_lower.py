"""Numbers of regions that some ReLU network of given widths has at least.

The networks that attain them are in `plnet.networks`, under the same names with ``_network``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from plnet.bounds.checks import check_size, check_sizes
from plnet.bounds.closed import cover_1965, zaslavsky
from plnet.errors import NetworkError

__all__ = [
    "arora_2018",
    "montufar_2014",
    "pascanu_2014",
    "serra_2018_cones",
    "serra_2018_lower",
    "serra_2018_one_input",
]


def pascanu_2014(input_dim: int, widths: Sequence[int]) -> int:
    """Return the lower bound of Pascanu et al. on the maximal number of regions.

    Raises
    ------
    NetworkError
        If a layer has fewer units than there are inputs.

    References
    ----------
    Pascanu, Montúfar and Bengio (2014), On the Number of Response Regions of Deep Feed Forward
    Networks with Piece-wise Linear Activations.

    Examples
    --------
    >>> from plnet.bounds import pascanu_2014
    >>> pascanu_2014(2, [4, 4])
    22
    """
    n0, sizes = _at_least(input_dim, widths, 1)
    return prod(n // n0 for n in sizes[:-1]) * zaslavsky(sizes[-1], n0)


def montufar_2014(input_dim: int, widths: Sequence[int]) -> int:
    """Return the lower bound of Montúfar et al. on the maximal number of regions.

    Raises
    ------
    NetworkError
        If a layer has fewer units than there are inputs.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural
    Networks, Theorem 5.

    Examples
    --------
    >>> from plnet.bounds import montufar_2014
    >>> montufar_2014(2, [4, 4])
    44
    """
    n0, sizes = _at_least(input_dim, widths, 1)
    return prod((n // n0) ** n0 for n in sizes[:-1]) * zaslavsky(sizes[-1], n0)


def serra_2018_lower(input_dim: int, widths: Sequence[int]) -> int:
    """Return the lower bound of Serra et al. on the maximal number of regions.

    Raises
    ------
    NetworkError
        If a layer has fewer than three units for each input.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Theorem 6.

    Examples
    --------
    >>> from plnet.bounds import serra_2018_lower
    >>> serra_2018_lower(2, [6, 6])
    352
    """
    n0, sizes = _at_least(input_dim, widths, 3)
    return prod((n // n0 + 1) ** n0 for n in sizes[:-1]) * zaslavsky(sizes[-1], n0)


def serra_2018_one_input(widths: Sequence[int]) -> int:
    """Return the maximal number of regions of a ReLU network with one input, exactly.

    Raises
    ------
    NetworkError
        If a layer has fewer than three units.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Theorem 5.

    Examples
    --------
    >>> from plnet.bounds import serra_2018_one_input
    >>> serra_2018_one_input([3, 3, 3])
    64
    """
    _, sizes = _at_least(1, widths, 3)
    return prod(n + 1 for n in sizes)


def arora_2018(input_dim: int, m: int, width: int, depth: int) -> int:
    """Return the regions of the zonotope network: 2 m units in the first layer, `width` in each other.

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
    >>> from plnet.bounds import arora_2018
    >>> arora_2018(2, 2, 4, 2)
    16
    """
    n0, m, w, depth = check_sizes([input_dim, m, width, depth], "input_dim, m, width and depth", 1)
    return cover_1965(m, n0) * w ** (depth - 1)


def serra_2018_cones(input_dim: int, m: int, width: int, depth: int) -> int:
    """Return the number of Serra et al. for the zonotope network: one more piece for each layer.

    The paper states it for ``width >= 2``. `plnet.networks.serra_2018_cones_network` attains it for
    ``width >= 3``; with two units a zigzag of three pieces with the same image does not exist.

    Parameters
    ----------
    input_dim, m : int
    width : int
        At least 2.
    depth : int
        Number of hidden layers.

    References
    ----------
    Serra, Tjandraatmadja and Ramalingam (2018), Theorem 7.

    Examples
    --------
    >>> from plnet.bounds import serra_2018_cones
    >>> serra_2018_cones(2, 2, 4, 2)
    20
    """
    n0, m, depth = check_sizes([input_dim, m, depth], "input_dim, m and depth", 1)
    return cover_1965(m, n0) * (check_size(width, "width", 2) + 1) ** (depth - 1)


def _at_least(input_dim: int, widths: Sequence[int], factor: int) -> tuple[int, list[int]]:
    n0, sizes = check_size(input_dim, "input_dim", 1), check_sizes(widths, "widths", 1)
    if not sizes or min(sizes) < factor * n0:
        raise NetworkError(
            f"This lower bound holds for one or more layers of at least {factor * n0} units "
            f"({factor} for each of {n0} inputs), got widths {list(sizes)}."
        )
    return n0, sizes
