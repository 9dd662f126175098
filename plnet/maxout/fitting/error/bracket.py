"""The certified error of a max-affine function g against a convex target f on a bounded domain.

f - g is convex on each linear piece of g, so it is greatest at a vertex of g's graph; these are found in
exact rationals. g - f is greatest where one piece most exceeds f. That is a convex problem for each piece:
any point gives a lower bound, and the tangents (in one dimension the chords) of f give an upper bound.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog, minimize

from plnet.budgets import Deadline, TimeIsUpError
from plnet.errors import NotConvexError
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.fitting.error.graph import exact_graph_vertices
from plnet.maxout.fitting.results import ErrorBracket
from plnet.maxout.fitting.targets.fit_problem import EPS, FitProblem
from plnet.maxout.fitting.targets.quotients import enclosed_slopes

__all__ = ["above_one", "down", "error_bracket", "summit", "up"]

_CUTS = 60
"""Most tangents for one piece."""
_ROUNDS = 12
"""Rounds of the search for the lowest point; an interval shrinks to an eighth in each."""
_SPLITS = 100
"""How often intervals with too weak a bound are halved."""
_NEAR = 4.0 ** -np.arange(3, 24)
"""Distances from the lowest point, as shares of the interval, at which the function is looked at."""


def error_bracket(
    problem: FitProblem, function: MaxAffine, near: np.ndarray | None = None, deadline: Deadline | None = None
) -> ErrorBracket:
    """Return a bracket of the largest values of f - g and of g - f on the domain.

    Parameters
    ----------
    problem : FitProblem
        Its target must be convex.
    function : MaxAffine
        Of the coordinates of the domain.
    near : ndarray, shape (k, d), optional
        Points near which f exceeds each piece least, where they are known.
    deadline : Deadline, optional
        When it has passed, the bracket is wider.

    Returns
    -------
    ErrorBracket

    Raises
    ------
    NotConvexError
        If the two ends contradict each other, which cannot happen for a convex target.

    Notes
    -----
    Takes for granted that f is convex, that its gradient is a subgradient, and that a computed value is
    wrong by at most `FitProblem.noise`.
    """
    deadline = deadline or Deadline.start()
    above, above_at = _above(problem, function, near, Deadline.start(deadline.left(0.5)))
    below, below_at = _below(problem, function, deadline)
    for name, (lo, hi), at in (("f - g", below, below_at), ("g - f", above, above_at)):
        if lo > hi:
            raise NotConvexError(
                f"{problem.target.name} cannot be convex near {at.tolist()}: bounds of the largest {name} "
                f"that hold for every convex function contradict each other ({lo} > {hi}). If it is convex, "
                "its gradient is wrong, or its values are less accurate than `Target.roundoff` says."
            )
    return ErrorBracket(below, above, below_at, above_at)


def _below(
    problem: FitProblem, function: MaxAffine, deadline: Deadline
) -> tuple[tuple[float, float], np.ndarray]:
    vertices = exact_graph_vertices(function, problem.chart, deadline)
    points = np.array([[float(x) for x in point] for point, _ in vertices])
    values = problem.value(points)
    steep = 2 * np.maximum(np.abs(_safe_gradient(problem, points)), np.abs(function.float_slopes).max(axis=0))
    lows, highs = [], []
    for (point, height), rounded, value, slope in zip(vertices, points, values, steep, strict=True):
        moved = [abs(float(x - y)) for x, y in zip(point, map(type(height), rounded.tolist()), strict=True)]
        slack = problem.noise + sum(s * m for s, m in zip(slope.tolist(), moved, strict=True) if m)
        difference = type(height)(value) - height
        lows.append(down(difference) - slack)
        highs.append(up(difference) + slack)
    best = int(np.argmax(lows))
    # Where time was short the graph is that of some pieces only, and g is higher.
    missing = function([vertices[best][0]], exact=True)[0] - vertices[best][1]
    lows[best] -= up(missing) if missing else 0.0
    return (down(lows[best]), up(max(highs))), points[best]


def _safe_gradient(problem: FitProblem, points: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = problem.gradient(points)
    return np.where(np.isfinite(found), found, 0.0)


def _above(
    problem: FitProblem, function: MaxAffine, near: np.ndarray | None, deadline: Deadline
) -> tuple[tuple[float, float], np.ndarray]:
    slopes, offsets = function.float_slopes, function.float_offsets
    reach = np.abs(problem.vertices).max(axis=0)
    slack = problem.noise + (problem.dim + 3) * EPS * float((np.abs(slopes) @ reach + np.abs(offsets)).max())
    hints = [None] * len(slopes) if near is None else list(near)
    lines = zip(slopes, offsets, hints, strict=True)
    if problem.dim == 1:
        found = [_above_on_line(problem, a, b, slack) for a, b, _ in lines]
    else:
        found = [above_one(problem, (a, b), hint, slack, deadline) for a, b, hint in lines]
    best = int(np.argmax([lo for lo, _, _ in found]))
    return (found[best][0], max(hi for _, hi, _ in found)), found[best][2]


def _above_on_line(
    problem: FitProblem, slope: np.ndarray, offset: float, slack: float
) -> tuple[float, float, np.ndarray]:
    """Bound the largest l - f on an interval, by values only."""
    low, high = float(problem.vertices.min()), float(problem.vertices.max())

    def depth(t: np.ndarray) -> np.ndarray:
        return problem.value(t[:, None]) - t * slope[0] - offset

    points, values = np.empty(0), np.empty(0)
    left, right = low, high
    for _ in range(_ROUNDS):
        new = np.linspace(left, right, 17)
        found = depth(new)
        points, values = np.append(points, new), np.append(values, found)
        lowest = int(found.argmin())
        left, right = new[max(lowest - 1, 0)], new[min(lowest + 1, 16)]
    around = points[values.argmin()] + (high - low) * np.concatenate([-_NEAR, _NEAR])
    around = around[(around > low) & (around < high)]
    points, values = np.append(points, around), np.append(values, depth(around))
    for _ in range(_SPLITS):
        points, kept = np.unique(points, return_index=True)
        values = values[kept]
        bounds = _least_between(points, values, slack)
        weak = np.flatnonzero(bounds < values.min() - 12 * slack)
        new = 0.5 * (points[weak] + points[weak + 1])
        new = new[(new > points[weak]) & (new < points[weak + 1])]
        if not len(new):
            break
        points, values = np.append(points, new), np.append(values, depth(new))
    at = float(points[values.argmin()])
    return down(-values.min() - slack), up(-min(bounds.min(), values.min() - slack)), np.array([at])


def _least_between(points: np.ndarray, values: np.ndarray, slack: float) -> np.ndarray:
    """Return lower bounds of a convex function between neighbours of some points, shape (n - 1,).

    Between two points it lies above the line through the two points on the left, and above that on the
    right. Each value may be wrong by the slack.
    """
    width = np.diff(points)
    rise = np.diff(values)
    from_left = np.full((len(width), 2), -np.inf)
    from_left[1:, 0] = values[1:-1] - slack
    from_left[1:, 1] = from_left[1:, 0] + (rise[:-1] - 2 * slack) / width[:-1] * width[1:]
    from_right = np.full((len(width), 2), -np.inf)
    from_right[:-1, 1] = values[1:-1] - slack
    from_right[:-1, 0] = from_right[:-1, 1] - (rise[1:] + 2 * slack) / width[1:] * width[:-1]
    ends = np.maximum(from_left, from_right).min(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = from_left - from_right
        share = gap[:, 0] / (gap[:, 0] - gap[:, 1])
        crossing = from_left[:, 0] + share * (from_left[:, 1] - from_left[:, 0])
    inside = np.isfinite(crossing) & (share > 0) & (share < 1)
    return np.where(inside, np.minimum(ends, crossing), ends)


def above_one(
    problem: FitProblem,
    line: tuple[np.ndarray, float],
    near: np.ndarray | None,
    slack: float,
    deadline: Deadline,
    cuts: int = _CUTS,
) -> tuple[float, float, np.ndarray]:
    """Bound the largest l - f by tangents of f: a game between tangents and vertices of the domain.

    Parameters
    ----------
    problem : FitProblem
    line : (slope, offset)
        The affine function l.
    near : ndarray, shape (d,), optional
        A point where l - f is nearly greatest.
    slack : float
        Error of a computed value of l - f.
    deadline : Deadline
        After it the bound is not made better.
    cuts : int
        Most tangents.

    Returns
    -------
    lo, hi : float
    at : ndarray, shape (d,)
        Where `lo` is attained.
    """
    vertices, (slope, offset) = problem.vertices, line
    heights = vertices @ slope + offset
    point = summit(problem, slope, None, deadline) if near is None else near
    best, at, rows = -math.inf, point, []
    upper, weights = math.inf, np.empty(0)
    for _ in range(cuts):
        point = problem.clipped(point[None], problem.middle[None])
        place, value, tangent = _tangent(problem, point)
        for tried, height in ((point[0], problem.value(point)[0]), (place, value)):
            if tried @ slope + offset - height > best:
                best, at = float(tried @ slope + offset - height), tried
        rows.append(heights - tangent)
        bound, weights = _game(np.array(rows))
        upper = min(upper, bound)
        if upper - best <= max(8 * slack, 1e-13 * problem.scale) or deadline.passed:
            break
        following = weights @ vertices
        if np.abs(following - point[0]).max() <= 1e-14 * problem.diameter:
            break
        point = following
    return down(best - slack), up(upper + 2 * slack), at


def _tangent(problem: FitProblem, point: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Return a point close by, f there, and a lower bound of f at the vertices of the domain, shape (v,).

    The bound is the value there of a concave function below f, so mixtures of it bound f in between.
    """
    vertices = problem.vertices
    if problem.has_gradient:
        point, slope = problem.with_slopes(point)
        away, value = vertices - point, problem.value(point)
        bound = value + away @ slope[0] - 16 * EPS * np.abs(away) @ np.abs(slope[0])
        if (bound <= problem.vertex_values + 4 * problem.noise).all():
            return point[0], float(value[0]), bound
    found = enclosed_slopes(problem.value, point, problem.surroundings, problem.noise)
    away = vertices - found.points
    # Every subgradient lies between the two quotients, in each coordinate.
    ends = away * (found.most + found.doubt), away * (found.least - found.doubt)
    bound = found.values + np.minimum(*ends).sum(axis=1) - 16 * EPS * np.maximum(*np.abs(ends)).sum(axis=1)
    return found.points[0], float(found.values[0]), bound


def _game(table: np.ndarray) -> tuple[float, np.ndarray]:
    """Return an upper bound of max_w min_j (table w)_j over weights of the columns, and good weights."""
    rows, columns = table.shape
    best = int(table.max(axis=1).argmin())
    simple = np.zeros(columns)
    simple[table[best].argmax()] = 1.0
    if rows == 1:
        return float(table[0].max()), simple
    shift, size = float(table.min()), float(np.ptp(table)) or 1.0
    scaled = (table - shift) / size
    # Minimise u over mixtures of the rows with every column at most u; the dual gives the columns.
    cost = np.append(np.zeros(rows), 1.0)
    limits = np.column_stack([scaled.T, -np.ones(columns)])
    total = np.append(np.ones(rows), 0.0)[None]
    bounds = [(0, None)] * rows + [(None, None)]
    found = linprog(cost, limits, np.zeros(columns), total, [1.0], bounds=bounds, method="highs")
    if found.status != 0:
        return float(table[best].max()), simple
    mixture = np.maximum(found.x[:-1], 0)
    mixture /= mixture.sum()
    weights = np.maximum(-found.ineqlin.marginals, 0)
    total_weight = weights.sum()
    bound = float((mixture @ table).max()) + (rows + 4) * EPS * float(np.abs(table).max())
    return min(bound, float(table[best].max())), weights / total_weight if total_weight > 0 else simple


def summit(problem: FitProblem, slope: np.ndarray, near: np.ndarray | None, deadline: Deadline) -> np.ndarray:
    """Return a point where an affine function with this slope exceeds f about most: a local search."""
    middle = problem.middle
    grid = np.concatenate([problem.vertices, 0.5 * (problem.vertices + middle), middle[None]])
    grid = grid if near is None else np.concatenate([grid, near[None]])
    excess = grid @ slope - problem.value(grid)
    start = grid[excess.argmax()]
    start = start + 1e-9 * (middle - start)
    last = [start]
    walls = {
        "type": "ineq",
        "fun": lambda t: problem.facets[:, :-1] @ t + problem.facets[:, -1],
        "jac": lambda _: problem.facets[:, :-1],
    }
    size = max(float(np.abs(excess).max()), 1e-300)

    def loss(t: np.ndarray) -> tuple[float, np.ndarray]:
        deadline.check()
        last[0] = t
        inside = problem.clipped(t[None], middle[None])
        value = problem.value(inside)[0] - float(inside[0] @ slope)
        return value / size, (problem.with_slopes(inside)[1][0] - slope) / size

    options = {"maxiter": 100, "ftol": 1e-15}
    try:
        found = minimize(loss, start, jac=True, method="SLSQP", constraints=[walls], options=options).x
    except TimeIsUpError:
        found = last[0]
    return found if np.isfinite(found).all() else start


def down(value: float | Fraction) -> float:
    """Return a float below a number, the next one below the nearest."""
    return math.nextafter(float(value), -math.inf)


def up(value: float | Fraction) -> float:
    """Return a float above a number, the next one above the nearest."""
    return math.nextafter(float(value), math.inf)
