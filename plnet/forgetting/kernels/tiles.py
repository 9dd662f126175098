"""A tile of a matrix product in vector registers: the one thing that numba cannot be asked for in Python.

A tile has a few rows and a few vectors of columns. Its sums stay in registers while it runs along
the inner dimension, which is what separates a fast matrix product from a slow one.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = ["ROWS", "TILES", "VECTORS", "VECTOR_BYTES"]

_WIDE = bool(llvmlite.binding.get_host_cpu_features().get("avx512f", False))

VECTOR_BYTES = 64 if _WIDE else 32
"""Bytes of a vector register; rows of the right factor are a whole number of them."""

ROWS = 6
"""Rows of a large tile."""

VECTORS = 4 if _WIDE else 2
"""Vectors in a row of a large tile: with 6 rows, 24 of 32 registers, or 12 of 16, hold sums."""


def _tile(n_rows: int, n_vectors: int) -> Any:
    """Return the function ``tile(like, c, c_row, start, start_row, a, a_row, a_step, b, b_row, length)``.

    It sets ``c[r, :] = start[r] + sum_k a[r, k] b[k, :]`` for its rows and vectors. `c`, `start`, `a`
    and `b` are addresses; the rest are distances in bytes between rows and between steps k, and the
    number of steps. `like` is a number of the type of all. Nothing is checked.
    """

    @intrinsic
    def tile(_context, like, _c, _c_row, _start, _start_row, _a, _a_row, _a_step, _b, _b_row, _length):
        return types.void(like, *[types.intp] * 10), generate

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        like, c, c_row, start, start_row, a, a_row, a_step, b, b_row, length = arguments
        scalar: Any = like.type
        size = 8 if isinstance(scalar, ir.DoubleType) else 4
        vector = ir.VectorType(scalar, VECTOR_BYTES // size)
        integer = c.type
        fused = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [vector] * 3),
            f"llvm.fma.v{vector.count}f{8 * size}",
        )

        def at(address: Any, kind: Any) -> Any:
            return builder.inttoptr(address, ir.PointerType(kind))

        def broadcast(address: Any) -> Any:
            value = builder.load(at(address, scalar), align=size)
            first = builder.insert_element(
                ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
            )
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
            return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)

        def row_of(address: Any, step: Any, row: int) -> Any:
            return builder.add(address, builder.mul(step, ir.Constant(integer, row)))

        initial = [broadcast(row_of(start, start_row, row)) for row in range(n_rows)]
        before = builder.basic_block
        loop = builder.append_basic_block("tile.loop")
        body = builder.append_basic_block("tile.body")
        after = builder.append_basic_block("tile.after")
        builder.branch(loop)

        builder.position_at_end(loop)
        k, a_now, b_now = (builder.phi(integer) for _ in range(3))
        k.add_incoming(ir.Constant(integer, 0), before)
        a_now.add_incoming(a, before)
        b_now.add_incoming(b, before)
        sums = [[builder.phi(vector) for _ in range(n_vectors)] for _ in range(n_rows)]
        for row, value in zip(sums, initial, strict=True):
            for phi in row:
                phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", k, length), body, after)

        builder.position_at_end(body)
        right = [
            builder.load(at(builder.add(b_now, ir.Constant(integer, v * VECTOR_BYTES)), vector), align=size)
            for v in range(n_vectors)
        ]
        for row, phis in enumerate(sums):
            left = broadcast(row_of(a_now, a_row, row))
            for phi, factor in zip(phis, right, strict=True):
                phi.add_incoming(builder.call(fused, [left, factor, phi]), body)
        k.add_incoming(builder.add(k, ir.Constant(integer, 1)), body)
        a_now.add_incoming(builder.add(a_now, a_step), body)
        b_now.add_incoming(builder.add(b_now, b_row), body)
        builder.branch(loop)

        builder.position_at_end(after)
        for row, phis in enumerate(sums):
            for v, phi in enumerate(phis):
                place = builder.add(row_of(c, c_row, row), ir.Constant(integer, v * VECTOR_BYTES))
                builder.store(phi, at(place, vector), align=size)
        return context.get_dummy_value()

    return tile


TILES = {(n_rows, n_vectors): _tile(n_rows, n_vectors) for n_rows in (1, ROWS) for n_vectors in (1, VECTORS)}
"""Tiles by rows and vectors."""
