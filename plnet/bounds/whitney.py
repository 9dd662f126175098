"""The sum over central subarrangements, by brute force in exact fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from plnet.bounds.arrangement import Arrangement
from plnet.errors import NetworkError

__all__ = ["whitney_sum"]

_LARGEST = 22


def whitney_sum(arrangement: Arrangement) -> int:
    """Return the number of regions as a sum over all subarrangements with a common point.

    Each of them counts (-1)^(size - rank). It takes 2^n ranks and shares no code with
    `Arrangement.n_regions`, so it serves as a check.

    Parameters
    ----------
    arrangement : Arrangement
        At most 22 hyperplanes.

    Raises
    ------
    NetworkError
        If there are more than 22 hyperplanes.

    References
    ----------
    Whitney (1932), A Logical Expansion in Mathematics.
    Xiong et al. (2020), On the Number of Linear Regions of Convolutional Neural Networks, Lemma 6.

    Examples
    --------
    >>> from plnet.bounds import families, whitney_sum
    >>> whitney_sum(families.braid(3)), whitney_sum(families.shi(3))
    (24, 16)
    """
    if len(arrangement) > _LARGEST:
        raise NetworkError(
            f"Expected at most {_LARGEST} hyperplanes, got {len(arrangement)}: the sum has 2^n terms. "
            "Use n_regions()."
        )
    planes = list(_distinct(arrangement))
    total = 0
    for size in range(len(planes) + 1):
        for chosen in combinations(planes, size):
            rank, consistent = _rank(chosen)
            if consistent:
                total += (-1) ** (size - rank)
    return total


def _distinct(arrangement: Arrangement) -> Iterator[tuple[Any, ...]]:
    seen = set()
    for normal, offset in zip(arrangement.normals, arrangement.offsets, strict=True):
        lead = next(x for x in normal if x)
        # A fraction, because the quotient of two integers would be a float.
        row = tuple(x / (lead * Fraction(1)) for x in (*normal, offset))
        if row not in seen:
            seen.add(row)
            yield row


def _rank(rows: Sequence[Sequence[Any]]) -> tuple[int, bool]:
    """Return the rank of the normals, and whether the equations have a common solution."""
    echelon: list[tuple[int, list[Any]]] = []
    for row in rows:
        rest = list(row)
        for pivot, known in echelon:
            factor = rest[pivot]
            if factor:
                rest = [x - factor * y for x, y in zip(rest, known, strict=True)]
        pivot = next((i for i, x in enumerate(rest[:-1]) if x), None)
        if pivot is None:
            if rest[-1]:
                return len(echelon), False
            continue
        lead = rest[pivot]
        echelon.append((pivot, [x / lead for x in rest]))
    return len(echelon), True
