"""Exact linear algebra on integer rows."""

from __future__ import annotations

from collections.abc import Sequence

from plnet.geometry.exact import RationalMatrix

__all__ = ["determinant", "pivot_columns", "rank"]


def rank(matrix: RationalMatrix) -> int:
    """Return the rank over the rationals, by fraction-free (Bareiss) elimination.

    Costs O(n k min(n, k)) integer products.
    """
    return len(pivot_columns(matrix))


def pivot_columns(matrix: RationalMatrix) -> list[int]:
    """Return the first columns that are a basis of the column space, by fraction-free elimination.

    Costs O(n k min(n, k)) integer products.
    """
    rows = [list(row) for row in matrix.integers.tolist()]
    found: list[int] = []
    previous = 1
    for column in range(matrix.shape[1]):
        done = len(found)
        pivot = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        previous = _eliminate(rows, done, column, previous)
        found.append(column)
        if len(found) == len(rows):
            break
    return found


def determinant(rows: Sequence[Sequence[int]]) -> int:
    """Return the determinant of a square integer matrix, by fraction-free (Bareiss) elimination."""
    matrix = [list(row) for row in rows]
    sign, previous = 1, 1
    for column in range(len(matrix) - 1):
        pivot = next((i for i in range(column, len(matrix)) if matrix[i][column]), None)
        if pivot is None:
            return 0
        if pivot != column:
            matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
            sign = -sign
        previous = _eliminate(matrix, column, column, previous)
    return sign * matrix[-1][-1]


def _eliminate(rows: list[list[int]], pivot: int, column: int, previous: int) -> int:
    """Make a column zero below a row, in place and without fractions; return the entry of the pivot."""
    head = rows[pivot]
    for i in range(pivot + 1, len(rows)):
        factor = rows[i][column]
        rows[i] = [(head[column] * a - factor * b) // previous for a, b in zip(rows[i], head, strict=True)]
    return head[column]
