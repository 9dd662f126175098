"""Independent rows of an exact matrix, and the other rows in terms of them."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np

from plnet.geometry.exact import RationalMatrix, object_array

__all__ = ["independent_rows", "solve_rows"]

_PRIME = (1 << 61) - 1


def independent_rows(integers: np.ndarray, order: list[int]) -> list[int]:
    """Return the first rows, in a given order, that are independent modulo a prime.

    They are then independent over the rationals. Whether the others depend on them is for
    `solve_rows` to prove.
    """
    kept: list[tuple[int, np.ndarray]] = []
    chosen = []
    for i in order:
        row = integers[i] % _PRIME
        for column, reduced in kept:
            factor = row[column]
            if factor:
                row = (row - factor * reduced) % _PRIME
        support = np.flatnonzero(row)
        if len(support):
            column = int(support[0])
            kept.append((column, row * pow(int(row[column]), -1, _PRIME) % _PRIME))
            chosen.append(i)
        if len(chosen) == integers.shape[1]:
            break
    return chosen


def solve_rows(matrix: RationalMatrix, chosen: list[int]) -> RationalMatrix:
    """Express all rows ``[a | c]`` of a matrix by the values v of the chosen ones: ``a . t + c = R v + e``.

    Parameters
    ----------
    matrix : RationalMatrix, shape (n, d + 1)
    chosen : list of int
        r rows with independent gradients that span the gradients of all rows.

    Returns
    -------
    RationalMatrix, shape (n, r + 1)
        Rows ``[R | e]``.

    Raises
    ------
    ArithmeticError
        If the chosen rows do not span the others.
    """
    n, r = len(matrix.integers), len(chosen)
    gradients, constants = matrix.integers[:, :-1], matrix.integers[:, -1]
    out = [[Fraction(0)] * (r + 1) for _ in range(n)]
    for j, i in enumerate(chosen):
        out[i][j] = Fraction(1)
    rest = [i for i in range(n) if i not in set(chosen)]
    if rest:
        basis = gradients[chosen]
        solution = _solve_columns(basis, gradients[rest])
        check = _times(solution, basis)
        for k, i in enumerate(rest):
            if any(x != y for x, y in zip(check[k], gradients[i].tolist(), strict=True)):
                raise ArithmeticError("The chosen rows do not span the others.")
            moved = sum(
                (x * int(constants[j]) for x, j in zip(solution[k], chosen, strict=True)), Fraction(0)
            )
            out[i][:-1] = solution[k]
            out[i][-1] = (int(constants[i]) - moved) / matrix.denominator
    common = lcm(*(x.denominator for row in out for x in row))
    flat = [int(x * common) for row in out for x in row]
    return RationalMatrix(object_array(flat, (n, r + 1)), common)


def _solve_columns(basis: np.ndarray, targets: np.ndarray) -> list[list[Fraction]]:
    """Solve ``x @ basis = target`` for each target, on as many columns as there are rows."""
    r = len(basis)
    # Gauss-Jordan on the transposed system; rows of the tableau are columns of the basis.
    columns = [
        [Fraction(x) for x in (*basis[:, k].tolist(), *targets[:, k].tolist())] for k in _pivot_columns(basis)
    ]
    for p in range(r):
        pivot = next(i for i in range(p, r) if columns[i][p])
        columns[p], columns[pivot] = columns[pivot], columns[p]
        lead = columns[p][p]
        columns[p] = [x / lead for x in columns[p]]
        for i in range(r):
            if i != p and columns[i][p]:
                factor = columns[i][p]
                columns[i] = [x - factor * y for x, y in zip(columns[i], columns[p], strict=True)]
    return [[columns[p][r + k] for p in range(r)] for k in range(len(targets))]


def _pivot_columns(basis: np.ndarray) -> list[int]:
    return independent_rows(basis.T, list(range(basis.shape[1])))


def _times(left: list[list[Fraction]], right: np.ndarray) -> list[list[Fraction]]:
    out = []
    for row in left:
        common = lcm(*(x.denominator for x in row))
        total = np.zeros(right.shape[1], dtype=object)
        for x, line in zip(row, right, strict=True):
            total = total + int(x * common) * line
        out.append([Fraction(int(x), common) for x in total])
    return out
