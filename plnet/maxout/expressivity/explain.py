"""What maxout units can express exactly of an activation, and why not less: in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from plnet.errors import DimensionError, NetworkError
from plnet.ir.layers import ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.maxout.conversion.activation_names import describe, formula, needed_pieces, number_text
from plnet.maxout.conversion.relu_form import relu_terms
from plnet.maxout.conversion.scalar_units import (
    ScalarFunction,
    SignedUnit,
    function_of_kinks,
    scalar_functions,
    signed_units,
)
from plnet.maxout.convexity.decide import one_output
from plnet.maxout.convexity.report import ConvexityWitness
from plnet.maxout.inputs import read_network
from plnet.maxout.words import counted
from plnet.regions.api import enumerate_regions

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["ExpressivityReport", "explain_expressivity", "greatest_distance"]


@dataclass(frozen=True)
class ExpressivityReport:
    """How an activation is written with maxout units.

    Parameters
    ----------
    name : str
    function : ScalarFunction
        Kinks, slopes and intercepts of the activation, exact.
    units : tuple of SignedUnit
        Maxout units and their signs; the activation is their sum.
    deviation : Fraction or float
        Greatest distance between the activation and the sum on the whole line, computed exactly.
    witness : ConvexityWitness or None
        Two points and their midpoint that show that one maxout unit is impossible; None where it is
        possible.
    relus : int
        Number of ReLUs that express the same function in one layer.
    """

    name: str
    function: ScalarFunction
    units: tuple[SignedUnit, ...]
    deviation: Fraction | float
    witness: ConvexityWitness | None
    relus: int

    @property
    def one_unit(self) -> bool:
        """Whether a single maxout unit expresses the activation: whether it is convex."""
        return self.function.is_convex

    @property
    def pieces(self) -> tuple[int, ...]:
        """Pieces of each unit; no writing has fewer in all."""
        return tuple(unit.pieces for unit in self.units)

    @property
    def verdict(self) -> str:
        """One line: what it takes."""
        if self.one_unit:
            return f"one maxout unit with {counted(self.pieces[0], 'piece')}"
        if self.function.is_concave:
            return f"no single maxout unit; minus one unit with {counted(self.pieces[0], 'piece')}"
        first, second = self.pieces
        return f"no single maxout unit; a difference of two, with {first} and {counted(second, 'piece')}"

    @property
    def formula(self) -> str:
        """The activation in maxima, such as ``max(-0.3 z, z)``."""
        return formula(self.units)

    @property
    def weights(self) -> tuple[tuple[int, Fraction, Fraction], ...]:
        """Sign of the unit, weight and bias of each piece."""
        return tuple(
            (unit.sign, slope, intercept)
            for unit in self.units
            for slope, intercept in zip(unit.slopes, unit.intercepts, strict=True)
        )

    def __str__(self) -> str:
        lines = [
            self.name,
            f"  Shape: {_shape(self.function)}.",
            f"  Verdict: {self.verdict}.",
            f"  Formula: {self.formula}{_other_formula(self.function)}.",
            f"  Deviation on the whole line: {number_text(Fraction(self.deviation))}, in exact arithmetic.",
            f"  Why not fewer pieces: {_why_not_fewer(self.function)}.",
        ]
        if self.witness is not None:
            lines.append(f"  Why no single unit: {_why_no_unit(self.witness)}.")
        lines.append(f"  Pieces are no layers: {_pieces_and_layers(self)}.")
        return "\n".join(lines)


def explain_expressivity(activation: Module | PLNetwork | str | float | Fraction) -> ExpressivityReport:
    """Say how few maxout pieces express an activation exactly, with the weights and the reasons.

    Parameters
    ----------
    activation : torch.nn.Module, PLNetwork, str, float or Fraction
        A function of one variable: a module such as ``torch.nn.Hardtanh()``, a name that
        `plnet.networks.mlp` knows such as "relu", or a number a, which stands for the rectifier with
        slope a below 0 and slope 1 above.

    Returns
    -------
    ExpressivityReport
        ``str()`` of it is a text.

    Raises
    ------
    NotPiecewiseLinearError
        If the activation is smooth.
    DimensionError
        If it takes or gives more than one number.
    PLNetError
        If it cannot be read.

    Notes
    -----
    A unit max_j (w_j z + b_j) is convex, and with k pieces it has at most k - 1 kinks. So a convex function
    with q kinks takes exactly q + 1 pieces, and a function that is not convex is no single unit.

    Examples
    --------
    >>> from plnet.maxout import explain_expressivity
    >>> explain_expressivity(-0.25).formula
    'max(-0.25 z, z)'
    >>> explain_expressivity(1.75).verdict
    'no single maxout unit; minus one unit with 2 pieces'
    """
    function = _function_of(activation)
    units = signed_units(function)
    return ExpressivityReport(
        describe(function),
        function,
        units,
        greatest_distance(function, units),
        None if function.is_convex else _witness(function),
        len(relu_terms(function)[0]),
    )


def _function_of(activation: Any) -> ScalarFunction:
    if isinstance(activation, int | float | Fraction) and not isinstance(activation, bool):
        return _rectifier(activation)
    module: Any = _named(activation) if isinstance(activation, str) else activation
    network = read_network(module)
    if network.input_dim != 1 or network.output_dim != 1:
        raise DimensionError(
            f"Expected an activation of one variable, got a function from R^{network.input_dim} to "
            f"R^{network.output_dim}. For networks use to_maxout, is_convex and difference_of_maxouts."
        )
    layers = network.layers
    if len(layers) == 1 and isinstance(layers[0], ScalarPWL):
        return scalar_functions(layers[0])[0]
    return _enumerated(network)


def _rectifier(slope: float | Fraction) -> ScalarFunction:
    try:
        below = Fraction(slope)
    except (ValueError, OverflowError) as error:
        raise NetworkError(f"Expected a finite slope of a rectifier, got {slope!r}.") from error
    marks = [(Fraction(0), 1 - below)] if below != 1 else []
    return function_of_kinks(below, Fraction(0), marks)


def _named(name: str) -> Any:
    from plnet.networks.activations import ACTIVATIONS, check_activation

    check_activation(name)
    activation = ACTIVATIONS[name]
    if activation.build is None:
        raise DimensionError(
            f"Expected an activation of one variable; {name!r} is a layer. Give a module such as "
            "Maxout(1, 1, pieces=3)."
        )
    return activation.build(activation.default_slope)


def _enumerated(network: PLNetwork) -> ScalarFunction:
    """Return a network of one variable as a function, from its regions."""
    complex_ = enumerate_regions(one_output(network, None), progress=None)
    maps = [tuple(entry.flat[0] for entry in complex_.exact_map(i)) for i in range(len(complex_))]
    order = sorted(range(len(maps)), key=lambda i: float(complex_.points[i, 0]))
    found = [maps[order[0]]]
    found += [maps[j] for i, j in pairwise(order) if maps[i] != maps[j]]
    slope, intercept = found[0]
    marks = [((b[1] - a[1]) / (a[0] - b[0]), b[0] - a[0]) for a, b in pairwise(found)]
    return function_of_kinks(slope, intercept, marks)


def greatest_distance(function: ScalarFunction, units: Sequence[SignedUnit]) -> Fraction | float:
    """Return the greatest distance of a function and a sum of maxout units on the whole line; exact.

    Both sides are piecewise linear with kinks in a known set, so the distance is greatest at one of
    them, unless it grows without end.

    Returns
    -------
    Fraction or float
        inf if it grows without end.
    """
    marks = {Fraction(0), *function.kinks}
    for unit in units:
        lines = list(zip(unit.slopes, unit.intercepts, strict=True))
        marks |= {(c - d) / (b - a) for i, (a, c) in enumerate(lines) for b, d in lines[i + 1 :] if a != b}

    def gap(z: Fraction) -> Fraction:
        return abs(function(z) - sum((unit(z) for unit in units), Fraction(0)))

    for end, step in ((min(marks), -1), (max(marks), 1)):
        if gap(end + step) != gap(end) or gap(end + 2 * step) != gap(end):
            return math.inf
    return max(map(gap, marks))


def _witness(function: ScalarFunction) -> ConvexityWitness:
    """Return a symmetric pair of points around a downward kink."""
    place = next(i for i, jump in enumerate(function.jumps) if jump < 0)
    kink = function.kinks[place]
    gaps = [abs(kink - other) for i, other in enumerate(function.kinks) if i != place]
    reach = min([Fraction(1), *gaps])
    points = kink - reach, kink, kink + reach
    values = function(points[0]), function(points[1]), function(points[2])
    return ConvexityWitness((points[0],), (points[1],), (points[2],), values, "")


def _shape(function: ScalarFunction) -> str:
    if not function.kinks:
        return f"linear, slope {number_text(function.slopes[0])}"
    parts = []
    for kink, before, behind in zip(function.kinks[:4], function.slopes, function.slopes[1:], strict=False):
        word = "rises" if behind > before else "falls"
        parts.append(
            f"at {number_text(kink)} the slope {word} from {number_text(before)} to {number_text(behind)}"
        )
    more = f", and {len(function.kinks) - 4} more kinks" if len(function.kinks) > 4 else ""
    word = (
        "convex" if function.is_convex else "concave" if function.is_concave else "neither convex nor concave"
    )
    return f"{'; '.join(parts)}{more}; {word}"


def _other_formula(function: ScalarFunction) -> str:
    """Return the other form of a concave rectifier, (1 + a) z - max(z, a z)."""
    if function.kinks != (0,) or not function.is_concave or any(function.intercepts):
        return ""
    first, second = (number_text(slope) for slope in function.slopes)
    total = number_text(sum(function.slopes, Fraction(0)))
    if total.startswith("about"):
        total = f"{first} + {second}"
    return f", or {_times(total)} - max({_times(second)}, {_times(first)})"


def _times(factor: str) -> str:
    short = {"1": "z", "-1": "-z", "0": "0"}
    return short.get(factor, f"({factor}) z" if " " in factor else f"{factor} z")


def _why_not_fewer(function: ScalarFunction) -> str:
    if not function.kinks:
        return "one piece is the least there is"
    rule = "a unit with k pieces has at most k - 1 kinks, all upwards"
    return f"{rule}; {needed_pieces(function)}"


def _why_no_unit(witness: ConvexityWitness) -> str:
    (left,), (middle,), (right,) = witness.start, witness.middle, witness.end
    return (
        "a maximum of affine functions is convex, but between "
        f"z = {number_text(left)} and z = {number_text(right)} the value {number_text(witness.values[1])} "
        f"at z = {number_text(middle)} lies {number_text(witness.gap)} above the chord"
    )


def _pieces_and_layers(report: ExpressivityReport) -> str:
    units, total = counted(len(report.units), "unit"), counted(sum(report.pieces), "piece")
    return (
        "pieces are affine functions inside one unit, which takes their maximum once. This is one layer of "
        f"{units} with {total} in all; one layer of ReLUs takes {report.relus}; a second layer is not needed"
    )
