"""What the closed count of two hidden layers needs: an exact matrix, in which units that are off vanish."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np

from plnet.errors import EngineError
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.regions.engines.searching.linear import independent_rows
from plnet.regions.engines.searching.plan import exact_map
from plnet.regions.problem import Problem

__all__ = ["TwoLayers", "two_layers", "why_not"]


@dataclass(frozen=True, eq=False)
class TwoLayers:
    """Walls of the second layer as forms ``weight @ max(y, 0) + bias`` in y in R^n1.

    Parameters
    ----------
    weight : RationalMatrix, shape (m, n)
        Units of the first layer whose two sides have the same slope 0 are left out.
    bias : RationalMatrix, shape (m, 1)
    parallel : ndarray of int, shape (m,)
        Rows with proportional weights share a number; no two walls are equal, none is constant.
    n_dead : int
        Units of the first layer that were left out; each doubles the number of regions.
    """

    weight: RationalMatrix
    bias: RationalMatrix
    parallel: np.ndarray
    n_dead: int


def why_not(problem: Problem) -> str | None:
    """Say why the closed count does not apply, or return None."""
    if not problem.network.is_continuous:
        return "a layer of local winners jumps"
    if len(problem.blocks) != 2:
        return f"it needs two hidden layers, the network has {len(problem.blocks)}"
    if len(problem.chart.facets.integers):
        return "it needs all of R^n as domain"
    first, second = (block.nonlinear for block in problem.blocks)
    if not isinstance(first, ScalarPWL) or (first.n_pieces != 2).any():
        return "each unit of the first layer must have one breakpoint"
    if ((first.slopes[:, :2] != 0).sum(axis=1) > 1).any():
        return "each unit of the first layer must be constant on one side, as a ReLU is"
    if isinstance(second, GroupMax) and (second.n_pieces > 2).any():
        return "a maxout unit of the second layer may have two pieces at most"
    if first.n_out > 60:
        return "the first layer may have 60 units at most"
    return None


def two_layers(problem: Problem) -> TwoLayers:
    """Bring a network to the form of the closed count.

    Raises
    ------
    EngineError
        If the weights of the first layer do not have full rank.
    """
    first, second = (block.nonlinear for block in problem.blocks)
    assert isinstance(first, ScalarPWL)
    gradients = problem.forms(()).integers[:, :-1]
    # Independence modulo a prime proves independence.
    if len(independent_rows(gradients, list(range(len(gradients))))) < len(gradients):
        raise EngineError(
            'The engine "two_layer" needs weights of the first layer of rank '
            f'{len(gradients)}, the number of its units. Use engine="search".'
        )
    weight, bias = (matrix.to_fractions() for matrix in exact_map(problem.blocks[1].affine, second.n_in))
    slopes, intercepts = first.exact_slopes, first.exact_intercepts
    points = [Fraction(t) for t in first.breakpoints[:, 0].tolist()]
    sign = [1 if slopes[i, 1] else -1 for i in range(first.n_out)]
    # With y = +-(z - t) >= 0 where the unit is not constant, its value is anchor + factor * max(y, 0).
    factors = [slopes[i, 1] if sign[i] > 0 else -slopes[i, 0] for i in range(first.n_out)]
    anchors = [slopes[i, 0] * points[i] + intercepts[i, 0] for i in range(first.n_out)]
    offset = bias[:, 0] + weight.dot(np.array(anchors, dtype=object))
    scaled = weight * np.array(factors, dtype=object)[None, :]
    rows = [(scaled[a] - scaled[b], offset[a] - offset[b]) for a, b in _pairs(second)]
    rows += [(scaled[u], offset[u] - t) for u, t in _breakpoints(second)]
    alive = [i for i in range(first.n_out) if factors[i]]
    walls, parallel = _distinct([[*(row[i] for i in alive), constant] for row, constant in rows])
    table = object_array([x for row in walls for x in row], (len(walls), len(alive) + 1))
    return TwoLayers(
        RationalMatrix(table[:, :-1]),
        RationalMatrix(table[:, -1:]),
        np.array(parallel, np.int64),
        first.n_out - len(alive),
    )


def _pairs(layer: ScalarPWL | GroupMax) -> list[tuple[int, int]]:
    if not isinstance(layer, GroupMax):
        return []
    groups = [sorted(set(group)) for group in layer.groups.tolist()]
    return [(group[0], group[1]) for group in groups if len(group) == 2]


def _breakpoints(layer: ScalarPWL | GroupMax) -> list[tuple[int, Fraction]]:
    if isinstance(layer, GroupMax):
        return []
    return [
        (unit, Fraction(t))
        for unit in range(layer.n_out)
        for t in layer.breakpoints[unit, : int(layer.n_pieces[unit]) - 1].tolist()
    ]


def _distinct(rows: list[list[Fraction]]) -> tuple[list[list[int]], list[int]]:
    """Return the different hyperplanes as integer rows, and the number of each one's direction."""
    found: dict[tuple[int, ...], int] = {}
    directions: dict[tuple[int, ...], int] = {}
    for row in rows:
        common = int(np.lcm.reduce([x.denominator for x in map(Fraction, row)], dtype=object))
        integers = [int(x * common) for x in row]
        if not any(integers[:-1]):
            continue
        sign = 1 if next(x for x in integers if x) > 0 else -1
        normal = _primitive([sign * x for x in integers[:-1]])
        number = directions.setdefault(tuple(normal), len(directions))
        found.setdefault(tuple(_primitive([sign * x for x in integers])), number)
    return [list(row) for row in found], list(found.values())


def _primitive(row: list[int]) -> list[int]:
    divisor = gcd(*row)
    return [x // divisor for x in row]
