"""Minors of a matrix, one linear system for each, with certified signs.

The terms of the closed count in `engines.closed.two_layer`. Inverses are those of Gauss and Jordan, verified
as by Rump (2010): with a contraction ``|I - inverse @ minor| < 1/2`` residuals bound errors.

weight, spread, bias, bias_spread : shapes (n2, n1) and (n2,)
    The second layer, and bounds of the errors of its numbers.
cost : shape (n1,)
rows, columns : int64, shape (k,), ascending
    A minor.
"""

from __future__ import annotations

from plnet.compiled import compiled, compiled_inner

__all__ = ["count_pairs"]

_ROUNDOFF = 2.0**-53
_FLOOR = 1e-290


@compiled_inner
def _invert(matrix, inverse, k):
    """Write an approximate inverse of a matrix, shape (k, k), to `inverse`; destroy the matrix.

    Returns whether all pivots were non-zero.
    """
    for i in range(k):
        for j in range(k):
            inverse[i, j] = 1.0 if i == j else 0.0
    for column in range(k):
        row, largest = -1, 0.0
        for i in range(column, k):
            if abs(matrix[i, column]) > largest:
                row, largest = i, abs(matrix[i, column])
        if row < 0:
            return False
        if row != column:
            for j in range(k):
                matrix[column, j], matrix[row, j] = matrix[row, j], matrix[column, j]
                inverse[column, j], inverse[row, j] = inverse[row, j], inverse[column, j]
        scale = 1.0 / matrix[column, column]
        for j in range(k):
            matrix[column, j] *= scale
            inverse[column, j] *= scale
        for i in range(k):
            if i != column and matrix[i, column] != 0.0:
                factor = matrix[i, column]
                for j in range(k):
                    matrix[i, j] -= factor * matrix[column, j]
                    inverse[i, j] -= factor * inverse[column, j]
    return True


@compiled_inner
def _contraction(weight, spread, rows, columns, inverse, k):
    """Return a bound of the largest row sum of ``|I - inverse @ minor|``, shape (k, k)."""
    gamma = (k + 4) * 1.02 * _ROUNDOFF
    worst = 0.0
    for i in range(k):
        total = 0.0
        for j in range(k):
            entry, size, own = (1.0 if i == j else 0.0), 1.0, 0.0
            for m in range(k):
                term = inverse[i, m] * weight[rows[m], columns[j]]
                entry -= term
                size += abs(term)
                own += abs(inverse[i, m]) * spread[rows[m], columns[j]]
            total += abs(entry) + gamma * size + own
        worst = max(worst, total)
    return worst * (1.0 + 1e-9)


@compiled_inner
def _term(weight, spread, bias, bias_spread, cost, rows, columns, work):
    """Return the contribution of one pair of a row set and a column set; -1 if a sign is not certain."""
    k = len(rows)
    n_rows, n_columns = weight.shape
    matrix, inverse, y, multipliers, wrong = work[0], work[1], work[2, 0], work[2, 1], work[2, 2]
    gamma = (k + 5) * 1.02 * _ROUNDOFF
    for i in range(k):
        for j in range(k):
            matrix[i, j] = weight[rows[i], columns[j]]
    if not _invert(matrix, inverse, k):
        return -1
    contraction = _contraction(weight, spread, rows, columns, inverse, k)
    if not contraction < 0.5:
        return -1
    negative = False
    for i in range(k):
        y[i] = 0.0
        for j in range(k):
            y[i] -= inverse[i, j] * bias[rows[j]]
    for i in range(k):
        left, size, own = bias[rows[i]], abs(bias[rows[i]]), bias_spread[rows[i]]
        for j in range(k):
            term = weight[rows[i], columns[j]] * y[j]
            left += term
            size += abs(term)
            own += spread[rows[i], columns[j]] * abs(y[j])
        wrong[i] = abs(left) + gamma * size + own + _FLOOR
    error = 0.0
    for i in range(k):
        total = 0.0
        for j in range(k):
            total += abs(inverse[i, j]) * wrong[j]
        error = max(error, total)
    error = error / (1.0 - contraction) * (1.0 + 1e-9)
    certain = True
    for i in range(k):
        if y[i] < -error:
            negative = True
        elif not y[i] > error:
            certain = False
    if negative:
        return 0
    if not certain:
        return -1
    at = 0
    for i in range(n_rows):
        if at < k and rows[at] == i:
            at += 1
            continue
        value, own = bias[i], gamma * abs(bias[i]) + bias_spread[i] + _FLOOR
        for j in range(k):
            term = weight[i, columns[j]] * y[j]
            value += term
            own += gamma * abs(term) + abs(weight[i, columns[j]]) * error
            own += spread[i, columns[j]] * (abs(y[j]) + error)
        if not abs(value) > own * (1.0 + 1e-9):
            return -1
    for j in range(k):
        multipliers[j] = 0.0
        for i in range(k):
            multipliers[j] += cost[columns[i]] * inverse[i, j]
    off = 0.0
    for j in range(k):
        left, size, own = cost[columns[j]], abs(cost[columns[j]]), 0.0
        for i in range(k):
            term = multipliers[i] * weight[rows[i], columns[j]]
            left -= term
            size += abs(term)
            own += abs(multipliers[i]) * spread[rows[i], columns[j]]
        off += abs(left) + gamma * size + own + _FLOOR
    off = off / (1.0 - contraction) * (1.0 + 1e-9)
    for j in range(k):
        largest = 0.0
        for i in range(k):
            largest = max(largest, abs(inverse[i, j]))
        wrong[j] = off * largest
    at, doublings = 0, 0
    for column in range(n_columns):
        if at < k and columns[at] == column:
            at += 1
            continue
        value, own = cost[column], gamma * abs(cost[column]) + _FLOOR
        for i in range(k):
            term = multipliers[i] * weight[rows[i], column]
            value -= term
            own += gamma * abs(term) + wrong[i] * abs(weight[rows[i], column])
            own += (abs(multipliers[i]) + wrong[i]) * spread[rows[i], column]
        if value > own * (1.0 + 1e-9):
            doublings += 1
        elif not value < -own * (1.0 + 1e-9):
            return -1
    return 1 << doublings


@compiled
def count_pairs(weight, spread, bias, bias_spread, cost, row_sets, column_sets, work, undecided):
    """Sum the contributions of all pairs of row sets, shape (p, k), and column sets, shape (q, k).

    `work` is scratch memory, shape (3, max(k, 3), k). Returns the sum and the number of pairs left open.
    Their indices go to `undecided`, shape (m, 2), as far as it reaches.
    """
    total, n = 0, 0
    for p in range(len(row_sets)):
        for q in range(len(column_sets)):
            found = _term(weight, spread, bias, bias_spread, cost, row_sets[p], column_sets[q], work)
            if found >= 0:
                total += found
            else:
                if n < len(undecided):
                    undecided[n, 0] = p
                    undecided[n, 1] = q
                n += 1
    return total, n
