"""Decision boundaries, exact: the network followed by a maximum over its outputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["DecisionBoundary", "decision_boundary", "with_decision"]


@dataclass(frozen=True, eq=False)
class DecisionBoundary:
    """The set where the predicted class changes.

    Parameters
    ----------
    segments : ndarray, shape (S, 2, d)
        End points of each piece in the coordinates of the domain (d = 2), or twice the
        same point (d = 1). Pieces that run to infinity are left out of this array.
    classes : ndarray of int, shape (S, 2)
        Lower and higher class that meet there; 0 and 1 stand for negative and positive
        where the network has one output.
    length : float
        Total length in the space of the inputs; the number of points for d = 1; inf if
        the boundary is unbounded.
    refined : RegionComplex
        The regions cut along the boundary; the last column of its patterns is the class.
    """

    segments: np.ndarray
    classes: np.ndarray
    length: float
    refined: RegionComplex

    def __len__(self) -> int:
        return len(self.segments)


def with_decision(network: PLNetwork) -> PLNetwork:
    """Return the network followed by the choice of the class."""
    m = network.output_dim
    last = ScalarPWL.relu(1, "class") if m == 1 else GroupMax(np.arange(m)[None], m, "class")
    return replace(network, layers=(*network.layers, last))


def decision_boundary(complex_: RegionComplex) -> DecisionBoundary:
    """Return the decision boundary of the network of a complex on its domain."""
    from plnet.regions.api import enumerate_on_chart

    refined = enumerate_on_chart(with_decision(complex_.network), complex_.chart)
    leaves, last = refined.leaves, len(refined.problem.blocks) - 1
    sizes = np.diff(leaves.starts)
    region = np.repeat(np.arange(len(sizes)), sizes)
    # Each piece of the boundary is a facet of two regions; take it from the lower class.
    chosen = np.flatnonzero(
        (leaves.facets[:, 0] == last) & (refined.patterns[region, -1] == leaves.facets[:, 2])
    )
    following = np.arange(1, len(leaves.vertices) + 1)
    following[leaves.starts[1:] - 1] = leaves.starts[:-1]
    first = leaves.vertices[chosen]
    second = first if refined.dim == 1 else leaves.vertices[following[chosen]]
    finite = (first[:, -1] > 0) & (second[:, -1] > 0)
    segments = np.stack([first[finite, :-1], second[finite, :-1]], axis=1)
    if refined.dim == 1:
        length = float(len(segments))
    else:
        steps = (segments[:, 1] - segments[:, 0]) @ refined.chart.directions.T
        length = float(np.linalg.norm(steps, axis=1).sum()) if finite.all() else np.inf
    return DecisionBoundary(segments, leaves.facets[chosen[finite], 2:4], length, refined)
