"""Functions of one variable that maxout units learn to imitate, with what decides how well they can."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import special

from plnet.checks import check_choice
from plnet.errors import ConfigError

__all__ = ["TARGETS", "ImitationTarget", "imitation_target"]

Line = tuple[Fraction, Fraction]
"""Slope and intercept."""


@dataclass(frozen=True, eq=False)
class ImitationTarget:
    """A continuous function on an interval.

    Parameters
    ----------
    name : str
    low, high : float
        Ends of the interval on which it is imitated.
    function : callable
        Maps float64 arrays elementwise.
    slopes : tuple of float
        Least and greatest slope on the interval, or bounds of them.
    curvature : float
        Bound of the absolute second derivative where there is one; 0 for a piecewise-linear function.
    breakpoints : tuple of Fraction
        Points of the interval at which the slope jumps, ascending.
    lines : tuple of (Fraction, Fraction), optional
        Slope and intercept of each piece of a piecewise-linear function.
    convex, concave : bool
        On the interval.

    Examples
    --------
    >>> from plnet.maxout.learning import imitation_target
    >>> imitation_target("leaky_relu", slope=0.25).lines
    ((Fraction(1, 4), Fraction(0, 1)), (Fraction(1, 1), Fraction(0, 1)))
    """

    name: str
    low: float
    high: float
    function: Callable[[np.ndarray], np.ndarray]
    slopes: tuple[float, float]
    curvature: float = 0.0
    breakpoints: tuple[Fraction, ...] = ()
    lines: tuple[Line, ...] | None = None
    convex: bool = False
    concave: bool = False

    @property
    def piecewise_linear(self) -> bool:
        """Whether it has finitely many pieces, each affine."""
        return self.lines is not None

    @property
    def pieces(self) -> int | None:
        """Number of its affine pieces, None for a smooth function."""
        return None if self.lines is None else len(self.lines)

    def __call__(self, points: Any) -> np.ndarray:
        """Return the values at an array of points."""
        return self.function(np.asarray(points, dtype=np.float64))


def imitation_target(
    name: str, *, slope: float | None = None, low: float | None = None, high: float | None = None
) -> ImitationTarget:
    """Return a target by its name.

    Parameters
    ----------
    name : str
        One of `TARGETS`: relu, abs, leaky_relu, prelu, hardtanh, relu6; the smooth elu, gelu, sigmoid, tanh;
        the convex quadratic, exp, softplus.
    slope : float, optional
        Slope below 0 of leaky_relu (default 0.01) and prelu (default 0.25); any finite number.
    low, high : float, optional
        Ends of the interval; by default -2 and 2, for relu6 -3 and 9, for quadratic and exp -1 and 1, for
        softplus -5 and 5.

    Returns
    -------
    ImitationTarget

    Raises
    ------
    ConfigError
        If the name is unknown, the slope does not belong to it, or the interval is empty.

    Examples
    --------
    >>> from plnet.maxout.learning import imitation_target
    >>> imitation_target("prelu", slope=1.7).concave
    True
    """
    recipe = _RECIPES[check_choice("target", name, _RECIPES)]
    ends = (recipe.low if low is None else low, recipe.high if high is None else high)
    if not all(_is_number(end) for end in ends) or not ends[0] < ends[1]:
        raise ConfigError(f"Expected finite numbers low < high for {name}, got {ends[0]!r} and {ends[1]!r}.")
    if slope is not None and recipe.slope is None:
        raise ConfigError(f"The target {name!r} has no slope (got {slope!r}); leaky_relu and prelu have one.")
    below = recipe.slope if slope is None else slope
    if below is not None and not _is_number(below):
        raise ConfigError(f"Expected the slope of {name} to be a finite number, got {slope!r}.")
    return recipe.build(name, float(ends[0]), float(ends[1]), below)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class _Recipe:
    build: Callable[[str, float, float, float | None], ImitationTarget]
    low: float = -2.0
    high: float = 2.0
    slope: float | None = None


def _continuous(points: list[float], slopes: list[float], anchor: float) -> tuple[list[Fraction], list[Line]]:
    """Return exact breakpoints and lines from slopes and the value at the first breakpoint."""
    places, steep = [Fraction(p) for p in points], [Fraction(s) for s in slopes]
    lines = [(steep[0], Fraction(anchor) - steep[0] * places[0])]
    for place, s in zip(places, steep[1:], strict=True):
        lines.append((s, lines[-1][0] * place + lines[-1][1] - s * place))
    return places, lines


def _pwl(
    points: list[float], slopes: Callable[[float | None], list[float]], anchor: float = 0.0
) -> Callable[..., ImitationTarget]:
    def build(name: str, low: float, high: float, slope: float | None) -> ImitationTarget:
        places, lines = _continuous(points, slopes(slope), anchor)
        return _cut_to(name, low, high, places, lines)

    return build


def _cut_to(name: str, low: float, high: float, places: list[Fraction], lines: list[Line]) -> ImitationTarget:
    """Return a piecewise-linear target on an interval from all its breakpoints and lines."""
    inside = [i for i, place in enumerate(places) if low < place < high and lines[i] != lines[i + 1]]
    first = sum(place <= low for place in places)
    kept = [lines[first], *(lines[i + 1] for i in inside)]
    steps = [b[0] - a[0] for a, b in pairwise(kept)]
    points = np.array([float(places[i]) for i in inside])
    table = np.array([[float(s), float(c)] for s, c in kept])

    def evaluate(x: np.ndarray) -> np.ndarray:
        row = table[np.searchsorted(points, x)]
        return row[..., 0] * x + row[..., 1]

    return ImitationTarget(
        name,
        low,
        high,
        evaluate,
        slopes=(float(min(s for s, _ in kept)), float(max(s for s, _ in kept))),
        breakpoints=tuple(places[i] for i in inside),
        lines=tuple(kept),
        convex=all(step > 0 for step in steps),
        concave=all(step < 0 for step in steps),
    )


def _smooth(
    function: Callable[[np.ndarray], np.ndarray],
    slopes: Callable[[float, float], tuple[float, float]],
    curvature: Callable[[float, float], float],
    inflections: tuple[float, ...] | None,
    bends_up: tuple[bool, ...],
) -> Callable[..., ImitationTarget]:
    """Return a builder; between inflections the function is convex where `bends_up` says so."""

    def build(name: str, low: float, high: float, _: float | None) -> ImitationTarget:
        ends = (-math.inf, *(inflections or ()), math.inf)
        met = [up for a, b, up in zip(ends, ends[1:], bends_up, strict=False) if a < high and b > low]
        return ImitationTarget(
            name,
            low,
            high,
            function,
            slopes=slopes(low, high),
            curvature=curvature(low, high),
            convex=all(met),
            concave=not any(met),
        )

    return build


_RECIPES: dict[str, _Recipe] = {
    "relu": _Recipe(_pwl([0.0], lambda _: [0.0, 1.0])),
    "abs": _Recipe(_pwl([0.0], lambda _: [-1.0, 1.0])),
    "leaky_relu": _Recipe(_pwl([0.0], lambda a: [a or 0.0, 1.0]), slope=0.01),
    "prelu": _Recipe(_pwl([0.0], lambda a: [a or 0.0, 1.0]), slope=0.25),
    "hardtanh": _Recipe(_pwl([-1.0, 1.0], lambda _: [0.0, 1.0, 0.0], -1.0)),
    "relu6": _Recipe(_pwl([0.0, 6.0], lambda _: [0.0, 1.0, 0.0]), -3.0, 9.0),
    "elu": _Recipe(
        _smooth(
            lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))),
            lambda *_: (0.0, 1.0),
            lambda *_: 1.0,
            None,
            (True,),
        )
    ),
    "gelu": _Recipe(
        _smooth(
            lambda z: z * special.ndtr(z),
            lambda *_: (-0.1290, 1.1290),
            lambda *_: 0.79789,
            (-math.sqrt(2.0), math.sqrt(2.0)),
            (False, True, False),
        )
    ),
    "sigmoid": _Recipe(
        _smooth(special.expit, lambda *_: (0.0, 0.25), lambda *_: 0.09623, (0.0,), (True, False))
    ),
    "tanh": _Recipe(_smooth(np.tanh, lambda *_: (0.0, 1.0), lambda *_: 0.76981, (0.0,), (True, False))),
    "quadratic": _Recipe(
        _smooth(np.square, lambda a, b: (2 * a, 2 * b), lambda *_: 2.0, None, (True,)), -1.0, 1.0
    ),
    "exp": _Recipe(
        _smooth(
            np.exp,
            lambda a, b: (math.exp(a), math.exp(b)),
            lambda _, b: math.exp(b) * (1 + 1e-9),
            None,
            (True,),
        ),
        -1.0,
        1.0,
    ),
    "softplus": _Recipe(
        _smooth(lambda z: np.logaddexp(0.0, z), lambda *_: (0.0, 1.0), lambda *_: 0.25, None, (True,)),
        -5.0,
        5.0,
    ),
}

TARGETS = tuple(_RECIPES)
"""Names of the targets of `imitation_target`."""
