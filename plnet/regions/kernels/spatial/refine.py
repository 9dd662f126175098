"""A ray computed anew from the walls it lies on, with a proved bound of its error.

One step of Newton's method with an approximate inverse by Gauss and Jordan, as in verified linear systems
(Rump 2010). Ours starts from a ray that is known to lie near, and keeps it unless a smaller radius is proved.
"""

from __future__ import annotations

from math import sqrt

from plnet.compiled import compiled_inline, compiled_inner
from plnet.regions.kernels.bits import has_bit

__all__ = ["LARGEST_ENTRY", "refine"]

LARGEST_ENTRY = 1.0 + 1e-6
"""No entry of a ray is larger; the largest is 1 but for rounding and refinement."""


@compiled_inline
def _take_walls(limits, state, table, fixed):
    """Write the walls in `common`, bits of the table, and the cut without column `fixed` to `system`.

    Row: d entries, d of the unit matrix, the fixed entry, the radius. Returns whether there are d walls.
    """
    d, system, row = limits.d, state.system, 0
    for bit in range(64 * limits.words + 1):
        last = bit == 64 * limits.words
        if not last and not has_bit(state.common, bit):
            continue
        if row == d:
            return False
        record = -1 if last else state.tables[table + bit]
        size = 0.0
        for m in range(d + 2):
            entry = state.cut[m] if last else state.records[record, m]
            system[row, 2 * d + 2 if m == d + 1 else 2 * d + 1 if m == fixed else m - (m > fixed)] = entry
            if m <= d:
                size = max(size, abs(entry))
        if size == 0.0:
            return False
        for m in range(d):
            system[row, m] /= size
            system[row, d + m] = 1.0 if m == row else 0.0
        system[row, 2 * d + 1] /= size
        # The divisions round each entry once more.
        system[row, 2 * d + 2] = system[row, 2 * d + 2] / size + (d + 1.0) * 4.0 * limits.unit
        row += 1
    return row == d


@compiled_inline
def _invert(limits, matrix):
    """Write the inverse of the left half of `matrix` (d, 2 d) to its right half; False without pivots."""
    d = limits.d
    for column in range(d):
        pivot = column
        for row in range(column + 1, d):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if not abs(matrix[pivot, column]) > 1e-13:
            return False
        for m in range(2 * d):
            matrix[column, m], matrix[pivot, m] = matrix[pivot, m], matrix[column, m]
        head = 1.0 / matrix[column, column]
        for m in range(2 * d):
            matrix[column, m] *= head
        for row in range(d):
            factor = matrix[row, column]
            if row != column and factor != 0.0:
                for m in range(2 * d):
                    matrix[row, m] -= factor * matrix[column, m]
    return True


@compiled_inner
def refine(limits, state, table, ray):
    """Improve a ray (d + 2,) by one step of Newton's method on its walls, if a smaller radius is proved.

    The ray is scaled so that its largest entry is 1 and stays fixed. With an approximate inverse B
    of the matrix A of the other entries, ``|error| <= |B| |residual| / (1 - |I - B A|)``, the
    residual of the improved ray enlarged by the radii of the walls (Rump 2010, section 10).
    """
    d, system, matrix = limits.d, state.system, state.inverse
    fixed = 0
    for m in range(d + 1):
        if abs(ray[m]) > abs(ray[fixed]):
            fixed = m
    if not _take_walls(limits, state, table, fixed):
        return
    for row in range(d):
        for m in range(2 * d):
            matrix[row, m] = system[row, m]
    if not _invert(limits, matrix):
        return
    contraction = 0.0
    for row in range(d):
        total = 0.0
        for m in range(d):
            entry, size = (1.0 if m == row else 0.0), 1.0
            for k in range(d):
                product = matrix[row, d + k] * system[k, m]
                entry -= product
                size += abs(product)
            total += abs(entry) + 2.0 * (d + 2.0) * limits.unit * size
        contraction = max(contraction, total)
    if not contraction < 0.5:
        return
    for row in range(d):
        value = system[row, 2 * d + 1] * ray[fixed]
        for m in range(d):
            value += system[row, m] * ray[m + (m >= fixed)]
        matrix[row, 0] = value
    for m in range(d + 2):
        state.saved[m] = ray[m]
    for m in range(d):
        step = 0.0
        for k in range(d):
            step += matrix[m, d + k] * matrix[k, 0]
        ray[m + (m >= fixed)] -= step
    for row in range(d):
        value, size = system[row, 2 * d + 1] * ray[fixed], abs(system[row, 2 * d + 1])
        for m in range(d):
            product = system[row, m] * ray[m + (m >= fixed)]
            value += product
            size += abs(product)
        matrix[row, 0] = abs(value) + 2.0 * (d + 2.0) * limits.unit * size + 1.1 * system[row, 2 * d + 2]
    worst = 0.0
    for m in range(d):
        bound = 0.0
        for k in range(d):
            bound += abs(matrix[m, d + k]) * matrix[k, 0]
        worst = max(worst, bound)
    largest = 1.0
    for m in range(d + 1):
        largest = max(largest, abs(ray[m]))
    # All entries of the error are at most this; its length is sqrt(d) times as large.
    radius = worst / (1.0 - contraction) * sqrt(1.0 * d) * 1.001
    if largest < LARGEST_ENTRY and radius < 0.01 and radius < ray[d + 1]:
        ray[d + 1] = radius
        return
    for m in range(d + 2):
        ray[m] = state.saved[m]
