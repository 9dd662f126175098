"""Exact linear algebra on integer rows."""

from __future__ import annotations

from plnet.geometry.exact import RationalMatrix

__all__ = ["rank"]


def rank(matrix: RationalMatrix) -> int:
    """Return the rank over the rationals, by fraction-free (Bareiss) elimination.

    Costs O(n k min(n, k)) integer products.
    """
    rows = [list(row) for row in matrix.integers.tolist()]
    found, previous = 0, 1
    for column in range(matrix.shape[1]):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        head = rows[found]
        for i in range(found + 1, len(rows)):
            factor = rows[i][column]
            rows[i] = [
                (head[column] * a - factor * b) // previous for a, b in zip(rows[i], head, strict=True)
            ]
        previous = head[column]
        found += 1
        if found == len(rows):
            break
    return found
