"""Matrix products of small matrices, tile by tile (Goto and van de Geijn 2008).

Ours packs nothing: the matrices of a small network are in the cache, and rows are padded to whole vectors.
"""

from __future__ import annotations

from plnet.compiled import compiled_inner
from plnet.forgetting.kernels.tiles import ROWS, TILES, VECTOR_BYTES, VECTORS

__all__ = ["multiply"]

_large, _thin = TILES[ROWS, VECTORS], TILES[ROWS, 1]
_flat, _small = TILES[1, VECTORS], TILES[1, 1]


@compiled_inner
def multiply(c, start, start_row, rows, a, a_row, a_step, b, length):
    """Set ``c[i, :] = start[i] + sum_k a[i, k] b[k, :]`` for `rows` rows and `length` steps.

    Parameters
    ----------
    c : ndarray, shape (at least rows, n)
        n numbers are a whole number of vectors.
    start : intp
        Address of the first start value; the next is `start_row` bytes further.
    a : intp
        Address of a[0, 0]; `a_row` and `a_step` are the distances in bytes between rows and steps.
    b : ndarray, shape (at least length, n)
    """
    out, right, like = c.ctypes.data, b.ctypes.data, c.dtype.type(0)
    width = c.shape[1] * c.itemsize
    wide = VECTORS * VECTOR_BYTES
    column = 0
    while column < width:
        whole = column + wide <= width
        row = 0
        while row < rows:
            if rows >= ROWS:
                # The last tile overlaps the one before it, and computes the same again.
                first = min(row, rows - ROWS)
                o, s, left = out + first * width + column, start + first * start_row, a + first * a_row
                if whole:
                    _large(like, o, width, s, start_row, left, a_row, a_step, right + column, width, length)
                else:
                    _thin(like, o, width, s, start_row, left, a_row, a_step, right + column, width, length)
                row = first + ROWS
            else:
                o, s, left = out + row * width + column, start + row * start_row, a + row * a_row
                if whole:
                    _flat(like, o, width, s, start_row, left, a_row, a_step, right + column, width, length)
                else:
                    _small(like, o, width, s, start_row, left, a_row, a_step, right + column, width, length)
                row += 1
        column += wide if whole else VECTOR_BYTES
