"""What a unit can reach at best: the error of the best line, and what no convex function can avoid."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from plnet.geometry.domain import Box
from plnet.maxout.fitting.line.stabbing import lower_hull
from plnet.maxout.learning.targets import ImitationTarget

__all__ = ["best_affine_error", "best_error", "convex_gap", "least_error"]

_POINTS = 4097


def best_affine_error(target: ImitationTarget) -> float:
    """Return the least greatest error of one affine function on the interval of the target.

    It is half the height of the flattest strip between parallel lines that holds the graph.

    Parameters
    ----------
    target : ImitationTarget

    Returns
    -------
    float
        From the breakpoints and ends; for a smooth target from 4097 points, which is too small by at most
        curvature * width^2 / 1.3e8.

    Examples
    --------
    >>> from plnet.maxout.learning import best_affine_error, imitation_target
    >>> best_affine_error(imitation_target("abs"))
    1.0
    """
    x, y = _graph(target)
    below, above = lower_hull(x, y), lower_hull(x, -y)
    # The height of the strip is convex in its slope and affine between the slopes of hull edges.
    slopes = np.concatenate([np.diff(y[below]) / np.diff(x[below]), np.diff(y[above]) / np.diff(x[above])])
    ends = np.unique(slopes)
    heights = [np.ptp(y - slope * x) for slope in ends[_bracket(x, y, ends)]]
    return float(min(heights)) / 2


def _bracket(x: np.ndarray, y: np.ndarray, slopes: np.ndarray) -> slice:
    """Return where the least height is among ascending slopes, by bisection of a convex sequence."""
    first, last = 0, len(slopes) - 1
    while last - first > 2:
        middle = (first + last) // 2
        left, right = (np.ptp(y - slopes[i] * x) for i in (middle, middle + 1))
        first, last = (first, middle + 1) if left <= right else (middle, last)
    return slice(first, last + 1)


def convex_gap(target: ImitationTarget) -> float:
    """Return a lower bound of the greatest error of every convex function, thus of every single maxout unit.

    A convex g with |f - g| <= E lies below the chords of f + E, so that f - E does too; the greatest distance
    from f down to its convex hull is then at most 2 E.

    Parameters
    ----------
    target : ImitationTarget

    Returns
    -------
    float
        Half of that distance; up to rounding exact for a piecewise-linear target, and for a smooth one a
        lower bound from 4097 points. 0 for a convex one.

    Examples
    --------
    >>> from plnet.maxout.learning import convex_gap, imitation_target
    >>> round(convex_gap(imitation_target("hardtanh")), 12), convex_gap(imitation_target("relu"))
    (0.333333333333, 0.0)
    """
    if target.convex:
        return 0.0
    x, y = _graph(target)
    hull = lower_hull(x, y)
    return float((y - np.interp(x, x[hull], y[hull])).max()) / 2


def best_error(target: ImitationTarget, pieces: int, units: int = 1) -> float | None:
    """Return the least greatest error of one maxout unit, or of a difference of two, where it is known.

    Parameters
    ----------
    target : ImitationTarget
    pieces : int
    units : {1, 2}

    Returns
    -------
    float or None
        0 where the target can be expressed: a convex piecewise-linear function by as many pieces as it has,
        and any by two units that have one piece more than it bends up, or down.

    References
    ----------
    Wang (2004), "General constructive representations for continuous piecewise-linear functions".

    Examples
    --------
    >>> from plnet.maxout.learning import best_error, imitation_target
    >>> best_error(imitation_target("relu6"), 2), best_error(imitation_target("relu6"), 2, units=2)
    (None, 0.0)
    """
    if target.lines is not None:
        slopes = [slope for slope, _ in target.lines]
        ups = sum(b > a for a, b in pairwise(slopes))
        downs = len(slopes) - 1 - ups
        if pieces > ups and (not downs or (units == 2 and pieces > downs)):
            return 0.0
    if pieces == 1 or (target.concave and units == 1):
        # A chord is the greatest convex function below a concave one, and the best line is half way up.
        return best_affine_error(target)
    if target.convex and units == 1 and not target.piecewise_linear:
        return _optimal(target, pieces)
    return None


def least_error(target: ImitationTarget, pieces: int, units: int = 1) -> float:
    """Return a lower bound of the greatest error of one maxout unit, or of a difference of two.

    Parameters
    ----------
    target : ImitationTarget
    pieces : int
    units : {1, 2}

    Returns
    -------
    float
        The least possible error where it is known; otherwise what no convex function can avoid, or 0.
    """
    known = best_error(target, pieces, units)
    if known is not None:
        # Bounds from points of a smooth target, and rounding, may be this much too high.
        return known * (1 - 1e-9)
    return convex_gap(target) * (1 - 1e-9) if units == 1 else 0.0


def _optimal(target: ImitationTarget, pieces: int) -> float:
    from plnet.maxout.fitting import Target, optimal_error

    smooth = Target(lambda x: target(x[:, 0]), 1, name=target.name, known_convex=True)
    return float(optimal_error(smooth, pieces, Box(target.low, target.high)))


def _graph(target: ImitationTarget) -> tuple[np.ndarray, np.ndarray]:
    if target.piecewise_linear:
        x = np.array([target.low, *map(float, target.breakpoints), target.high])
    else:
        x = np.linspace(target.low, target.high, _POINTS)
    return x, target(x)
