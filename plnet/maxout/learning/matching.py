"""Learnt pieces beside the exact ones, whatever their order."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import linear_sum_assignment

from plnet.errors import ConfigError
from plnet.maxout.learning.targets import ImitationTarget

__all__ = ["PieceMatch", "active_pieces", "match_pieces"]


@dataclass(frozen=True)
class PieceMatch:
    """One learnt piece beside one exact piece.

    Parameters
    ----------
    exact : tuple of Fraction
        Slope and intercept.
    learnt : tuple of float
        Slope and intercept.
    piece : int
        Index of the learnt piece.
    distance : float
        Greatest distance of the two lines on the interval.
    """

    exact: tuple[Fraction, Fraction]
    learnt: tuple[float, float]
    piece: int
    distance: float


def active_pieces(weight: np.ndarray, bias: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return which pieces are greatest on a part of the interval that is longer than a point, shape (k,).

    Parameters
    ----------
    weight, bias : ndarray, shape (k,)
    low, high : float

    Returns
    -------
    ndarray of bool, shape (k,)
        Of equal pieces only the first; in floating-point numbers, so that a piece which is greatest only on
        a part of rounding size may count as not active.

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.maxout.learning import active_pieces
    >>> active_pieces(np.array([1.0, 0.0, 0.5]), np.array([0.0, 0.0, -3.0]), -2.0, 2.0).tolist()
    [True, True, False]
    """
    first, second = np.triu_indices(len(weight), 1)
    with np.errstate(all="ignore"):
        places = (bias[second] - bias[first]) / (weight[first] - weight[second])
    inside = places[np.isfinite(places) & (places > low) & (places < high)]
    points = np.unique(np.concatenate([[low], inside, [high]]))
    middles = (points[1:] + points[:-1]) / 2
    active = np.zeros(len(weight), dtype=bool)
    active[np.argmax(weight[:, None] * middles + bias[:, None], axis=0)] = True
    return active


def match_pieces(weight: np.ndarray, bias: np.ndarray, target: ImitationTarget) -> tuple[PieceMatch, ...]:
    """Put the active pieces of a unit beside those of a convex piecewise-linear target.

    Parameters
    ----------
    weight, bias : ndarray, shape (k,)
    target : ImitationTarget
        Convex and piecewise linear.

    Returns
    -------
    tuple of PieceMatch
        In the order of the exact pieces; those for which no active piece is left are absent. The sum of the
        distances is the least possible.

    Raises
    ------
    ConfigError
        If the target has no unique pieces: it is smooth or not convex.

    References
    ----------
    Kuhn (1955), "The Hungarian method for the assignment problem".

    Examples
    --------
    >>> import numpy as np
    >>> from plnet.maxout.learning import imitation_target, match_pieces
    >>> found = match_pieces(np.array([1.0, 0.25]), np.array([0.0, 0.5]), imitation_target("relu"))
    >>> [(match.piece, match.distance) for match in found]
    [(1, 1.0), (0, 0.0)]
    """
    if target.lines is None or not target.convex:
        raise ConfigError(f"{target.name} is no convex piecewise-linear function: it has no unique pieces.")
    pieces = np.flatnonzero(active_pieces(weight, bias, target.low, target.high))
    exact = np.array([[float(s), float(c)] for s, c in target.lines])
    ends = np.array([target.low, target.high])
    wanted = exact[:, :1] * ends + exact[:, 1:]
    found = weight[pieces, None] * ends + bias[pieces, None]
    distances = np.abs(wanted[:, None] - found[None]).max(axis=2)
    rows, columns = linear_sum_assignment(distances)
    return tuple(
        PieceMatch(
            target.lines[row],
            (float(weight[pieces[column]]), float(bias[pieces[column]])),
            int(pieces[column]),
            float(distances[row, column]),
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    )
