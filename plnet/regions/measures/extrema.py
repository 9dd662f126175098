"""Exact greatest and least values of an output on the domain.

A first guess is the best rounded vertex, evaluated exactly. A unit that is appended to the
network opens where the output is above that guess (or just below it); the engine proves
where this is. Only there can the extremum be, and there it is computed in rationals.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from plnet.budgets import look
from plnet.errors import NetworkError
from plnet.geometry.exact import rational
from plnet.geometry.homogeneous import Form, Vertex, value
from plnet.ir.layers import Affine, ScalarPWL
from plnet.ir.network_checks import output_weights, require_continuous, rounded_fraction
from plnet.regions.cells.adjacency import pattern_index
from plnet.regions.cells.face_lattice import CornerCell, corners_of
from plnet.regions.data import RegionData
from plnet.regions.enumeration import enumerate_on_chart

__all__ = ["Extrema", "Extremum", "extrema", "rounded_values"]

_MARGIN = Fraction(1, 1 << 20)
"""How far below the guess the appended unit opens, as a share of the range of values."""


@dataclass(frozen=True)
class Extremum:
    """A greatest or least value.

    Parameters
    ----------
    value : Fraction or float
        Exact; inf or -inf if there is none.
    point : tuple of Fraction or None
        Coordinates t of a point where it is attained.
    input : tuple of Fraction or None
        The same point as an input of the network.
    ray : tuple of Fraction or None
        A direction in t along which the output runs to infinity, where it does.
    region : int
        A region in which this happens.
    """

    value: Fraction | float
    point: tuple[Fraction, ...] | None
    input: tuple[Fraction, ...] | None
    ray: tuple[Fraction, ...] | None
    region: int

    @property
    def bounded(self) -> bool:
        """Whether the value is finite."""
        return self.point is not None


@dataclass(frozen=True)
class Extrema:
    """Least and greatest value of an output, or of a combination of outputs, on the domain."""

    minimum: Extremum
    maximum: Extremum


@np.errstate(over="ignore", invalid="ignore")
def extrema(complex_: RegionData, output: int | Sequence[float] | None = None) -> Extrema:
    """Return the exact extrema of an output, or of a linear combination of outputs.

    Parameters
    ----------
    complex_ : RegionComplex
        Complete.
    output : int or sequence of m floats, optional
        One output, or a weight for each; may be left out where there is one output.

    Returns
    -------
    Extrema

    Raises
    ------
    DimensionError
        If there is no such output.
    EngineError
        If the network can jump.
    NetworkError
        If the outputs leave the range of floating-point numbers.

    Notes
    -----
    Costs one more enumeration, of the network with two more units, and the exact
    reconstruction of the regions near the extrema.
    """
    require_continuous(complex_.network, "An extremum")
    weights = output_weights(complex_.network, output)
    guesses = _guess(complex_, weights), _guess(complex_, -weights)
    refined = _refined(complex_, weights, guesses)
    found = [
        _proved(complex_, refined, unit, sign * weights, guess)
        for unit, (sign, guess) in enumerate(zip((1, -1), guesses, strict=True))
    ]
    return Extrema(replace(found[1], value=-found[1].value), found[0])


def rounded_values(complex_: RegionData, weights: np.ndarray) -> np.ndarray:
    """Return a combination of outputs at the rounded vertices, shape (E,); at directions, its slope."""
    leaves = complex_.leaves
    slopes, offsets = weights @ complex_.gradients, complex_.offsets @ weights
    region, rows = leaves.region, leaves.vertices
    return (slopes[region] * rows[:, :-1]).sum(axis=1) + offsets[region] * rows[:, -1]


@dataclass(frozen=True)
class _Guess:
    """A corner of a region, and the exact value there."""

    region: int
    corner: Vertex
    value: Fraction


def _guess(complex_: RegionData, weights: np.ndarray) -> _Guess:
    """Return an attained value of the combination, probably the greatest one."""
    leaves = complex_.leaves
    values = np.where(leaves.vertices[:, -1] > 0, rounded_values(complex_, weights), -np.inf)
    region = int(leaves.region[int(np.argmax(values))])
    form, scale = _form(complex_, region, weights)
    finite = [v for v in corners_of(complex_.exact_cell(region)).corners if v[-1]]
    corner = max(finite, key=lambda v: Fraction(value(form, v), v[-1]))
    return _Guess(region, corner, Fraction(value(form, corner), corner[-1] * scale))


def _form(complex_: RegionData, region: int, weights: np.ndarray) -> tuple[Form, int]:
    """Return the integer form and the denominator of a combination of outputs on a region."""
    outputs = complex_.network.forms(complex_.patterns[region], complex_.chart.embedding)
    combined = rational(weights[None]) @ outputs
    return tuple(combined.integers[0].tolist()), combined.denominator


def _refined(complex_: RegionData, weights: np.ndarray, guesses: tuple[_Guess, _Guess]) -> RegionData:
    """Return the regions cut where the combination passes its guesses; the last two units say where."""
    spread = guesses[0].value + guesses[1].value
    levels = [[_level_below(guess.value, spread)] for guess in guesses]
    both = Affine(np.stack([weights, -weights]), np.zeros(2))
    gate = ScalarPWL(np.array(levels), np.array([[0.0, 1.0]] * 2), np.zeros(2), "extrema")
    network = replace(complex_.network, layers=(*complex_.network.layers, both, gate))
    return enumerate_on_chart(network, complex_.chart, RegionData)


def _proved(
    complex_: RegionData, refined: RegionData, unit: int, weights: np.ndarray, guess: _Guess
) -> Extremum:
    """Return the greatest value, from all regions in which the appended unit is open."""
    index = pattern_index(complex_.patterns)
    best = guess
    for i in np.flatnonzero(refined.patterns[:, unit - 2] == 1).tolist():
        look()
        region = index[refined.patterns[i, :-2].tobytes()]
        form, scale = _form(complex_, region, weights)
        if not any(form[:-1]) and Fraction(form[-1], scale) <= best.value:
            continue
        cell = corners_of(refined.exact_cell(i))
        ray = _rising(form, cell)
        if ray is not None:
            return Extremum(math.inf, None, None, _fractions(ray), region)
        for v in cell.corners:
            if v[-1] and Fraction(value(form, v), v[-1] * scale) > best.value:
                best = _Guess(region, v, Fraction(value(form, v), v[-1] * scale))
    point = _fractions(best.corner)
    return Extremum(best.value, point, _embedded(complex_, best.corner), None, best.region)


def _level_below(guess: Fraction, spread: Fraction) -> float:
    """Return a float at which the unit opens: the guess itself if it is a float, or one well below it."""
    rounded = rounded_fraction(guess)
    if rounded == math.inf:
        return sys.float_info.max
    if rounded == -math.inf:
        raise NetworkError(
            "The outputs of the network leave the range of floating-point numbers, so their extrema "
            "cannot be found. Scale the last layer by a power of two."
        )
    if Fraction(rounded) == guess:
        return rounded
    level = rounded_fraction(guess - _MARGIN * (spread or abs(guess)))
    if level == -math.inf or Fraction(level) >= guess:
        return math.nextafter(rounded, -math.inf)
    return level


def _rising(form: Form, cell: CornerCell) -> Vertex | None:
    """Return a direction of a cell along which a form rises."""
    for line in cell.lines:
        if slope := value(form, line):
            return line if slope > 0 else tuple(-x for x in line)
    return next((v for v in cell.corners if not v[-1] and value(form, v) > 0), None)


def _fractions(vertex: Vertex) -> tuple[Fraction, ...]:
    scale = vertex[-1] or max(map(abs, vertex))
    return tuple(Fraction(x, scale) for x in vertex[:-1])


def _embedded(complex_: RegionData, vertex: Vertex) -> tuple[Fraction, ...]:
    embedding = complex_.chart.embedding
    scale = embedding.denominator * vertex[-1]
    return tuple(Fraction(value(tuple(row), vertex), scale) for row in embedding.integers.tolist())
