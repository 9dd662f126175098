"""Numbers of regions of convolutional ReLU layers and networks, without padding."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from itertools import product as cartesian
from math import comb, prod

from plnet.bounds.checks import check_size, check_sizes
from plnet.bounds.closed import zaslavsky
from plnet.errors import NetworkError

__all__ = ["receptive_fields", "xiong_2020", "xiong_2020_lower", "xiong_2020_upper"]

Layer = tuple[int, Sequence[int], Sequence[int]]
"""Channels, size of the filter and stride, one entry for each axis."""


def receptive_fields(
    input_shape: Sequence[int], kernel: Sequence[int], stride: Sequence[int]
) -> list[frozenset[int]]:
    """Return the inputs that each position of a convolutional layer sees.

    Parameters
    ----------
    input_shape : sequence of int
        Channels, then one size for each axis.
    kernel, stride : sequence of int
        One entry for each axis.

    Returns
    -------
    list of frozenset of int
        Flat indices into an input of `input_shape`; positions in row-major order.

    Examples
    --------
    >>> from plnet.bounds import receptive_fields
    >>> [sorted(field) for field in receptive_fields((1, 4), (2,), (2,))]
    [[0, 1], [2, 3]]
    """
    channels, *sizes = check_sizes(input_shape, "input_shape", 1)
    positions = _positions(sizes, kernel, stride)
    fields = []
    for place in cartesian(*map(range, positions)):
        ranges = [range(p * s, p * s + f) for p, s, f in zip(place, stride, kernel, strict=True)]
        fields.append(frozenset(_flat((c, *x), sizes) for c in range(channels) for x in cartesian(*ranges)))
    return fields


def xiong_2020(fields: Sequence[Collection[int]], channels: int) -> int:
    """Return the number of regions of one convolutional layer with generic weights at every position.

    No convolutional layer has more.

    Parameters
    ----------
    fields : sequence of collections of int
        The inputs that each position sees, as `receptive_fields` gives them.
    channels : int
        Number of filters.

    Notes
    -----
    The theorem says that layers whose positions share their filters attain it. Along one axis they did in
    all 873 shapes that were counted. With two axes they need not: two filters a and b of size 2 x 2 on one
    3 x 3 image fulfil ``a * b = b * a``, which is a relation between the eight normals, so that there are
    255 regions at most and not 256.

    Sums over all ways to choose numbers of hyperplanes per position whose normals can be independent. That is
    fast along one axis; with two axes it is exponential in the number of positions.

    References
    ----------
    Xiong, Huang, Yu, Liu, Zhu and Shao (2020), On the Number of Linear Regions of Convolutional
    Neural Networks, Theorem 2.

    Examples
    --------
    >>> from plnet.bounds import receptive_fields, xiong_2020
    >>> xiong_2020(receptive_fields((1, 4), (3,), (1,)), channels=2)
    16
    """
    d = check_size(channels, "channels", 1)
    sets = [sorted(field) for field in fields]
    if all(field == list(range(field[0], field[-1] + 1)) for field in sets if field) and _staircase(sets):
        return _sum_along_axis(sets, d)
    return _sum_by_matching(sets, d)


def xiong_2020_lower(input_shape: Sequence[int], layers: Sequence[Layer]) -> int:
    """Return a number of regions that some network of these convolutional layers has.

    Parameters
    ----------
    input_shape : sequence of int
        Channels, then one size for each axis.
    layers : sequence of (channels, kernel, stride)

    Raises
    ------
    NetworkError
        If a layer in front of the last has fewer channels than the input, or if the fields of the last
        layer overlap along two axes, where shared filters need not attain `xiong_2020`.

    References
    ----------
    Xiong, Huang, Yu, Liu, Zhu and Shao (2020), Theorem 5.

    Examples
    --------
    >>> from plnet.bounds import xiong_2020_lower
    >>> xiong_2020_lower((1, 4), [(2, (2,), (1,)), (2, (2,), (1,))])
    120
    """
    shapes = _shapes(input_shape, layers)
    d0 = shapes[0][0]
    factor = 1
    for channels, *sizes in shapes[1:-1]:
        if channels < d0:
            raise NetworkError(
                f"Expected layers of at least {d0} channels, as the input has, got {channels}."
            )
        factor *= (channels // d0) ** (prod(sizes) * d0)
    channels, kernel, stride = layers[-1]
    overlaps = [f > s and n > 1 for f, s, n in zip(kernel, stride, shapes[-1][1:], strict=True)]
    if sum(overlaps) > 1 and channels > 1:
        raise NetworkError(
            "Expected a last layer whose fields overlap along one axis at most; with two, shared filters can "
            f"have fewer regions than the formula says. Got kernel {tuple(kernel)}, stride {tuple(stride)}."
        )
    return factor * xiong_2020(receptive_fields((d0, *shapes[-2][1:]), kernel, stride), channels)


def xiong_2020_upper(input_shape: Sequence[int], layers: Sequence[Layer]) -> int:
    """Return a number of regions that no network of these convolutional layers exceeds.

    Parameters
    ----------
    input_shape : sequence of int
        Channels, then one size for each axis.
    layers : sequence of (channels, kernel, stride)

    References
    ----------
    Xiong, Huang, Yu, Liu, Zhu and Shao (2020), Theorem 5.

    Examples
    --------
    >>> from plnet.bounds import xiong_2020_upper
    >>> xiong_2020_upper((1, 4), [(2, (2,), (1,)), (2, (2,), (1,))])
    880
    """
    shapes = _shapes(input_shape, layers)
    channels, kernel, stride = layers[0]
    first = xiong_2020(receptive_fields(shapes[0], kernel, stride), channels)
    return first * prod(zaslavsky(prod(shape), prod(shapes[0])) for shape in shapes[2:])


def _shapes(input_shape: Sequence[int], layers: Sequence[Layer]) -> list[tuple[int, ...]]:
    shapes = [tuple(check_sizes(input_shape, "input_shape", 1))]
    if not layers:
        raise NetworkError("Expected at least one layer (channels, kernel, stride), got none.")
    for channels, kernel, stride in layers:
        positions = _positions(shapes[-1][1:], kernel, stride)
        shapes.append((check_size(channels, "channels", 1), *positions))
    return shapes


def _positions(sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    kernel, stride = check_sizes(kernel, "kernel", 1), check_sizes(stride, "stride", 1)
    fits = len(kernel) == len(stride) == len(sizes) and all(
        f <= n for f, n in zip(kernel, sizes, strict=True)
    )
    if not fits:
        raise NetworkError(
            f"Expected a kernel and a stride with one entry for each axis, and a kernel no larger than the "
            f"input of size {tuple(sizes)}, got kernel {tuple(kernel)} and stride {tuple(stride)}."
        )
    return [(n - f) // s + 1 for n, f, s in zip(sizes, kernel, stride, strict=True)]


def _flat(index: Sequence[int], sizes: Sequence[int]) -> int:
    out = index[0]
    for i, n in zip(index[1:], sizes, strict=True):
        out = out * n + i
    return out


def _staircase(sets: Sequence[Sequence[int]]) -> bool:
    ends = [(field[0], field[-1]) for field in sets if field]
    return all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(ends))


def _sum_along_axis(sets: Sequence[Sequence[int]], channels: int) -> int:
    """Intervals that move to the right: taking the leftmost free inputs first is never wrong."""
    ways = {0: 1}
    for field in sets:
        if not field:
            continue
        after: dict[int, int] = {}
        for used, number in ways.items():
            start = max(used, field[0])
            for t in range(min(channels, field[-1] + 1 - start) + 1):
                after[start + t] = after.get(start + t, 0) + number * comb(channels, t)
        ways = after
    return sum(ways.values())


def _sum_by_matching(sets: Sequence[Sequence[int]], channels: int) -> int:
    """Give each chosen hyperplane an input of its own; a choice without such a matching is dependent."""

    def grow(position: int, owner: dict[int, int]) -> dict[int, int] | None:
        owner, seen = dict(owner), set()

        def place(who: int) -> bool:
            for x in sets[who]:
                if x not in seen:
                    seen.add(x)
                    if x not in owner or place(owner[x]):
                        owner[x] = who
                        return True
            return False

        return owner if place(position) else None

    def total(position: int, owner: dict[int, int]) -> int:
        if position == len(sets):
            return 1
        result, t, current = 0, 0, owner
        while current is not None:
            result += comb(channels, t) * total(position + 1, current)
            t += 1
            current = grow(position, current) if t <= channels else None
        return result

    return total(0, {})
