"""How far learnt units are from their target: brackets that hold, and exact rationals.

On an interval a sum of signed maxima of k affine functions has breakpoints only where two of them cross.
Between breakpoints a piecewise-linear difference is affine, so its greatest absolute value is at one of them
or at an end; against a smooth target the rest between close points is at most curvature * gap^2 / 8.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from plnet.errors import ConfigError
from plnet.maxout.learning.targets import ImitationTarget

__all__ = ["deviation_bracket", "exact_deviation"]

_GRID = 2048
"""Cells between the ends for a smooth target: the rest is at most curvature * width^2 / 3.3e7."""

_MOST = 1 << 22
"""Numbers in one block of the work."""

_ROUNDING = 32 * 2.0**-53
"""Relative bound of all rounding errors: those of a breakpoint, of an affine function, of the target."""


def deviation_bracket(
    weight: np.ndarray, bias: np.ndarray, signs: np.ndarray, target: ImitationTarget
) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds of the greatest deviation of each learnt function from the target on its interval.

    Parameters
    ----------
    weight, bias : ndarray, shape (r, m, k)
        Slopes and intercepts of the k pieces of the m units of r functions.
    signs : ndarray, shape (m,)
        Signs with which the units are added.
    target : ImitationTarget

    Returns
    -------
    lower, upper : ndarray, shape (r,)
        They differ by rounding errors for a piecewise-linear target, and by at most
        curvature * width^2 / 3.3e7 more for a smooth one; both inf where a weight is not finite.

    Notes
    -----
    Costs O(r m k (m k^2 + points)), the points being 2048 for a smooth target and none for others.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.maxout.learning import deviation_bracket, imitation_target
    >>> weight, bias = np.array([[[1.0, 0.0]]]), np.array([[[0.0, 0.125]]])
    >>> lower, upper = deviation_bracket(weight, bias, np.array([1.0]), imitation_target("relu"))
    >>> bool(lower[0] <= 0.125 <= upper[0]), bool(upper[0] - lower[0] < 1e-13)
    (True, True)
    """
    r, m, k = weight.shape
    fixed = _fixed_points(target)
    block = max(1, _MOST // (m * k * (m * k * (k - 1) // 2 + len(fixed))))
    lower, upper = np.empty(r), np.empty(r)
    for start in range(0, r, block):
        part = slice(start, start + block)
        lower[part], upper[part] = _bracket(weight[part], bias[part], signs, target, fixed)
    broken = ~(np.isfinite(weight).all(axis=(1, 2)) & np.isfinite(bias).all(axis=(1, 2)))
    lower[broken] = upper[broken] = np.inf
    return lower, upper


def _fixed_points(target: ImitationTarget) -> np.ndarray:
    if target.piecewise_linear:
        return np.array([target.low, *map(float, target.breakpoints), target.high])
    return np.linspace(target.low, target.high, _GRID + 1)


@np.errstate(all="ignore")
def _bracket(
    weight: np.ndarray, bias: np.ndarray, signs: np.ndarray, target: ImitationTarget, fixed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate([_crossings(weight, bias, target), np.tile(fixed, (len(weight), 1))], axis=1)
    points.sort(axis=1)
    lines = weight[:, :, :, None] * points[:, None, None, :] + bias[:, :, :, None]
    values = np.einsum("rmp,m->rp", lines.max(axis=2), signs)
    gaps = np.abs(values - target(points))
    size = max(abs(target.low), abs(target.high))
    steep = np.abs(weight).max(axis=2).sum(axis=1) + max(abs(s) for s in target.slopes)
    height = np.abs(bias).max(axis=2).sum(axis=1) + np.abs(target(points)).max(axis=1)
    margin = _ROUNDING * (size * steep + height)
    rest = target.curvature * np.diff(points, axis=1) ** 2 / 8
    above = (np.maximum(gaps[:, 1:], gaps[:, :-1]) + rest).max(axis=1)
    return np.maximum(gaps.max(axis=1) - margin, 0.0), above + margin


def _crossings(weight: np.ndarray, bias: np.ndarray, target: ImitationTarget) -> np.ndarray:
    """Return where two pieces of a unit cross, moved into the interval, shape (r, m k (k - 1) / 2)."""
    first, second = np.triu_indices(weight.shape[2], 1)
    places = (bias[:, :, second] - bias[:, :, first]) / (weight[:, :, first] - weight[:, :, second])
    places = np.where(np.isnan(places), target.low, np.clip(places, target.low, target.high))
    return places.reshape(len(weight), -1)


def exact_deviation(
    weight: np.ndarray, bias: np.ndarray, signs: np.ndarray, target: ImitationTarget
) -> tuple[Fraction, Fraction]:
    """Return the greatest deviation of one learnt function from a piecewise-linear target, and where it is.

    Parameters
    ----------
    weight, bias : ndarray, shape (m, k)
        Finite.
    signs : ndarray, shape (m,)
    target : ImitationTarget
        Piecewise linear.

    Returns
    -------
    deviation, point : Fraction

    Raises
    ------
    ConfigError
        If the target is smooth.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.maxout.learning import exact_deviation, imitation_target
    >>> weight, bias = np.array([[1.0, 0.0]]), np.array([[0.0, 0.125]])
    >>> exact_deviation(weight, bias, np.array([1]), imitation_target("relu"))
    (Fraction(1, 8), Fraction(-2, 1))
    """
    if target.lines is None:
        raise ConfigError(f"{target.name} is smooth: its deviation is no rational. Take deviation_bracket.")
    units = [
        [(Fraction(w), Fraction(b)) for w, b in zip(ws, bs, strict=True)]
        for ws, bs in zip(weight.tolist(), bias.tolist(), strict=True)
    ]
    low, high = Fraction(target.low), Fraction(target.high)
    points = {low, high, *target.breakpoints}
    for lines in units:
        for (w, b), (v, c) in itertools.combinations(lines, 2):
            if w != v and low < (c - b) / (w - v) < high:
                points.add((c - b) / (w - v))

    def gap(x: Fraction) -> Fraction:
        learnt = sum(
            int(sign) * max(w * x + b for w, b in lines)
            for sign, lines in zip(signs.tolist(), units, strict=True)
        )
        return abs(learnt - _value(target, x))

    place = max(sorted(points), key=gap)
    return gap(place), place


def _value(target: ImitationTarget, x: Fraction) -> Fraction:
    assert target.lines is not None
    slope, intercept = target.lines[sum(x > place for place in target.breakpoints)]
    return slope * x + intercept
