"""Difference quotients of a convex function that enclose its subgradients, and points away from kinks.

Every subgradient of a convex function lies between the quotients backwards and forwards, coordinate by
coordinate. At a kink they are far apart for every step, and their middle need not be a subgradient; a little
way off it they agree again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Enclosure", "enclosed_slopes"]

_STEPS = (2.0**-4, 2.0**-7, 2.0**-12, 2.0**-17, 2.0**-21)
"""Steps as shares of the extent: long ones for linear pieces and noisy values, short ones for curvature."""
_SHORT = 2.0**-16
"""The step of derivatives of bent functions, whose error is smaller than the width of the box."""
_MOVES = (2.0**-15, 2.0**-12, 2.0**-9, 2.0**-6, 2.0**-4)
"""How far points move from a kink, as shares of the extent."""
_TIGHT = 1e-3
"""Width of a box, relative to its slopes, at which the point is at no kink."""

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A bounded domain, as far as steps in it need it.

    Parameters
    ----------
    facets : ndarray, shape (f, d + 1)
        The domain is ``facets @ (t, 1) >= 0``.
    middle, extent : ndarray, shape (d,)
        A point inside, and the size in each coordinate.
    """

    facets: np.ndarray
    middle: np.ndarray
    extent: np.ndarray

    def looseness(self, found: Enclosure) -> np.ndarray:
        """Return how much the boxes leave open across the domain, shape (n,)."""
        return (np.abs(found.most - found.least + 2 * found.doubt) * self.extent).sum(axis=1)

    def steepness(self, found: Enclosure) -> np.ndarray:
        """Return how much a function with these slopes changes across the domain, shape (n,)."""
        return (np.maximum(np.abs(found.most), np.abs(found.least)) * self.extent).sum(axis=1)

    def tighter(self, new: Enclosure, old: Enclosure, share: float = 1.0) -> Enclosure:
        """Return the new boxes where they are narrower than a share of the old ones."""
        return new.where(self.looseness(new) < share * self.looseness(old), old)

    def moved_inside(self, points: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Move points towards the middle until steps along all coordinates stay in the domain."""
        normals, heights = self.facets[:, :-1], self.facets[:, -1]
        needed = np.abs(normals) @ steps
        here, centre = points @ normals.T + heights, normals @ self.middle + heights
        room = np.maximum(centre - here, 1e-300)
        share = np.where(here < needed, (needed - here) / room, 0.0).max(axis=1, initial=0.0)
        return points + np.clip(share, 0.0, 1.0)[:, None] * (self.middle - points)


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Points with boxes that contain all their subgradients.

    Parameters
    ----------
    points : ndarray, shape (n, d)
    values : ndarray, shape (n,)
    least, most : ndarray, shape (n, d)
        Quotients backwards and forwards, as computed.
    doubt : ndarray, shape (d,) or (n, d)
        How wrong the quotients may be.
    """

    points: np.ndarray
    values: np.ndarray
    least: np.ndarray
    most: np.ndarray
    doubt: np.ndarray

    @property
    def slopes(self) -> np.ndarray:
        """Middles of the boxes, shape (n, d)."""
        return 0.5 * (self.least + self.most)

    def where(self, chosen: np.ndarray, other: Enclosure) -> Enclosure:
        """Return these rows where they are chosen, else those of another enclosure."""
        rows = chosen[:, None]
        return Enclosure(
            np.where(rows, self.points, other.points),
            np.where(chosen, self.values, other.values),
            np.where(rows, self.least, other.least),
            np.where(rows, self.most, other.most),
            np.where(rows, self.doubt, other.doubt),
        )


def enclosed_slopes(value: Function, points: np.ndarray, domain: Surroundings, noise: float) -> Enclosure:
    """Return points near the given ones at which the subgradients are known best.

    Parameters
    ----------
    value : callable
        A convex function, (n, d) -> (n,).
    points : ndarray, shape (n, d)
        Of the domain.
    domain : Surroundings
    noise : float
        Error of a computed value.
    """
    best = _enclosed(value, points, domain, _STEPS[0], noise)
    for step in _STEPS[1:]:
        best = domain.tighter(_enclosed(value, points, domain, step, noise), best)
    rng = np.random.default_rng(0)
    for move in _MOVES:
        if (domain.looseness(best) <= _TIGHT * domain.steepness(best)).all():
            break
        places = points + move * domain.extent * rng.uniform(-1, 1, points.shape)
        for step in _STEPS:
            # A way off the point must pay.
            best = domain.tighter(_enclosed(value, places, domain, step, noise), best, 0.5)
    return best


def middle_slopes(value: Function, points: np.ndarray, domain: Surroundings, noise: float) -> Enclosure:
    """Return the points, a little inside, with the boxes of one short step."""
    return _enclosed(value, points, domain, _SHORT, noise)


def _enclosed(
    value: Function, points: np.ndarray, domain: Surroundings, share: float, noise: float
) -> Enclosure:
    n, d = points.shape
    steps = 2.0 ** np.floor(np.log2(share * domain.extent))
    # Multiples of a power of two: quotients of functions with few binary digits are exact.
    places = np.round(domain.moved_inside(points, 1.05 * steps) / (steps / 64)) * (steps / 64)
    moves = np.diag(steps)
    ahead, behind = places[:, None] + moves, places[:, None] - moves
    every = np.concatenate([places[:, None], ahead, behind], axis=1)
    values = value(every.reshape(-1, d)).reshape(n, -1)
    here = values[:, :1]
    diagonal = np.arange(d)
    forwards = ahead[:, diagonal, diagonal] - places
    backwards = places - behind[:, diagonal, diagonal]
    most = (values[:, 1 : d + 1] - here) / forwards
    least = (here - values[:, d + 1 :]) / backwards
    return Enclosure(places, values[:, 0], least, most, 2 * noise / steps)
