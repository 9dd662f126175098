"""Sets of small integers as rows of 64-bit words; a set has shape (words,), of uint64.

Bit ``i & 63`` of word ``i >> 6`` stands for the member i. Sizes come from the instruction that counts bits.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from plnet.compiled import compiled_inline

__all__ = ["contains", "has_bit", "intersect", "popcount", "set_bit", "size_of"]


def _popcount(_typing_context, _word):
    """Return the number of bits of a 64-bit word."""
    signature = types.int64(types.uint64)

    def generate(_context, builder, _signature, arguments):
        return builder.ctpop(arguments[0])

    return signature, generate


popcount: Any = intrinsic(_popcount)


@compiled_inline
def size_of(words):
    """Return the number of members of a set."""
    total = 0
    for w in range(len(words)):
        total += popcount(words[w])
    return total


@compiled_inline
def intersect(first, second, out):
    """Write the intersection of two sets to `out`, shape (words,); return its size."""
    total = 0
    for w in range(len(out)):
        out[w] = first[w] & second[w]
        total += popcount(out[w])
    return total


@compiled_inline
def contains(large, small):
    """Return whether every member of the set `small` is in the set `large`."""
    for w in range(len(small)):
        if large[w] & small[w] != small[w]:
            return False
    return True


@compiled_inline
def has_bit(words, bit):
    """Return whether a set has the member `bit`."""
    return (words[bit >> 6] >> types.uint64(bit & 63)) & types.uint64(1) != types.uint64(0)


@compiled_inline
def set_bit(words, bit):
    """Add the member `bit` to a set."""
    words[bit >> 6] |= types.uint64(1) << types.uint64(bit & 63)
