"""Piecewise-linear modules that torch lacks: maxout, absolute value, general scalar functions."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from plnet.errors import ConfigError

__all__ = ["AbsoluteValue", "CReLU", "Grouped", "GroupedMaximum", "Maxout", "PiecewiseLinear"]


class Maxout(nn.Module):
    """A layer whose units are the maximum of several affine functions.

    Unit ``i`` computes ``max_j (weight[i, j] @ x + bias[i, j])``.

    Parameters
    ----------
    in_features, out_features : int
        Number of inputs and of units.
    pieces : int
        Number of affine functions of each unit.
    bias : bool
        Whether the affine functions have a constant term.
    device, dtype
        As in `torch.nn.Linear`.

    Attributes
    ----------
    weight : torch.nn.Parameter, shape (out_features, pieces, in_features)
    bias : torch.nn.Parameter or None, shape (out_features, pieces)

    Raises
    ------
    ConfigError
        If a size is not a positive integer.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville and Bengio (2013), "Maxout networks".

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import Maxout
    >>> Maxout(4, 3, pieces=2)(torch.zeros(5, 4)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        pieces: int,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        sizes = {"in_features": in_features, "out_features": out_features, "pieces": pieces}
        for name, size in sizes.items():
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise ConfigError(f"Expected {name} of Maxout to be a positive integer, got {size!r}.")
        self.in_features, self.out_features, self.pieces = in_features, out_features, pieces
        where = {"device": device, "dtype": dtype}
        self.weight = nn.Parameter(torch.empty(out_features, pieces, in_features, **where))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features, pieces, **where))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all parameters uniformly from ±1/sqrt(in_features), as `torch.nn.Linear` does.

        Without a generator torch's global one is used, as in every torch module;
        `plnet.networks.initialise` takes an explicit `rng`.
        """
        bound = 1 / math.sqrt(self.in_features)
        for parameter in self.parameters(recurse=False):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (*, in_features) to (*, out_features)."""
        bias = None if self.bias is None else self.bias.flatten()
        pieces = F.linear(x, self.weight.flatten(0, 1), bias)
        return pieces.unflatten(-1, (self.out_features, self.pieces)).amax(dim=-1)

    def extra_repr(self) -> str:
        """Return the sizes, for printing."""
        return f"{self.in_features}, {self.out_features}, pieces={self.pieces}, bias={self.bias is not None}"


class AbsoluteValue(nn.Module):
    """The activation ``|x|``, a maxout unit with the two pieces x and -x.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import AbsoluteValue
    >>> AbsoluteValue()(torch.tensor([-2.0, 3.0])).tolist()
    [2.0, 3.0]
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return |x|, of the shape of `x`."""
        return x.abs()


class CReLU(nn.Module):
    """Concatenated ReLU: relu(x) and relu(-x), one behind the other along the channels.

    Parameters
    ----------
    dim : int
        Dimension along which they are put together, 1 for channels.

    References
    ----------
    Shang, Sohn, Almeida and Lee (2016), "Understanding and improving convolutional neural networks
    via concatenated rectified linear units".

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import CReLU
    >>> CReLU()(torch.tensor([[-2.0, 3.0]])).tolist()
    [[0.0, 3.0, 2.0, 0.0]]
    """

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, channels, *) to (n, 2 * channels, *)."""
        return F.relu(torch.cat([x, -x], dim=self.dim))

    def extra_repr(self) -> str:
        """Return the dimension, for printing."""
        return f"dim={self.dim}"


class PiecewiseLinear(nn.Module):
    """A fixed continuous piecewise-linear function of one variable for each unit.

    Parameters
    ----------
    breakpoints : torch.Tensor, shape (n, q)
        Ascending in each row, padded with ``inf``.
    slopes : torch.Tensor, shape (n, q + 1)
    anchors : torch.Tensor, shape (n,)
        Value at the first breakpoint, or at 0 where there is none.

    Notes
    -----
    The three tensors are buffers: they move with the module and are not trained.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import PiecewiseLinear
    >>> points, slopes = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, -1.0, 0.0]])
    >>> hat = PiecewiseLinear(points, slopes, torch.tensor([0.0]))
    >>> hat(torch.tensor([[-1.0], [0.5], [3.0]])).ravel().tolist()
    [-1.0, -0.5, -1.0]
    """

    breakpoints: torch.Tensor
    slopes: torch.Tensor
    anchors: torch.Tensor

    def __init__(self, breakpoints: torch.Tensor, slopes: torch.Tensor, anchors: torch.Tensor) -> None:
        super().__init__()
        for name, tensor in (("breakpoints", breakpoints), ("slopes", slopes), ("anchors", anchors)):
            self.register_buffer(name, torch.as_tensor(tensor).detach().clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (*, n) to (*, n)."""
        if self.breakpoints.shape[1] == 0:
            return self.anchors + self.slopes[:, 0] * x
        finite = self.breakpoints.isfinite()
        points = torch.where(finite, self.breakpoints, 0.0)
        first = points[:, 0]
        has_break = finite[:, 0]
        # Each piece adds its slope times the length that x has travelled in it.
        left = self.slopes[:, 0] * torch.where(has_break, (x - first).clamp(max=0.0), x)
        steps = torch.diff(torch.where(finite, self.breakpoints, torch.inf), append=_column(first, torch.inf))
        steps = torch.where(finite, steps, 0.0)
        travelled = torch.minimum((x[..., None] - points).clamp(min=0.0), steps)
        return self.anchors + left + (self.slopes[:, 1:] * travelled).sum(dim=-1)

    def extra_repr(self) -> str:
        """Return the sizes, for printing."""
        return f"{self.slopes.shape[0]}, pieces={self.slopes.shape[1]}"


class Grouped(nn.Module):
    """What works on groups of features, fixed when it is made.

    Parameters
    ----------
    groups : torch.Tensor of int64, shape (n_groups, k)
        Feature indices of each group.
    """

    groups: torch.Tensor

    def __init__(self, groups: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("groups", torch.as_tensor(groups, dtype=torch.int64).clone())

    def extra_repr(self) -> str:
        """Return the sizes, for printing."""
        return f"{self.groups.shape[0]}, pieces={self.groups.shape[1]}"


class GroupedMaximum(Grouped):
    """The maximum over groups of features.

    Parameters
    ----------
    groups : torch.Tensor of int64, shape (n_out, k)
        Feature indices of each group; a smaller group repeats one of its members.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import GroupedMaximum
    >>> GroupedMaximum(torch.tensor([[0, 1], [2, 2]]))(torch.tensor([[1.0, 4.0, 2.0]])).tolist()
    [[4.0, 2.0]]
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (*, n_in) to (*, n_out)."""
        return x[..., self.groups].amax(dim=-1)


def _column(like: torch.Tensor, value: float) -> torch.Tensor:
    return torch.full_like(like, value)[:, None]
