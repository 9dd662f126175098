"""Decision boundaries, exact: the network followed by a maximum over its outputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.regions.adjacency import neighbours

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["DecisionBoundary", "decision_boundary", "with_decision"]


@dataclass(frozen=True, eq=False)
class DecisionBoundary:
    """The set where the predicted class changes.

    Parameters
    ----------
    ends : ndarray, shape (B, 2, d + 1)
        Ends of each piece in homogeneous coordinates of the domain (d = 2), or twice the same
        point (d = 1). The last entry is 1, or 0 for a direction in which the piece is unbounded.
    classes : ndarray of int, shape (B, 2)
        Lower and higher class that meet there. Where the network has one output the classes
        are 0 (negative or zero) and 1 (positive).
    length : float
        Total length in the space of the inputs; the number of points for d = 1; inf if
        the boundary is unbounded.
    refined : RegionComplex
        The regions cut along the boundary; the last column of its patterns is the class.
    """

    ends: np.ndarray
    classes: np.ndarray
    length: float
    refined: RegionComplex

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def segments(self) -> np.ndarray:
        """End points of the bounded pieces, shape (S, 2, d)."""
        return self.ends[(self.ends[:, :, -1] > 0).all(axis=1), :, :-1]


def with_decision(network: PLNetwork) -> PLNetwork:
    """Return the network followed by the choice of the class."""
    m = network.output_dim
    last = ScalarPWL.relu(1, "class") if m == 1 else GroupMax(np.arange(m)[None], m, "class")
    return replace(network, layers=(*network.layers, last))


def decision_boundary(complex_: RegionComplex) -> DecisionBoundary:
    """Return the decision boundary of the network of a complex on its domain.

    Enumerates the regions once more, cut along the boundary, without a budget.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    from plnet.regions.api import enumerate_on_chart

    refined = enumerate_on_chart(with_decision(complex_.network), complex_.chart)
    if not refined.complete:
        # Without a budget only Ctrl-C stops an enumeration; half a boundary would look like a whole one.
        raise KeyboardInterrupt
    leaves, classes = refined.leaves, refined.patterns[:, -1]
    region = leaves.region
    behind = neighbours(refined.problem, leaves)
    # Each piece of the boundary is a facet of two regions; take it from the lower class. It may
    # lie on a wall of any layer.
    chosen = np.flatnonzero((behind >= 0) & (classes[region] < classes[behind]))
    first = leaves.vertices[chosen]
    second = first if refined.dim == 1 else leaves.vertices[leaves.following[chosen]]
    ends = np.stack([first, second], axis=1)
    if refined.dim == 1:
        length = float(len(ends))
    elif (ends[:, :, -1] > 0).all():
        steps = (ends[:, 1, :-1] - ends[:, 0, :-1]) @ refined.chart.directions.T
        length = float(np.linalg.norm(steps, axis=1).sum())
    else:
        length = np.inf
    between = np.stack([classes[region[chosen]], classes[behind[chosen]]], axis=1)
    return DecisionBoundary(ends, between, length, refined)
