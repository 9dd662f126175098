"""Volumes of polytopes by pulling triangulations: cones from a vertex over the facets without it.

Known algorithm: Cohen and Hickey 1979 (see Büeler, Enge and Fukuda 2000). Ours knows a face by its vertices
and their facets only, goes without recursion, and bounds the error of each determinant.

Error analysis. Elimination with pivots finds the determinant of a matrix whose rows differ from the
given ones by at most ``d u g sqrt(d) d`` in length, u the unit roundoff and g the largest entry on the
way (Higham 2002, theorem 9.3). A determinant is linear in each row and at most the product of their
lengths h_k (Hadamard), so rows that are off by e_k change it by at most
``prod(h_k + e_k) - prod(h_k) <= prod(h_k + e_k) sum(e_k / (h_k + e_k))``.

The vertices of the face of a level are the first entries of row `level` of `faces`, counted from `start`.
"""

from __future__ import annotations

from math import sqrt

from plnet.compiled import compiled, compiled_inline, compiled_inner
from plnet.regions.kernels.bits import has_bit

__all__ = ["add_volumes"]

_UNIT_ROUNDOFF = 2.0**-53

# Rows of the bookkeeping of one level: size of its face, and the next facet to look at.
SIZE, NEXT = range(2)


@compiled_inline
def _determinant(matrix, d):
    """Return the absolute determinant of a matrix, shape (d, d), and the largest entry on the way.

    Elimination with pivots destroys the matrix.
    """
    total, largest = 1.0, 0.0
    for column in range(d):
        pivot = column
        for row in range(column + 1, d):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if matrix[pivot, column] == 0.0:
            return 0.0, largest
        total *= abs(matrix[pivot, column])
        for m in range(d):
            matrix[column, m], matrix[pivot, m] = matrix[pivot, m], matrix[column, m]
            largest = max(largest, abs(matrix[column, m]))
        for row in range(column + 1, d):
            factor = matrix[row, column] / matrix[column, column]
            for m in range(column, d):
                matrix[row, m] -= factor * matrix[column, m]
    return total, largest


@compiled_inner
def _is_section(faces, size, level, tight, start, facet, n_facets):
    """Return whether a facet of the polytope cuts a facet out of the face of a level; once for equal ones."""
    members = 0
    for i in range(size):
        members += has_bit(tight[start + faces[level, i]], facet)
    if members == 0 or members == size:
        return False
    for other in range(n_facets):
        if other == facet:
            continue
        inside, larger, whole = True, False, True
        for i in range(size):
            there = has_bit(tight[start + faces[level, i]], other)
            here = has_bit(tight[start + faces[level, i]], facet)
            if here and not there:
                inside = False
                break
            larger = larger or (there and not here)
            whole = whole and there
        if inside and not whole and (larger or other < facet):
            return False
    return True


@compiled_inline
def _simplex(points, blurs, start, faces, d, matrix):
    """Return (volume, error) of the simplex of the first vertices of all levels, times d factorial."""
    last = start + faces[d, 0]
    for row in range(d):
        for m in range(d):
            matrix[row, m] = points[start + faces[row, 0], m] - points[last, m]
    size, largest = _determinant(matrix, d)
    rounding = 1.1 * d * d * sqrt(1.0 * d) * _UNIT_ROUNDOFF * largest
    most, share = 1.0, (d + 1.0) * _UNIT_ROUNDOFF
    for row in range(d):
        total = 0.0
        for m in range(d):
            entry = points[start + faces[row, 0], m] - points[last, m]
            total += entry * entry
        off = blurs[start + faces[row, 0]] + blurs[last] + rounding
        length = sqrt(total) + off
        most *= length
        share += off / length
    return size, 1.001 * most * share


@compiled_inner
def _volume(points, blurs, tight, start, n, n_facets, faces, levels, matrix):
    """Return (volume, error) of the polytope of n points from `start` on, times d factorial."""
    d, total, error, level = points.shape[1], 0.0, 0.0, 0
    for i in range(n):
        faces[0, i] = i
    levels[SIZE, 0], levels[NEXT, 0] = n, 0
    while level >= 0:
        if level == d:
            size, off = _simplex(points, blurs, start, faces, d, matrix)
            total += size
            error += off + _UNIT_ROUNDOFF * total
            level -= 1
            continue
        facet, size = levels[NEXT, level], levels[SIZE, level]
        if facet == n_facets:
            level -= 1
            continue
        levels[NEXT, level] = facet + 1
        if has_bit(tight[start + faces[level, 0]], facet):
            continue
        if not _is_section(faces, size, level, tight, start, facet, n_facets):
            continue
        members = 0
        for i in range(size):
            if has_bit(tight[start + faces[level, i]], facet):
                faces[level + 1, members] = faces[level, i]
                members += 1
        level += 1
        levels[SIZE, level], levels[NEXT, level] = members, 0
    return total, error


@compiled
def add_volumes(points, blurs, tight, starts, facet_starts, faces, levels, matrix, out):
    """Write volume and error of each polytope times d factorial; a negative entry marks an infinite one.

    No point has an entry above 1 in size, and the true one is at most its blur away. Costs for each
    polytope one determinant for each simplex, up to d! for each vertex.

    Parameters
    ----------
    points, blurs, tight : shapes (n, d), (n,) and (n, words)
        Vertices of all polytopes, and by bits the facets that each lies on.
    starts, facet_starts : int64, shape (r + 1,)
        Where the vertices and the facets of each polytope begin.
    faces, levels, matrix : shapes (d + 1, .), (2, d + 1) and (d, d)
        Scratch memory.
    out : shape (r, 2)
    """
    for region in range(len(out)):
        if out[region, 0] >= 0.0:
            start, n = starts[region], starts[region + 1] - starts[region]
            n_facets = facet_starts[region + 1] - facet_starts[region]
            out[region] = _volume(points, blurs, tight, start, n, n_facets, faces, levels, matrix)
