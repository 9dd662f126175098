"""Crossings of many lines, told apart by residues modulo primes below 2**31.

Line i is ``y = slope x + shift`` modulo every prime. Points that are equal over the rationals have
equal residues, so that different residues are a proof, and equal ones a question. Known parts: one inverse
for many residues (Montgomery 1987), and a table with open addressing and a multiplicative hash (Knuth
1973). Residues are int64 in [0, p), `inverse` is 1 / p in floating point.
"""

from __future__ import annotations

import numpy as np

from plnet.compiled import compiled, compiled_inline

__all__ = ["UNKNOWN", "count_crossings"]

UNKNOWN = -1


@compiled_inline
def _times(a, b, p, inverse):
    """Return a b modulo p."""
    # The quotient in floating point is off by one at most for p < 2**31.
    product = a * b
    r = product - np.int64(np.float64(product) * inverse) * p
    if r < 0:
        return r + p
    return r - p if r >= p else r


@compiled_inline
def _reciprocal(a, p):
    """Return the inverse of a modulo p (Euclid)."""
    r0, r1, s0, s1 = p, a, np.int64(0), np.int64(1)
    while r1 != 0:
        q = r0 // r1
        r0, r1 = r1, r0 - q * r1
        s0, s1 = s1, s0 - q * s1
    return s0 if s0 >= 0 else s0 + p


@compiled_inline
def _minus(a, b, p):
    """Return a - b modulo p."""
    return a - b if a >= b else a - b + p


@compiled_inline
def _concurrent(i, j, k, primes, slopes, shifts):
    """Return whether the determinant of the lines i, j and k is 0 modulo all primes."""
    for q in range(len(primes)):
        p = primes[q]
        inverse = 1.0 / p
        one = _times(_minus(shifts[q, j], shifts[q, i], p), _minus(slopes[q, i], slopes[q, k], p), p, inverse)
        two = _times(_minus(shifts[q, k], shifts[q, i], p), _minus(slopes[q, i], slopes[q, j], p), p, inverse)
        if one != two:
            return False
    return True


@compiled_inline
def _find_crossing(i, begin, end, others):
    """Write the lines after line i whose ends alternate with its own to `others`; return their number."""
    low, high, n = begin[i], end[i], 0
    for j in range(i + 1, len(begin)):
        others[n] = j
        a, b = begin[j], end[j]
        n += ((low < a) & (a < high) & (high < b)) | ((a < low) & (low < b) & (b < high))
    return n


@compiled_inline
def _invert(values, prefix, n, p, inverse):
    """Replace the first n residues of `values` by their inverses; return False if one of them is 0.

    `prefix`, as long, is scratch memory.
    """
    total = np.int64(1)
    for k in range(n):
        prefix[k] = total
        total = _times(total, values[k], p, inverse)
    if total == 0:
        return False
    back = _reciprocal(total, p)
    for k in range(n - 1, -1, -1):
        here = _times(back, prefix[k], p, inverse)
        back = _times(back, values[k], p, inverse)
        values[k] = here
    return True


@compiled_inline
def _places(i, n, others, p, slopes, shifts, places, prefix):
    """Write where n lines cross line i, modulo p; return False if a line is parallel to it modulo p."""
    inverse = 1.0 / p
    for k in range(n):
        places[k] = _minus(slopes[i], slopes[others[k]], p)
    if not _invert(places, prefix, n, p, inverse):
        return False
    for k in range(n):
        places[k] = _times(places[k], _minus(shifts[others[k]], shifts[i], p), p, inverse)
    return True


@compiled_inline
def _different(i, n, others, places, table, stamp, primes, slopes, shifts, proving):
    """Count different places; return UNKNOWN if two are equal modulo one prime but not proved to be one."""
    mask, found = len(table) - 1, 0
    for k in range(n):
        place = places[k]
        at = (place * 40503 + (place >> 15)) & mask
        while table[at, 0] == stamp and places[table[at, 1]] != place:
            at = (at + 1) & mask
        if table[at, 0] != stamp:
            table[at, 0], table[at, 1] = stamp, k
            found += 1
        elif not (proving and _concurrent(i, others[table[at, 1]], others[k], primes, slopes, shifts)):
            return UNKNOWN
    return found


@compiled
def count_crossings(lines, begin, end, primes, slopes, shifts, proving, buffers, table, stamp, out):
    """For each of some lines i, count the different points in which lines j > i cross it.

    Parameters
    ----------
    lines : int64, shape (k,)
    begin, end : int64, shape (m,)
        Places of the ends of each line on a closed curve, ``begin < end``; lines cross iff these alternate.
    primes : int64, shape (q,)
    slopes, shifts : int64, shape (q, m)
    proving : bool
        Whether a determinant that is 0 modulo all primes is 0.
    buffers : int64, shape (3, m)
    table : int64, shape (2**t, 2)
        With ``2**t >= 2 m``.
    stamp : int
        Above all entries of ``table[:, 0]``.
    out : int64, shape (k,)
        The counts, UNKNOWN where no prime decides.
    """
    others, places, prefix = buffers[0], buffers[1], buffers[2]
    for k in range(len(lines)):
        i = lines[k]
        n = _find_crossing(i, begin, end, others)
        out[k] = UNKNOWN
        for q in range(len(primes)):
            if _places(i, n, others, primes[q], slopes[q], shifts[q], places, prefix):
                stamp += 1
                out[k] = _different(i, n, others, places, table, stamp, primes, slopes, shifts, proving)
            if out[k] != UNKNOWN:
                break
