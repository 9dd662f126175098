"""Upper bounds on the number of activation regions of ReLU networks, by their widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from math import comb, prod

from plnet.bounds.checks import check_size, check_sizes
from plnet.bounds.closed import zaslavsky
from plnet.errors import NetworkError

__all__ = ["activation_patterns", "hinz_van_de_geer_2019", "montufar_2017", "raghu_2017_order", "serra_2018"]

Histogram = Callable[[int, int], Sequence[int]]


def activation_patterns(widths: Sequence[int]) -> int:
    """Return the number of activation patterns, 2 to the number of units.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio (2014), On the Number of Linear Regions of Deep Neural Networks.

    Examples
    --------
    >>> from plnet.bounds import activation_patterns
    >>> activation_patterns([3, 3])
    64
    """
    return 2 ** sum(check_sizes(widths, "widths"))


def raghu_2017_order(input_dim: int, width: int, depth: int, pieces: int = 2) -> int:
    """Return the order of growth of the number of activation patterns, without its constant.

    This is no bound: the theorem says O(k^(m n)) for ReLU (two pieces) and O((2 k)^(m n)) for
    hard tanh (three pieces), with width k, depth n and input dimension m.

    References
    ----------
    Raghu, Poole, Kleinberg, Ganguli and Sohl-Dickstein (2017), On the Expressive Power of Deep
    Neural Networks, Theorem 1.

    Examples
    --------
    >>> from plnet.bounds import raghu_2017_order
    >>> raghu_2017_order(2, 10, 3)
    1000000
    """
    sizes = check_sizes([input_dim, width, depth], "input_dim, width and depth", 1)
    walls = check_size(pieces, "pieces", 2) - 1
    return (walls * sizes[1]) ** (sizes[0] * sizes[2])


def montufar_2017(input_dim: int, widths: Sequence[int]) -> int:
    """Return the product over the layers of the regions that their units can make at most.

    References
    ----------
    Montúfar (2017), Notes on the Number of Linear Regions of Deep Neural Networks, SampTA.

    Examples
    --------
    >>> from plnet.bounds import montufar_2017
    >>> montufar_2017(2, [3, 3])
    49
    """
    sizes = check_sizes([input_dim, *widths], "input_dim and widths")
    dims = list(accumulate(sizes, min))[:-1]
    return prod(zaslavsky(n, d) for n, d in zip(sizes[1:], dims, strict=True))


def serra_2018(input_dim: int, widths: Sequence[int], ranks: Sequence[int] | None = None) -> int:
    """Return the upper bound of Serra et al. for a ReLU network with hidden `widths`.

    Parameters
    ----------
    input_dim : int
    widths : sequence of int
    ranks : sequence of int, optional
        Ranks of the weight matrices, where they are known to be lower than the sizes say.

    Raises
    ------
    NetworkError
        If there is not one rank for each layer, or a size is no integer of at least 0.

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
    n0, sizes = check_size(input_dim, "input_dim"), check_sizes(widths, "widths")
    limits = sizes if ranks is None else check_sizes(ranks, "ranks")
    if len(limits) != len(sizes):
        raise NetworkError(f"Expected {len(sizes)} ranks, one for each layer, got {len(limits)}.")

    @cache
    def behind(layer: int, d: int) -> int:
        if layer == len(sizes):
            return 1
        n = sizes[layer]
        top = min(d, n, limits[layer])
        return sum(comb(n, j) * behind(layer + 1, min(d, n - j)) for j in range(top + 1))

    return behind(0, n0)


def hinz_van_de_geer_2019(
    input_dim: int, widths: Sequence[int], histogram: str | Histogram = "serra_2018"
) -> int:
    """Return the upper bound of Hinz and van de Geer for a choice of histograms.

    A histogram says for a layer of n' units on a domain of dimension n how many regions have
    how many active units, entry i for i active units.

    Parameters
    ----------
    input_dim : int
    widths : sequence of int
    histogram : {"serra_2018", "montufar_2017", "naive"} or callable
        A callable takes (n, n') and returns n' + 1 numbers. It must fulfil the two domination conditions
        of the paper, which are not checked.

    Raises
    ------
    NetworkError
        If no histogram has that name, or a size is no integer of at least 0.

    References
    ----------
    Hinz and van de Geer (2019), A Framework for the Construction of Upper Bounds on the Number of
    Affine Linear Regions of ReLU Feed-Forward Neural Networks, IEEE Trans. Inf. Theory 65.

    Examples
    --------
    >>> from plnet.bounds import hinz_van_de_geer_2019
    >>> [hinz_van_de_geer_2019(2, [3, 3], name) for name in ("serra_2018", "montufar_2017", "naive")]
    [40, 49, 64]
    """
    n0, sizes = check_size(input_dim, "input_dim"), check_sizes(widths, "widths")
    if isinstance(histogram, str) and histogram not in _HISTOGRAMS:
        raise NetworkError(
            f"Expected a histogram among {', '.join(_HISTOGRAMS)} or a function, got {histogram!r}."
        )
    choose = _HISTOGRAMS[histogram] if isinstance(histogram, str) else histogram
    # Number of regions by the dimension of their image.
    regions = [0] * n0 + [1]
    for n in sizes:
        after = [0] * (n + 1)
        for dimension, number in enumerate(regions):
            d = min(dimension, n)
            for active, share in enumerate(choose(d, n) if number else ()):
                after[min(active, d)] += number * share
        regions = after
    return sum(regions)


def _naive_histogram(_: int, n: int) -> list[int]:
    return [0] * n + [2**n]


def _montufar_histogram(d: int, n: int) -> list[int]:
    return [0] * n + [zaslavsky(n, d)]


def _serra_histogram(d: int, n: int) -> list[int]:
    return [comb(n, n - active) if n - active <= d else 0 for active in range(n + 1)]


_HISTOGRAMS: dict[str, Histogram] = {
    "serra_2018": _serra_histogram,
    "montufar_2017": _montufar_histogram,
    "naive": _naive_histogram,
}
