"""Dropout masks: the hash of `plnet.forgetting.models.dropout`, compiled.

The mixing function is that of splitmix64 (Steele, Lea and Flood 2014), on counters instead of a state.
"""

from __future__ import annotations

import numpy as np

from plnet.compiled import compiled_inner

__all__ = ["fill_mask"]

_GOLDEN, _FIRST, _SECOND = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_A, _B, _C = np.uint64(30), np.uint64(27), np.uint64(31)


@compiled_inner
def fill_mask(mask, size, key, first, threshold, factor):
    """Write 0 or `factor` into the first `size` places of a flat mask.

    Parameters
    ----------
    mask : ndarray, shape (at least size,)
    key, first : uint64
        Of the member, and the first counter of the layer in this step.
    threshold : uint64
        Numbers of 32 bits below it mean 0.
    factor : float
    """
    words = (size + 1) // 2
    zero = mask.dtype.type(0)
    for word in range(words):
        z = key + (first + np.uint64(word + 1)) * _GOLDEN
        z = (z ^ (z >> _A)) * _FIRST
        z = (z ^ (z >> _B)) * _SECOND
        z = z ^ (z >> _C)
        mask[word] = factor if (z >> _HALF) >= threshold else zero
        # For an odd size the place behind the last is written too; masks have room for it.
        mask[words + word] = factor if (z & _LOW) >= threshold else zero
