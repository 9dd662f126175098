"""Independent rows of an exact matrix, and the other rows in terms of them."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np

from plnet.budgets import look
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
        look()
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
    gradients, constants = matrix.integers[:, :-1], matrix.integers[:, -1].tolist()
    rows: list[_Sparse] = [{} for _ in range(n)]
    for j, i in enumerate(chosen):
        rows[i] = {j: Fraction(1)}
    rest = sorted(set(range(n)) - set(chosen))
    for i, solution in zip(rest, _solve(gradients[chosen], gradients[rest]), strict=True):
        moved = sum((x * constants[chosen[j]] for j, x in solution.items()), Fraction(0))
        rows[i] = {**solution, r: (constants[i] - moved) / matrix.denominator}
    common = lcm(*(x.denominator for row in rows for x in row.values()))
    integers = object_array([0] * (n * (r + 1)), (n, r + 1))
    for i, row in enumerate(rows):
        for j, x in row.items():
            integers[i, j] = x.numerator * (common // x.denominator)
    return RationalMatrix(integers, common)


_Sparse = dict[int, Fraction]


def _solve(basis: np.ndarray, targets: np.ndarray) -> list[_Sparse]:
    """Solve ``x @ basis = target`` for each target; the rows of the basis are independent.

    Rows with a single entry, such as the facets of a box, each remove a column; what is left is dense.
    """
    columns = {i: int(np.flatnonzero(row)[0]) for i, row in enumerate(basis) if np.count_nonzero(row) == 1}
    dense = [i for i in range(len(basis)) if i not in columns]
    others = sorted(set(range(basis.shape[1])) - set(columns.values()))
    found: list[_Sparse] = []
    solutions = _solve_columns(basis[dense][:, others], targets[:, others]) if others else [[]] * len(targets)
    for target, solution in zip(targets, solutions, strict=True):
        look()
        row = {i: x for i, x in zip(dense, solution, strict=True) if x}
        left = dict(enumerate(target.tolist()))
        for i, x in row.items():
            for column in columns.values():
                left[column] -= x * basis[i, column]
        row |= {
            i: Fraction(left[column], 1) / basis[i, column] for i, column in columns.items() if left[column]
        }
        found.append(row)
    return found


def _solve_columns(basis: np.ndarray, targets: np.ndarray) -> list[list[Fraction]]:
    """Solve ``x @ basis = target`` for each target on as many columns as there are rows; check the others.

    Raises
    ------
    ArithmeticError
        If the rows of the basis do not span a target.
    """
    r, pivots = len(basis), _pivot_columns(basis)
    # Gauss-Jordan on the transposed system; rows of the tableau are columns of the basis.
    columns = [[Fraction(x) for x in (*basis[:, k].tolist(), *targets[:, k].tolist())] for k in pivots]
    for p in range(r):
        pivot = next(i for i in range(p, r) if columns[i][p])
        columns[p], columns[pivot] = columns[pivot], columns[p]
        lead = columns[p][p]
        columns[p] = [x / lead for x in columns[p]]
        for i in range(r):
            look()
            if i != p and columns[i][p]:
                factor = columns[i][p]
                columns[i] = [x - factor * y for x, y in zip(columns[i], columns[p], strict=True)]
    solutions = [[columns[p][r + k] for p in range(r)] for k in range(len(targets))]
    unchecked = sorted(set(range(basis.shape[1])) - set(pivots))
    for solution, target in zip(_times(solutions, basis[:, unchecked]), targets[:, unchecked], strict=True):
        if any(x != y for x, y in zip(solution, target.tolist(), strict=True)):
            raise ArithmeticError("The chosen rows do not span the others.")
    return solutions


def _pivot_columns(basis: np.ndarray) -> list[int]:
    return independent_rows(basis.T, list(range(basis.shape[1])))


def _times(left: list[list[Fraction]], right: np.ndarray) -> list[list[Fraction]]:
    out = []
    for row in left:
        look()
        common = lcm(*(x.denominator for x in row))
        total = np.zeros(right.shape[1], dtype=object)
        for x, line in zip(row, right, strict=True):
            total = total + int(x * common) * line
        out.append([Fraction(int(x), common) for x in total])
    return out
