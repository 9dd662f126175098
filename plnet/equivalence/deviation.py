"""Exact supremum of the absolute outputs of a network, from the regions of a domain.

The largest attained value known so far is a guess. Units that are appended to the network
open where an output, or its negative, is above a level just below the guess. Only in
regions where one of them is open can the supremum be, and there it is computed in rationals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from plnet.errors import NetworkError
from plnet.geometry.exact import RationalMatrix, object_array, rational
from plnet.geometry.homogeneous import Form, Vertex, value
from plnet.ir.layers import ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import rounded_fraction
from plnet.ir.operators import SparseAffine, compact
from plnet.regions.cells.face_lattice import CornerCell, corners_of
from plnet.regions.definitions.maps import output_forms
from plnet.regions.measures.extrema import rounded_values
from plnet.regions.problem import Problem

if TYPE_CHECKING:
    from plnet.regions.complex import RegionComplex

__all__ = ["Deviation", "embedded", "largest_at_vertices", "proved_deviation", "with_gates"]

_MARGIN = Fraction(1, 1 << 20)
"""How far below the guess the appended units open, as a share of it."""


@dataclass(frozen=True)
class Deviation:
    """An absolute value of an output.

    Parameters
    ----------
    value : Fraction or float
        Exact; inf if the output is unbounded.
    output : int
    point : tuple of Fraction
        Network input where it is attained; any input with another value than 0 if it is not.
    ray : tuple of Fraction or None
        Direction of inputs along which the output runs to infinity, where it does.
    """

    value: Fraction | float
    output: int
    point: tuple[Fraction, ...]
    ray: tuple[Fraction, ...] | None = None

    @property
    def bounded(self) -> bool:
        """Whether the value is finite."""
        return self.ray is None


def largest_at_vertices(complex_: RegionComplex, regions: Sequence[int] = ()) -> Deviation | None:
    """Return the largest value at a corner of a few regions, exactly; None if all are 0.

    Parameters
    ----------
    complex_ : RegionComplex
    regions : sequence of int
        Regions to look at beside the one where the rounded outputs are largest.
    """
    leaves = complex_.leaves
    if not len(leaves.vertices):
        return None
    values = np.zeros(len(leaves.vertices))
    for output in np.eye(complex_.network.output_dim):
        values = np.maximum(values, np.abs(rounded_values(complex_, output)))
    values[leaves.vertices[:, -1] == 0] = -1.0
    first = int(leaves.region[int(np.argmax(values))])
    best: Deviation | None = None
    for region in dict.fromkeys([first, *regions]):
        cell = corners_of(complex_.exact_cell(region))
        best = _larger(complex_, region, cell, best)
    return best


def with_gates(network: PLNetwork, value: Fraction) -> PLNetwork:
    """Append two units for each output, open where it, or its negative, is above a level below a value."""
    m = network.output_dim
    places = np.tile(np.arange(m), 2)[:, None]
    signs = np.repeat([1.0, -1.0], m)[:, None]
    both = compact(SparseAffine.table(places, signs, m, "deviation"))
    gates = ScalarPWL(
        np.full((2 * m, 1), _level_below(value)),
        np.tile([0.0, 1.0], (2 * m, 1)),
        np.zeros(2 * m),
        "deviation",
    )
    return replace(network, layers=(*network.layers, both, gates))


def proved_deviation(gated: RegionComplex, network: PLNetwork, guess: Deviation) -> Deviation:
    """Return the supremum over all outputs, from the regions in which an appended unit is open.

    Parameters
    ----------
    gated : RegionComplex
        Complete, of `with_gates(network, guess.value)`.
    network : PLNetwork
    guess : Deviation
        Attained.
    """
    count, best = 2 * network.output_dim, guess
    problem = Problem(network, gated.chart)
    for i in np.flatnonzero((gated.patterns[:, -count:] == 1).any(axis=1)).tolist():
        outputs = output_forms(problem, gated.patterns[i, :-count])
        if _is_no_larger(outputs, best):
            continue
        best = _larger(gated, i, corners_of(gated.exact_cell(i)), best, outputs) or best
        if not best.bounded:
            break
    return best


def _is_no_larger(outputs: RationalMatrix, best: Deviation) -> bool:
    """Return whether all outputs are constant and no larger than the best so far."""
    if any(outputs.integers[:, :-1].flat):
        return False
    return all(Fraction(abs(x), outputs.denominator) <= best.value for x in outputs.integers[:, -1])


def _larger(
    complex_: RegionComplex,
    region: int,
    cell: CornerCell,
    best: Deviation | None,
    outputs: RationalMatrix | None = None,
) -> Deviation | None:
    """Return the largest value on a cell if it exceeds the best so far, else the best so far."""
    if outputs is None:
        outputs = output_forms(complex_.problem, complex_.patterns[region])
    embedding = complex_.chart.embedding
    for output, row in enumerate(outputs.integers.tolist()):
        form = tuple(row)
        direction = next((v for v in (*cell.lines, *cell.corners) if not v[-1] and value(form, v)), None)
        if direction is not None:
            start = next(v for v in cell.corners if v[-1])
            point = _point_off_zero(form, start, direction)
            return Deviation(math.inf, output, embedded(embedding, point), embedded(embedding, direction))
        for corner in cell.corners:
            height = Fraction(abs(value(form, corner)), corner[-1] * outputs.denominator) if corner[-1] else 0
            if height and (best is None or height > best.value):
                best = Deviation(height, output, embedded(embedding, corner))
    return best


def _point_off_zero(form: Form, start: Vertex, direction: Vertex) -> Vertex:
    """Return a point on a half-line where a form that changes along it is not 0."""
    if value(form, start):
        return start
    return (*(x + y * start[-1] for x, y in zip(start[:-1], direction, strict=False)), start[-1])


def embedded(embedding: RationalMatrix, vertex: Sequence[int | Fraction]) -> tuple[Fraction, ...]:
    """Return the network input of a homogeneous vertex, or the change of input along a direction."""
    product = embedding @ rational(object_array(list(vertex), (len(vertex), 1)))
    scale = product.denominator * (vertex[-1] or 1)
    return tuple(Fraction(x, scale) for x in product.integers[:, 0].tolist())


def _level_below(guess: Fraction) -> float:
    """Return a float at which the units open: the guess itself if it is a float, or one well below it."""
    rounded = rounded_fraction(guess)
    if math.isinf(rounded):
        raise NetworkError(
            "The difference of the networks leaves the range of floating-point numbers, so its largest "
            "value cannot be found. Scale the last layers by a power of two."
        )
    if Fraction(rounded) == guess:
        return rounded
    level = rounded_fraction(guess * (1 - _MARGIN))
    return level if Fraction(level) < guess else math.nextafter(rounded, -math.inf)
