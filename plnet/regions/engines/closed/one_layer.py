"""One layer of lines in a convex polygon, or in the plane: counted without visiting a region.

m different lines that meet the interior cut it into ``1 + m + sum (mult(p) - 1)`` parts, summed over the
points p of the interior in which mult(p) > 1 lines meet. A line ends in two points of the boundary (in two
directions, if there is none); two lines cross iff their ends alternate. Each point p with lines
``i < j < ...`` is counted once for each of its lines but the last, as one of the different
points in which line i is crossed by later lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import gcd

import numpy as np

from plnet.budgets import STOPS, look
from plnet.geometry.cells import Cell
from plnet.geometry.exact import RationalMatrix
from plnet.geometry.homogeneous import Form
from plnet.ir.layers import ScalarPWL
from plnet.regions.control import Control
from plnet.regions.engines.base import Tally
from plnet.regions.engines.closed.residues import Residues, enough_residues, some_residues
from plnet.regions.kernels.closed.crossings import UNKNOWN, count_crossings
from plnet.regions.problem import Problem

__all__ = ["count_lines_inside", "count_one_layer"]

_FEWEST_WALLS = 32
"""Below this, the search through all regions takes no longer."""

_PAIRS = 20_000_000
"""Pairs of lines between two looks at the budget."""


def count_one_layer(problem: Problem, control: Control) -> Tally | None:
    """Count the regions of a network with one layer of scalar units on a domain of dimension 2.

    Parameters
    ----------
    problem : Problem
    control : Control

    Returns
    -------
    Tally or None
        None if the network is of another kind, or too small for this to pay.

    Notes
    -----
    Time O(m^2) for m lines, memory O(m).

    References
    ----------
    Zaslavsky (1975), Facing up to arrangements, for the formula; it holds in a convex set as in the plane.
    """
    cell = problem.root
    if problem.dim != 2 or not isinstance(cell, Cell):
        return None
    walls = _walls(problem)
    return None if walls is None else count_lines_inside(cell, walls, control)


def count_lines_inside(cell: Cell, walls: list[Form], control: Control) -> Tally:
    """Count the parts into which lines cut a cell; see `count_one_layer`.

    Parameters
    ----------
    cell : Cell
        Of dimension 2.
    walls : list of Form
        Integer forms, repeated or constant ones among them, whose zeros are the lines.
    control : Control

    Examples
    --------
    >>> from plnet.geometry.cells import whole_space
    >>> three_through_a_point = [(1, 0, 0), (0, 1, 0), (1, 1, 0)]
    >>> count_lines_inside(whole_space(2), three_through_a_point, Control()).count
    6
    """
    total, spent = 1, False
    try:
        lines = sorted({primitive for form in walls if (primitive := _primitive(form)) is not None})
        kept, begin, end = _ends_in(cell, lines) if cell.facets else _ends_at_infinity(lines)
        for found in _Crossings(kept, begin, end).counts():
            if spent:
                return Tally(total, complete=False)
            total += found
            spent = control.spent(total)
    except STOPS as stop:
        control.stopped(stop)
        return Tally(total, complete=False)
    return Tally(total, complete=control.max_regions is None or total <= control.max_regions)


@dataclass(frozen=True, eq=False)
class _Crossings:
    """Different lines, with the ranks of their ends on the boundary: places, equal for equal points."""

    lines: list[Form]
    begin: np.ndarray
    end: np.ndarray

    def counts(self) -> Iterator[int]:
        """Yield numbers that add up to the number of regions beyond the first."""
        if not self.lines:
            return
        undecided: list[int] = []
        # From the last line to the first, so that each sum is the number of regions of the lines so far.
        few = some_residues(self.lines)
        for chosen in self._chunks(np.arange(len(self.lines)), 1):
            found = self._count(chosen, few, proving=False)
            undecided += chosen[found == UNKNOWN].tolist()
            yield len(chosen) + int(found[found != UNKNOWN].sum())
        if not undecided:
            return
        many = enough_residues(self.lines)
        for chosen in self._chunks(np.array(undecided), len(many.primes)):
            found = self._count(chosen, many, proving=True)
            for k in np.flatnonzero(found == UNKNOWN).tolist():
                found[k] = self._count_exactly(int(chosen[k]))
            yield int(found.sum())

    def _chunks(self, chosen: np.ndarray, work: int) -> Iterator[np.ndarray]:
        step = max(1, _PAIRS // (len(self.lines) * work))
        for stop in range(len(chosen), 0, -step):
            yield chosen[max(0, stop - step) : stop]

    def _count(self, chosen: np.ndarray, residues: Residues, proving: bool) -> np.ndarray:
        m = len(self.lines)
        out = np.empty(len(chosen), np.int64)
        count_crossings(
            chosen,
            self.begin,
            self.end,
            residues.primes,
            residues.slopes,
            residues.shifts,
            proving,
            np.empty((3, m + 1), np.int64),
            np.zeros((1 << (2 * m).bit_length(), 2), np.int64),
            0,
            out,
        )
        return out

    def _count_exactly(self, i: int) -> int:
        """Count the different points on line i in rationals."""
        a, b, c = self.lines[i]
        low, high, points = self.begin[i], self.end[i], set[Fraction]()
        for j in range(i + 1, len(self.lines)):
            look()
            first, last = self.begin[j], self.end[j]
            if low < first < high < last or first < low < last < high:
                e, f, g = self.lines[j]
                top = b * g - c * f if b else c * e - a * g
                points.add(Fraction(top, a * f - b * e))
        return len(points)


def _walls(problem: Problem) -> list[Form] | None:
    """Return the walls of the only layer that has some; None unless it is made of scalar units."""
    layers = [i for i, block in enumerate(problem.blocks) if block.nonlinear.n_pieces.max(initial=1) > 1]
    if len(layers) != 1:
        return None
    layer = problem.blocks[layers[0]].nonlinear
    if not isinstance(layer, ScalarPWL) or int((layer.n_pieces - 1).sum()) < _FEWEST_WALLS:
        return None
    # The layers in front have one piece a unit.
    prefix = tuple(np.zeros(block.nonlinear.n_out, np.int64) for block in problem.blocks[: layers[0]])
    return _forms_of_walls(layer, problem.forms(prefix))


def _forms_of_walls(layer: ScalarPWL, forms: RationalMatrix) -> list[Form]:
    walls = []
    rows = zip(forms.integers.tolist(), layer.breakpoints.tolist(), layer.n_pieces.tolist(), strict=True)
    for (a, b, constant), breakpoints, pieces in rows:
        for point in breakpoints[: pieces - 1]:
            top, bottom = point.as_integer_ratio()
            walls.append((a * bottom, b * bottom, constant * bottom - top * forms.denominator))
    return walls


def _primitive(form: Form) -> Form | None:
    """Return the one form that all multiples share; None for a constant."""
    a, b, c = form
    if not (a or b):
        return None
    divisor = gcd(a, b, c) if (a or b) > 0 else -gcd(a, b, c)
    return a // divisor, b // divisor, c // divisor


def _ends_at_infinity(lines: list[Form]) -> tuple[list[Form], np.ndarray, np.ndarray]:
    """Rank the directions of lines in the plane. In any order of the slopes do different ones alternate."""
    slopes: dict[tuple[int, int], int] = {}
    ranks = []
    for a, b, _ in lines:
        divisor = gcd(a, b)
        ranks.append(slopes.setdefault((a // divisor, b // divisor), len(slopes)))
    begin = np.array(ranks, np.int64)
    return lines, begin, begin + len(slopes)


def _ends_in(cell: Cell, lines: list[Form]) -> tuple[list[Form], np.ndarray, np.ndarray]:
    """Keep the lines that meet the interior of a cell; rank their ends along its boundary."""
    kept: list[Form] = []
    ends: list[tuple[int, float, Fraction, int]] = []
    n = len(cell.vertices)
    for form in lines:
        look()
        a, b, c = form
        at = [a * x + b * y + c * w for x, y, w in cell.vertices]
        if not min(at) < 0 < max(at):
            continue
        for k in range(n):
            here, there = at[k], at[k + 1 - n]
            if here == 0:
                ends.append((k, 0.0, Fraction(0), len(kept)))
            elif (here < 0 < there) or (there < 0 < here):
                # The quotient of integers is rounded correctly, so that it never reverses an order.
                ends.append((k, here / (here - there), Fraction(here, here - there), len(kept)))
        kept.append(form)
    ends.sort()
    ranks = np.empty((len(kept), 2), np.int64)
    filled = np.zeros(len(kept), np.int64)
    for rank, (_, group) in enumerate(groupby(ends, key=lambda end: (end[0], end[2]))):
        for *_, line in group:
            ranks[line, filled[line]] = rank
            filled[line] += 1
    return kept, np.ascontiguousarray(ranks[:, 0]), np.ascontiguousarray(ranks[:, 1])
