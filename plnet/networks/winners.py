"""Local winner takes all: in each group only the largest value is passed on."""

from __future__ import annotations

import torch
from torch import nn

from plnet.errors import ConfigError
from plnet.networks.modules import Grouped

__all__ = ["GroupedWinner", "LocalWinnerTakeAll"]


class LocalWinnerTakeAll(nn.Module):
    """Pass on the largest of neighbouring channels, and put 0 in the place of the others.

    Ties go to the last maximiser. The function jumps where the winner changes, so that it has
    regions and an affine map on each, but is no continuous function.

    Parameters
    ----------
    group_size : int
        Number of channels (entries of dimension 1) that compete; must divide their number.

    Raises
    ------
    ConfigError
        If the size is not a positive integer.

    References
    ----------
    Srivastava, Masci, Kazerounian, Gomez and Schmidhuber (2013), "Compete to compute".

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import LocalWinnerTakeAll
    >>> LocalWinnerTakeAll(2)(torch.tensor([[1.0, 3.0, -2.0, -5.0]])).tolist()
    [[0.0, 3.0, -2.0, 0.0]]
    """

    def __init__(self, group_size: int) -> None:
        super().__init__()
        if not isinstance(group_size, int) or isinstance(group_size, bool) or group_size < 1:
            raise ConfigError(
                f"Expected group_size of LocalWinnerTakeAll to be a positive integer, got {group_size!r}."
            )
        self.group_size = group_size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, channels, *) to the same shape."""
        groups = x.unflatten(1, (-1, self.group_size))
        return _only_last_maximum(groups, 2).flatten(1, 2)

    def extra_repr(self) -> str:
        """Return the size, for printing."""
        return str(self.group_size)


class GroupedWinner(Grouped):
    """Local winner takes all with groups of any features.

    Parameters
    ----------
    groups : torch.Tensor of int64, shape (n_groups, k)
        Feature indices; each feature is in exactly one group. A smaller group repeats one.

    Examples
    --------
    >>> import torch
    >>> from plnet.networks import GroupedWinner
    >>> GroupedWinner(torch.tensor([[0, 2], [1, 1]]))(torch.tensor([[1.0, 4.0, 2.0]])).tolist()
    [[0.0, 4.0, 2.0]]
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, features) to the same shape."""
        places = x[:, self.groups].flip(2).argmax(dim=2, keepdim=True)
        columns = self.groups.flip(1).expand(len(x), -1, -1).gather(2, places).squeeze(2)
        return torch.zeros_like(x).scatter(1, columns, x.gather(1, columns))


def _only_last_maximum(x: torch.Tensor, dim: int) -> torch.Tensor:
    # torch does not say which of several maxima argmax finds; cumsum finds the last one.
    largest = x == x.amax(dim=dim, keepdim=True)
    behind = largest.flip(dim).cumsum(dim).flip(dim)
    return torch.where(largest & (behind == 1), x, torch.zeros_like(x))
