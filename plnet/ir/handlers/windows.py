"""Which inputs the windows of convolutions and pools cover.

Along one axis, a table (n_out, k) holds the input position of each tap at each output
position, -1 where there is none. The windows of several axes are combined by `windows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

__all__ = [
    "adaptive_axis",
    "convolution_axis",
    "padded_positions",
    "pooling_axis",
    "transposed_axis",
    "windows",
]

_NUMPY_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def padded_positions(n: int, before: int, after: int, mode: str = "zeros") -> np.ndarray:
    """Return the positions 0 .. n - 1 with padding on both sides; negative padding crops.

    `mode` is torch's: zeros, reflect, replicate or circular.
    """
    positions = np.arange(n)[max(0, -before) : n - max(0, -after)]
    pads = (max(0, before), max(0, after))
    if mode in _NUMPY_MODES:
        return np.pad(positions, pads, mode=_NUMPY_MODES[mode])
    return np.pad(positions, pads, constant_values=-1)


def convolution_axis(padded: np.ndarray, kernel: int, stride: int, dilation: int) -> np.ndarray:
    """Return the windows over padded positions, shape (n_out, kernel)."""
    n_out = (len(padded) - dilation * (kernel - 1) - 1) // stride + 1
    starts, taps = np.arange(max(n_out, 0)) * stride, np.arange(kernel) * dilation
    return padded[starts[:, None] + taps]


def transposed_axis(
    n: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int
) -> np.ndarray:
    """Return the windows of a transposed convolution: the inputs that each tap brings to an output."""
    n_out = (n - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    reach = np.arange(max(n_out, 0))[:, None] + padding - dilation * np.arange(kernel)
    source = reach // stride
    return np.where((reach % stride == 0) & (source >= 0) & (source < n), source, -1)


def pooling_axis(
    n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> np.ndarray:
    """Return the windows of a pool, shape (n_out, kernel), with torch's rule for the last one."""
    span = n + 2 * padding - dilation * (kernel - 1) - 1
    n_out = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (n_out - 1) * stride >= n + padding:
        # A window that lies in the padding only is dropped.
        n_out -= 1
    places = np.arange(max(n_out, 0))[:, None] * stride - padding + dilation * np.arange(kernel)
    return np.where((places >= 0) & (places < n), places, -1)


def adaptive_axis(n: int, n_out: int) -> np.ndarray:
    """Return the windows of an adaptive pool: from floor(i n / n_out) to ceil((i + 1) n / n_out)."""
    starts = np.arange(n_out) * n // n_out
    ends = -(-(np.arange(1, n_out + 1) * n) // n_out)
    taps = starts[:, None] + np.arange((ends - starts).max(initial=0))
    return np.where(taps < ends[:, None], taps, -1)


def windows(axes: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """Combine the windows of all axes of an input of the given sizes, shape (positions, taps)."""
    steps = list(accumulate(reversed(sizes[1:]), lambda a, b: a * b, initial=1))[::-1]
    dim = len(axes)
    total, inside = np.zeros((1,) * (2 * dim), np.int64), np.ones((1,) * (2 * dim), bool)
    for axis, (table, step) in enumerate(zip(axes, steps, strict=True)):
        shape = [1] * (2 * dim)
        shape[axis], shape[dim + axis] = table.shape
        total = total + table.reshape(shape) * step
        inside = inside & (table >= 0).reshape(shape)
    rows = int(np.prod([len(table) for table in axes]))
    return np.where(inside, total, -1).reshape(rows, -1)
