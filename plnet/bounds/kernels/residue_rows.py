"""Central arrangements as rows of residues: normal form, restriction, lines of a plane, echelon form.

A row stands for a linear form up to a factor. ``rows[i, column, q]``, of int64 and shape (n, columns,
primes), is its residue modulo ``primes[q]``. In normal form the last entry that is not zero is 1.
Everything is decided by the first prime, and what it calls equal or zero is confirmed by all others. A
kernel returns a failure where they disagree, which only an unlucky prime can cause.

Known parts: deletion and restriction (Zaslavsky 1975); one inverse for many residues (Montgomery 1987).
"""

from __future__ import annotations

import numpy as np

from plnet.compiled import compiled_strict

__all__ = ["count_lines", "echelon", "normal_form", "reduced_polynomial", "restrict"]


@compiled_strict
def _times(a, b, p):
    """Return a b modulo p, for p < 2**50."""
    # The quotient in floating point is off by at most one for p < 2**50, and the difference
    # of the two products is right modulo 2**64, so it is right.
    q = np.int64(np.float64(a) * np.float64(b) / np.float64(p))
    r = a * b - q * p
    if r < 0:
        return r + p
    if r >= p:
        return r - p
    return r


@compiled_strict
def _inverse(a, p):
    """Return the inverse of a modulo p (Euclid)."""
    r0, r1, s0, s1 = p, a, np.int64(0), np.int64(1)
    while r1 != 0:
        q = r0 // r1
        r0, r1 = r1, r0 - q * r1
        s0, s1 = s1, s0 - q * s1
    return s0 if s0 >= 0 else s0 + p


@compiled_strict
def _minus_multiple(x, factor, y, p):
    """Return x - factor y modulo p."""
    r = x - _times(factor, y, p)
    return r + p if r < 0 else r


@compiled_strict
def _scale_rows(rows, changed, n_changed, primes):
    """Make the last nonzero entry of the changed rows 1, in place; one inverse for all of them.

    `changed` begins with the numbers of `n_changed` rows. Returns False on a failure.
    """
    columns = rows.shape[1]
    last = np.empty(n_changed, np.int64)
    products = np.empty(n_changed + 1, np.int64)
    for q in range(rows.shape[2]):
        p = primes[q]
        products[0] = 1
        for k in range(n_changed):
            j = changed[k]
            top = columns - 1
            while top >= 0 and rows[j, top, q] == 0:
                top -= 1
            if q == 0:
                last[k] = top
            if top < 0 or last[k] != top:
                return False
            products[k + 1] = _times(products[k], rows[j, top, q], p)
        rest = _inverse(products[n_changed], p)
        for k in range(n_changed - 1, -1, -1):
            j, top = changed[k], last[k]
            factor = _times(rest, products[k], p)
            rest = _times(rest, rows[j, top, q], p)
            for column in range(top):
                rows[j, column, q] = _times(rows[j, column, q], factor, p)
            rows[j, top, q] = 1
    return True


@compiled_strict
def _order(rows, i, j):
    """Compare two rows from their last column on, by the first prime: -1, 0 or 1."""
    for column in range(rows.shape[1] - 1, -1, -1):
        one, other = rows[i, column, 0], rows[j, column, 0]
        if one != other:
            return -1 if one < other else 1
    return 0


@compiled_strict
def _same(rows, i, j):
    """Confirm by the primes behind the first that two rows are equal."""
    for column in range(rows.shape[1]):
        for q in range(1, rows.shape[2]):
            if rows[i, column, q] != rows[j, column, q]:
                return False
    return True


@compiled_strict
def _sorted_distinct(rows):
    """Return (ok, indices of the distinct rows in order)."""
    n = rows.shape[0]
    order = np.empty(n, np.int64)
    found = 0
    for j in range(n):
        low, high, known = 0, found, False
        while low < high:
            middle = (low + high) // 2
            sign = _order(rows, order[middle], j)
            if sign == 0:
                if not _same(rows, order[middle], j):
                    return False, order[:0]
                known = True
                break
            if sign < 0:
                low = middle + 1
            else:
                high = middle
        if not known:
            for k in range(found, low, -1):
                order[k] = order[k - 1]
            order[low] = j
            found += 1
    return True, order[:found]


@compiled_strict
def _finish(rows, changed, n_changed, primes):
    """Return (ok, rows in normal form): scaled where changed, distinct, sorted, without columns of zeros."""
    nothing = rows[:0]
    if not _scale_rows(rows, changed, n_changed, primes):
        return False, nothing
    ok, order = _sorted_distinct(rows)
    if not ok:
        return False, nothing
    columns, depth = rows.shape[1], rows.shape[2]
    used = np.zeros(columns, np.bool_)
    for i in order:
        for column in range(columns):
            for q in range(depth):
                if rows[i, column, q] != 0:
                    used[column] = True
    out = np.empty((len(order), np.count_nonzero(used), depth), np.int64)
    to = 0
    for column in range(columns):
        if used[column]:
            for k in range(len(order)):
                for q in range(depth):
                    out[k, to, q] = rows[order[k], column, q]
            to += 1
    return True, out


@compiled_strict
def normal_form(rows, primes):
    """Return (ok, the same central arrangement in normal form); no row may be zero."""
    out = rows.copy()
    return _finish(out, np.arange(len(out)), len(out), primes)


@compiled_strict
def restrict(rows, i, primes):
    """Return (ok, the hyperplanes before number i, restricted to hyperplane i, in normal form)."""
    columns, depth = rows.shape[1], rows.shape[2]
    pivot = columns - 1
    while rows[i, pivot, 0] == 0:
        pivot -= 1
    out = np.empty((i, columns - 1, depth), np.int64)
    changed = np.empty(i, np.int64)
    n_changed = 0
    for j in range(i):
        for q in range(depth):
            factor, p = rows[j, pivot, q], primes[q]
            for column in range(pivot):
                x = rows[j, column, q]
                out[j, column, q] = x if factor == 0 else _minus_multiple(x, factor, rows[i, column, q], p)
            for column in range(pivot + 1, columns):
                out[j, column - 1, q] = rows[j, column, q]
            if (factor == 0) != (rows[j, pivot, 0] == 0):
                return False, out[:0]
        if rows[j, pivot, 0] != 0:
            changed[n_changed] = j
            n_changed += 1
    return _finish(out, changed, n_changed, primes)


@compiled_strict
def _projected(rows, j, i, pivot, q, p):
    """Return row j seen from row i, two residues modulo p, number q, in rank three."""
    low = 1 if pivot == 0 else 0
    high = 1 if pivot == 2 else 2
    factor = rows[j, pivot, q]
    return (
        _minus_multiple(rows[j, low, q], factor, rows[i, low, q], p),
        _minus_multiple(rows[j, high, q], factor, rows[i, high, q], p),
    )


@compiled_strict
def _collinear(rows, h, j, i, pivot, primes):
    """Confirm by the primes behind the first that the rows h, j and i are dependent."""
    for q in range(1, rows.shape[2]):
        p = primes[q]
        x0, y0 = _projected(rows, h, i, pivot, q, p)
        x1, y1 = _projected(rows, j, i, pivot, q, p)
        if _times(x0, y1, p) != _times(x1, y0, p):
            return False
    return True


@compiled_strict
def count_lines(rows, primes):
    """Return the sum of (multiplicity - 1) over the lines in which planes of rank three meet, or -1.

    Rows are points of a projective plane here: for each point, the lines to the points before it.
    """
    n, p = rows.shape[0], primes[0]
    size = 4
    while size < 2 * n:
        size *= 2
    table, stamp = np.empty(size, np.int64), np.zeros(size, np.int64)
    ratio, below = np.empty(n, np.int64), np.empty(n, np.int64)
    products = np.empty(n + 1, np.int64)
    products[0] = 1
    total = 0
    for i in range(1, n):
        pivot = 2
        while rows[i, pivot, 0] == 0:
            pivot -= 1
        for j in range(i):
            ratio[j], below[j] = _projected(rows, j, i, pivot, 0, p)
            products[j + 1] = products[j] if below[j] == 0 else _times(products[j], below[j], p)
        rest = _inverse(products[i], p)
        for j in range(i - 1, -1, -1):
            if below[j] == 0:
                ratio[j] = p
            else:
                ratio[j] = _times(ratio[j], _times(rest, products[j], p), p)
                rest = _times(rest, below[j], p)
        for j in range(i):
            place = (ratio[j] * 0x1E3779B97F4A7C15 >> 20) & (size - 1)
            while stamp[place] == i and ratio[table[place]] != ratio[j]:
                place = (place + 1) & (size - 1)
            if stamp[place] != i:
                stamp[place] = i
                table[place] = j
                total += 1
            elif not _collinear(rows, table[place], j, i, pivot, primes):
                return -1
    return total


@compiled_strict
def reduced_polynomial(rows, primes):
    """Return the coefficients of ``pi(A, t) / (1 + t)`` by plain recursion; the first is -1 on a failure."""
    n, columns = rows.shape[0], rows.shape[1]
    out = np.zeros(max(columns, 2), np.int64)
    out[0], out[1] = 1, n - 1
    if n <= 2 or columns <= 2:
        return out
    if columns == 3:
        lines = count_lines(rows, primes)
        out[0] = -1 if lines < 0 else 1
        out[2] = lines - (n - 1)
        return out
    out[1] = 0
    for i in range(1, n):
        ok, restricted = restrict(rows, i, primes)
        if not ok:
            out[0] = -1
            return out
        inner = reduced_polynomial(restricted, primes)
        if inner[0] < 0:
            return inner
        for k in range(min(len(inner), columns - 1)):
            out[k + 1] += inner[k]
    return out


@compiled_strict
def echelon(rows, primes):
    """Return (ok, coordinates, basis, pivots): all rows in terms of the first independent ones.

    Row i is the combination of the rows ``basis`` with the coefficients ``coordinates[i]``;
    the columns ``pivots`` of `rows` have full rank.
    """
    n, columns, depth = rows.shape
    work = rows.copy()
    basis, pivots = np.empty(min(n, columns), np.int64), np.empty(min(n, columns), np.int64)
    free = np.ones(columns, np.bool_)
    rank = 0
    for i in range(n):
        pivot = -1
        for column in range(columns):
            if free[column] and work[i, column, 0] != 0 and pivot < 0:
                pivot = column
            for q in range(1, depth):
                if free[column] and (work[i, column, q] == 0) != (work[i, column, 0] == 0):
                    return False, work, basis[:0], pivots[:0]
        if pivot < 0:
            continue
        free[pivot] = False
        basis[rank], pivots[rank] = i, pivot
        rank += 1
        for q in range(depth):
            p = primes[q]
            factor = _inverse(work[i, pivot, q], p)
            for j in range(i, n):
                work[j, pivot, q] = _times(work[j, pivot, q], factor, p)
            for column in range(columns):
                factor = work[i, column, q]
                if column != pivot and factor != 0:
                    for j in range(i, n):
                        work[j, column, q] = _minus_multiple(work[j, column, q], factor, work[j, pivot, q], p)
    out = np.empty((n, rank, depth), np.int64)
    for i in range(n):
        for k in range(rank):
            for q in range(depth):
                out[i, k, q] = work[i, pivots[k], q]
    return True, out, basis[:rank], pivots[:rank]
