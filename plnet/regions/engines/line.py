"""`line`: regions on a segment, a ray or the whole line, d = 1.

A segment is a strip of height 1 on which nothing depends on the second coordinate: every
wall is a vertical line, every region a rectangle. So the planar kernel sorts the
breakpoints, with the same certified signs and the same way into rationals.
A region costs O(n) in the width n of the layers.
"""

from __future__ import annotations

from dataclasses import dataclass

from plnet.errors import DimensionError
from plnet.regions.control import Control
from plnet.regions.engines.base import Tally
from plnet.regions.engines.cells import Cells
from plnet.regions.engines.splitting.strip import on_strip
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["Line"]


@dataclass(frozen=True)
class Line(Cells):
    """Intervals between certified breakpoints; options as for `Cells`."""

    name: str = "line"

    def check(self, problem: Problem) -> None:
        """Raise if the domain is not one-dimensional."""
        if problem.dim != 1:
            raise DimensionError(
                f'The engine "line" works in dimension 1, the domain has dimension {problem.dim}. '
                + (
                    'Use engine="cells".'
                    if problem.dim == 2
                    else "Take a Segment between two points of interest."
                )
            )

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Find all regions; put them into `store` if there is one."""
        strip, projected = on_strip(problem, store)
        return super().run(strip, control, projected)
