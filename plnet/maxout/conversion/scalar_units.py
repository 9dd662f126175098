"""Functions of one variable as maxout units: one if convex or concave, else a difference of two.

Why nothing shorter exists: a unit of k pieces has at most k - 1 kinks, all of them upwards, and a sum
has no kinks but those of its terms. So a function with p upward and n downward kinks needs p + 1
pieces with a positive sign where p > 0, and n + 1 with a negative sign where n > 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from plnet.ir.layers import ScalarPWL

__all__ = ["ScalarFunction", "SignedUnit", "function_of_kinks", "scalar_functions", "signed_units"]


@dataclass(frozen=True)
class ScalarFunction:
    """A continuous piecewise-linear function of one variable, in lowest terms.

    Parameters
    ----------
    kinks : tuple of Fraction
        Ascending; the slope changes at each of them.
    slopes : tuple of Fraction
        One more than kinks.
    intercepts : tuple of Fraction
        Of each piece, at z = 0.
    """

    kinks: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]
    intercepts: tuple[Fraction, ...]

    @property
    def jumps(self) -> tuple[Fraction, ...]:
        """Change of the slope at each kink."""
        return tuple(b - a for a, b in zip(self.slopes[:-1], self.slopes[1:], strict=True))

    @cached_property
    def upward(self) -> int:
        """Number of kinks at which the slope grows."""
        return sum(jump > 0 for jump in self.jumps)

    @cached_property
    def downward(self) -> int:
        """Number of kinks at which the slope falls."""
        return len(self.kinks) - self.upward

    @property
    def is_convex(self) -> bool:
        """Whether no slope falls."""
        return self.downward == 0

    @property
    def is_concave(self) -> bool:
        """Whether no slope grows."""
        return self.upward == 0

    def __call__(self, z: Fraction) -> Fraction:
        """Return the value at one point."""
        piece = sum(kink < z for kink in self.kinks)
        return self.slopes[piece] * z + self.intercepts[piece]


@dataclass(frozen=True)
class SignedUnit:
    """``sign * max_j (slopes[j] * z + intercepts[j])``; the slopes ascend."""

    sign: int
    slopes: tuple[Fraction, ...]
    intercepts: tuple[Fraction, ...]

    @property
    def pieces(self) -> int:
        """Number of affine functions."""
        return len(self.slopes)

    def __call__(self, z: Fraction) -> Fraction:
        """Return the value at one point."""
        return self.sign * max(a * z + c for a, c in zip(self.slopes, self.intercepts, strict=True))


def scalar_functions(layer: ScalarPWL) -> tuple[ScalarFunction, ...]:
    """Return the different functions of a layer, in the order of `layer.kinds`."""
    first, _ = layer.kinds
    return tuple(_merged(layer, unit) for unit in first.tolist())


def function_of_kinks(
    slope: Fraction, intercept: Fraction, marks: Sequence[tuple[Fraction, Fraction]]
) -> ScalarFunction:
    """Return the function that starts with a line and bends at kinks.

    Parameters
    ----------
    slope, intercept : Fraction
        The line on the left of all kinks.
    marks : sequence of (kink, jump)
        Ascending kinks, and the change of the slope at each.
    """
    slopes, intercepts = [slope], [intercept]
    for kink, jump in marks:
        slopes.append(slopes[-1] + jump)
        intercepts.append(intercepts[-1] - jump * kink)
    return ScalarFunction(tuple(kink for kink, _ in marks), tuple(slopes), tuple(intercepts))


def signed_units(function: ScalarFunction) -> tuple[SignedUnit, ...]:
    """Return the fewest maxout pieces, with signs, whose sum is the function.

    One unit for a convex or concave function, with as many pieces as the function has; else two,
    the first with the upward kinks and the second, to be subtracted, with the downward ones.
    """
    if function.is_convex:
        return (SignedUnit(1, function.slopes, function.intercepts),)
    if function.is_concave:
        negative = tuple(-s for s in function.slopes), tuple(-c for c in function.intercepts)
        return (SignedUnit(-1, *negative),)
    marks = list(zip(function.kinks, function.jumps, strict=True))
    first, zero = (function.slopes[0], function.intercepts[0]), (Fraction(0), Fraction(0))
    up = function_of_kinks(*first, [(kink, jump) for kink, jump in marks if jump > 0])
    down = function_of_kinks(*zero, [(kink, -jump) for kink, jump in marks if jump < 0])
    return SignedUnit(1, up.slopes, up.intercepts), SignedUnit(-1, down.slopes, down.intercepts)


def _merged(layer: ScalarPWL, unit: int) -> ScalarFunction:
    """Return one unit without breakpoints at which nothing changes."""
    pieces = int(layer.n_pieces[unit])
    slopes = [Fraction(s) for s in layer.slopes[unit, :pieces].tolist()]
    points = [Fraction(t) for t in layer.breakpoints[unit, : pieces - 1].tolist()]
    kept = [i for i in range(pieces - 1) if slopes[i] != slopes[i + 1]]
    # Linear at first, up to the first kink.
    anchor = Fraction(float(layer.anchors[unit]))
    intercept = anchor - (slopes[0] * points[0] if points else 0)
    marks = [(points[i], slopes[i + 1] - slopes[i]) for i in kept]
    return function_of_kinks(slopes[0], intercept, marks)
