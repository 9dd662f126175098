"""`Convolution`: a kernel tensor and a table of which input each tap reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from plnet.errors import NetworkError
from plnet.geometry.exact import RationalMatrix, object_array, rational
from plnet.ir.affine import Entries, check_finite, entrywise, frozen_array
from plnet.ir.operators import AffineOperator, gather_block

__all__ = ["Convolution"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Convolution(AffineOperator):
    """A convolution of any dimension, stride, padding and dilation, also a transposed one.

    Input ``channel * positions_in + position`` is entry `position` of channel `channel`, as
    torch flattens it; outputs likewise.

    Parameters
    ----------
    kernel : array_like, shape (groups, out, in, taps)
        Channels of one group, and the entries of the kernel in row-major order.
    table : array_like of int, shape (positions_out, taps)
        Input position that each tap reads at each output position, -1 for zero padding.
    positions_in : int
    bias : array_like, shape (groups * out,)
        One for each output channel.
    name : str

    Raises
    ------
    NetworkError
        If an entry is not finite, or the shapes do not fit.

    Notes
    -----
    Stores the kernel and the table; a product with a vector costs
    O(positions_out * taps * groups * out * in) and gathers values in blocks.
    """

    kernel: np.ndarray
    table: np.ndarray
    positions_in: int
    channel_bias: np.ndarray

    def __init__(self, kernel: Any, table: Any, positions_in: int, bias: Any, name: str = "") -> None:
        kernel, table = frozen_array(kernel), frozen_array(table, np.int64)
        channel_bias = frozen_array(bias)
        check_finite(kernel, "weight", name)
        check_finite(channel_bias, "bias", name)
        if (
            kernel.ndim != 4
            or table.ndim != 2
            or table.shape[1] != kernel.shape[3]
            or channel_bias.shape != (kernel.shape[0] * kernel.shape[1],)
            or (table.size and (table.min() < -1 or table.max() >= positions_in))
        ):
            raise NetworkError(f"Kernel, table and bias of layer {name or '(unnamed)'} do not fit together.")
        self._freeze(
            kernel=kernel,
            table=table,
            positions_in=int(positions_in),
            channel_bias=channel_bias,
            bias=frozen_array(np.repeat(channel_bias, len(table))),
            name=name,
        )

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.kernel.shape[0] * self.kernel.shape[2] * self.positions_in

    @property
    def n_terms(self) -> int:
        """Number of products that one output adds up at most."""
        return self.kernel.shape[2] * self.kernel.shape[3]

    @property
    def stored(self) -> np.ndarray:
        """The kernel."""
        return self.kernel

    @cached_property
    def has_exact_weight(self) -> bool:  # type: ignore[override]
        """Whether `weight` is the exact matrix: no input is read at several taps."""
        ordered = np.sort(self.table, axis=1)
        return not ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any()

    @property
    def positions_out(self) -> int:
        """Number of entries of one output channel."""
        return len(self.table)

    def multiply(self, values: np.ndarray, entries: Entries = "plain") -> np.ndarray:
        """Apply the linear part, or that of the absolute or squared entries, to rows (n, n_in)."""
        groups, n_out, n_in, taps = self.kernel.shape
        kernel = entrywise(self.kernel, entries).reshape(groups, n_out, n_in * taps)
        positions = self.positions_out
        out = np.empty((len(values), self.n_out))
        for rows in gather_block(len(values), groups * n_in * taps * positions):
            block = values[rows].reshape(-1, groups * n_in, self.positions_in)
            # The last entry is the padding, which index -1 reads.
            padded = np.concatenate([block, np.zeros((*block.shape[:2], 1))], axis=2)
            read = padded[:, :, self.table.T].reshape(len(block), groups, n_in * taps, positions)
            out[rows] = np.matmul(kernel, read).reshape(len(block), -1)
        return out

    @cached_property
    def _exact_kernels(self) -> list[RationalMatrix]:
        groups, n_out, n_in, taps = self.kernel.shape
        whole = rational(self.kernel.reshape(groups * n_out, n_in * taps))
        return [whole.rows(slice(g * n_out, (g + 1) * n_out)) for g in range(groups)]

    def multiply_exactly(self, matrix: RationalMatrix) -> RationalMatrix:
        """Return the linear part times an exact matrix (n_in, k)."""
        groups, _, n_in, taps = self.kernel.shape
        columns = matrix.shape[1]
        channels = matrix.integers.reshape(groups * n_in, self.positions_in, columns)
        padding = object_array([0] * (groups * n_in * columns), (groups * n_in, 1, columns))
        read = np.concatenate([channels, padding], axis=1)[:, self.table.T]
        stacked = read.reshape(groups, n_in * taps, self.positions_out * columns)
        parts = [
            kernel @ RationalMatrix(stacked[g], matrix.denominator)
            for g, kernel in enumerate(self._exact_kernels)
        ]
        joined = np.concatenate([part.integers for part in parts]).reshape(self.n_out, columns)
        return RationalMatrix(joined, parts[0].denominator)

    def terms(self, output: int) -> tuple[list[int], list[float], int]:
        """Return inputs, their factors and a divisor: the output is the sum of the products, divided.

        Padding that reflects or repeats lists an input at several taps.
        """
        _, n_out, n_in, _ = self.kernel.shape
        channel, position = divmod(output, self.positions_out)
        group, inner = divmod(channel, n_out)
        inside = self.table[position] >= 0
        places = self.table[position][inside]
        bases = (group * n_in + np.arange(n_in))[:, None] * self.positions_in
        return (bases + places).ravel().tolist(), self.kernel[group, inner][:, inside].ravel().tolist(), 1
