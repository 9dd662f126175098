"""Fixed affine maps that are stored sparsely, as `plnet.ir.to_sequential` writes them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

__all__ = ["GatheredConvolution", "SparseLinear", "StackedLinear"]


class _FixedLinear(nn.Module):
    """A map whose tensors are buffers: they move with the module and are not trained."""

    def __init__(self, in_features: int, **tensors: torch.Tensor) -> None:
        super().__init__()
        self.in_features = in_features
        for name, tensor in tensors.items():
            self.register_buffer(name, torch.as_tensor(tensor).detach().clone())

    def extra_repr(self) -> str:
        """Return the number of inputs, for printing."""
        return str(self.in_features)


class SparseLinear(_FixedLinear):
    """Rows with few entries, each divided by an integer: ``(S x) / divisors + bias``.

    Parameters
    ----------
    in_features : int
    starts : torch.Tensor of int64, shape (n_out + 1,)
        Entries ``starts[i] : starts[i + 1]`` belong to row i.
    inputs : torch.Tensor of int64, shape (entries,)
    values, bias : torch.Tensor, shapes (entries,) and (n_out,)
    divisors : torch.Tensor of int64, shape (n_out,)

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import SparseLinear
    >>> starts, inputs = torch.tensor([0, 2]), torch.tensor([0, 2])
    >>> mean = SparseLinear(3, starts, inputs, torch.ones(2), torch.zeros(1), torch.tensor([2]))
    >>> mean(torch.tensor([[1.0, 5.0, 2.0]])).tolist()
    [[1.5]]
    """

    starts: torch.Tensor
    inputs: torch.Tensor
    values: torch.Tensor
    bias: torch.Tensor
    divisors: torch.Tensor

    def __init__(
        self,
        in_features: int,
        starts: torch.Tensor,
        inputs: torch.Tensor,
        values: torch.Tensor,
        bias: torch.Tensor,
        divisors: torch.Tensor,
    ) -> None:
        super().__init__(
            in_features, starts=starts, inputs=inputs, values=values, bias=bias, divisors=divisors
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, in_features) to (n, n_out)."""
        rows = torch.repeat_interleave(torch.arange(len(self.bias), device=x.device), self.starts.diff())
        sums = x.new_zeros(len(x), len(self.bias)).index_add(1, rows, x[:, self.inputs] * self.values)
        return sums / self.divisors + self.bias


class GatheredConvolution(_FixedLinear):
    """A convolution given by its kernel and by a table of the inputs that each tap reads.

    Parameters
    ----------
    kernel : torch.Tensor, shape (groups, out, in, taps)
    table : torch.Tensor of int64, shape (positions_out, taps)
        -1 stands for zero padding.
    positions_in : int
    bias : torch.Tensor, shape (groups * out,)

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import GatheredConvolution
    >>> table = torch.tensor([[-1, 0], [0, 1]])
    >>> sums = GatheredConvolution(torch.ones(1, 1, 1, 2), table, 2, torch.zeros(1))
    >>> sums(torch.tensor([[1.0, 5.0]])).tolist()
    [[1.0, 6.0]]
    """

    kernel: torch.Tensor
    table: torch.Tensor
    bias: torch.Tensor

    def __init__(
        self, kernel: torch.Tensor, table: torch.Tensor, positions_in: int, bias: torch.Tensor
    ) -> None:
        super().__init__(
            kernel.shape[0] * kernel.shape[2] * positions_in, kernel=kernel, table=table, bias=bias
        )
        self.positions_in = positions_in

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, groups * in * positions_in) to (n, groups * out * positions_out)."""
        groups, n_out, n_in, taps = self.kernel.shape
        channels = x.reshape(len(x), groups * n_in, self.positions_in)
        padded = torch.cat([channels, channels.new_zeros(*channels.shape[:2], 1)], dim=2)
        read = padded[:, :, self.table.T].reshape(len(x), groups, n_in * taps, -1)
        out = self.kernel.reshape(groups, n_out, -1) @ read
        return (out.flatten(1, 2) + self.bias[:, None]).flatten(1)


class StackedLinear(nn.Module):
    """Several maps side by side, each of some of the features.

    Parameters
    ----------
    parts : sequence of torch.nn.Module
        Their outputs follow each other.
    inputs : sequence of torch.Tensor of int64
        Features that each part reads.
    in_features : int

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import StackedLinear
    >>> places = [torch.tensor([1]), torch.tensor([0])]
    >>> both = StackedLinear([torch.nn.Identity(), torch.nn.Identity()], places, 2)
    >>> both(torch.tensor([[1.0, 5.0]])).tolist()
    [[5.0, 1.0]]
    """

    def __init__(self, parts: Sequence[nn.Module], inputs: Sequence[torch.Tensor], in_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.parts = nn.ModuleList(parts)
        for i, index in enumerate(inputs):
            self.register_buffer(f"inputs{i}", torch.as_tensor(index, dtype=torch.int64).clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, in_features) to (n, n_out)."""
        pairs = enumerate(self.parts)
        return torch.cat([part(x[:, getattr(self, f"inputs{i}")]) for i, part in pairs], dim=1)
