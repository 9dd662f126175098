"""What the number of activation regions says about the other numbers, before anything is counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, prod

from plnet.ir.layers import GroupMax
from plnet.regions.data import RegionData
from plnet.regions.engines.choice import upper_bound
from plnet.regions.problem import Problem

__all__ = ["Bounds", "initial_bounds"]


@dataclass
class Bounds:
    """What is proved so far; each step of a count makes it tighter."""

    lower: int
    upper: int

    def is_exactly(self, number: int) -> None:
        """Record that the number is known."""
        self.lower = self.upper = number


def initial_bounds(complex_: RegionData, definition: str) -> Bounds:
    """Return what the number of activation regions says about the other numbers."""
    size, problem = len(complex_), complex_.problem
    most = size if complex_.exact else upper_bound(problem)
    if definition == "activation":
        return Bounds(size, most)
    if definition == "all_patterns":
        return Bounds(max(1, size), _most_patterns(problem))
    return Bounds(1, most)


def _most_patterns(problem: Problem) -> int:
    """Return a number of patterns that no network of this shape exceeds on the domain.

    N hyperplanes cut a cell of dimension d into at most sum_i C(N, i) sum_j C(N - i, j) relatively open
    cells, i + j <= d (Buck 1943), and each layer cuts the cells of the layers before it.
    """
    everything = prod(prod(block.nonlinear.n_pieces.tolist()) for block in problem.blocks)
    cells = 1
    for block in problem.blocks:
        pieces = block.nonlinear.n_pieces.tolist()
        is_group = isinstance(block.nonlinear, GroupMax)
        walls = sum(k * (k - 1) // 2 if is_group else k - 1 for k in pieces)
        d = min(problem.dim, walls)
        cells *= sum(comb(walls, i) * sum(comb(walls - i, j) for j in range(d - i + 1)) for i in range(d + 1))
    return min(everything, cells)
