"""Max-affine fits of piecewise-linear networks, with their exact error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from plnet.errors import DimensionError, IncompleteResultError, NotConvexError, UnboundedDomainError
from plnet.geometry.cells import domain_cell
from plnet.geometry.domain import Chart, Domain
from plnet.geometry.exact import rational
from plnet.ir.network import PLNetwork
from plnet.maxout.conversion.max_affine import MaxAffine
from plnet.maxout.convexity.pieces import max_affine_of
from plnet.maxout.fitting.effort import Effort
from plnet.maxout.fitting.error.exact_error import Region, convex_error, region_error
from plnet.maxout.fitting.error.graph import exact_graph_vertices
from plnet.maxout.fitting.line.interval_fit import best_partition, lines_of, optimum_on_interval
from plnet.maxout.fitting.results import ErrorBracket
from plnet.maxout.fitting.space.convex_fit import best_covering
from plnet.maxout.fitting.space.point_fit import best_lower_pieces, lifted_offsets
from plnet.maxout.fitting.space.slope_refinement import refine_slopes
from plnet.maxout.fitting.targets.catalogue import Target
from plnet.maxout.fitting.targets.fit_problem import FitProblem
from plnet.maxout.fitting.targets.samples import Samples
from plnet.maxout.inputs import chart_of
from plnet.maxout.words import counted
from plnet.regions.api import enumerate_regions

__all__ = ["best_slopes_of", "corners_of", "fit_max_affine_target", "fit_network", "problem_of"]

_EXCHANGES = 4
"""How often points of largest error are added to the points of a fit of a network that is not convex."""

Found = tuple[MaxAffine, ErrorBracket, "tuple[Any, Any] | None", str]


def fit_network(network: PLNetwork, pieces: int, domain: Domain | None, kind: str, effort: Effort) -> Found:
    """Return the fit of a network in the coordinates of the domain, its exact error, the optimum, the method.

    Raises
    ------
    NotConvexError
        For a one-sided fit of a network that is not convex on the domain.
    """
    if network.output_dim != 1:
        raise DimensionError(
            f"Expected a network with one output, got {network.output_dim}. Put a Linear layer "
            "behind it that selects an output."
        )
    chart = chart_of(network, domain)
    try:
        target = max_affine_of(network, domain, max_seconds=effort.deadline.left(), progress=None)
    except NotConvexError as error:
        if kind != "free":
            raise NotConvexError(
                f"A fit of kind {kind!r} needs a convex target. {error}", getattr(error, "witness", None)
            ) from error
        return _fit_any(network, pieces, domain, effort)
    return fit_max_affine_target(target, pieces, chart, kind, effort)


def fit_max_affine_target(target: MaxAffine, pieces: int, chart: Chart, kind: str, effort: Effort) -> Found:
    """Return the fit of a max-affine function of the coordinates of a chart by one with fewer pieces."""
    if target.pieces <= pieces:
        at = np.zeros(chart.dim)
        zero = (Fraction(0), Fraction(0))
        return target, ErrorBracket(zero, zero, at, at), zero, "the target has no more pieces than asked for"
    _require_bounded(chart, target.pieces)
    problem = problem_of(target, chart)
    if chart.dim == 1:
        knots = [float(point[0]) for point, _ in exact_graph_vertices(target, chart)]
        partition = best_partition(problem, pieces, np.unique(knots))
        optimum = optimum_on_interval(problem, partition, kind)
        found = _centred(lines_of(partition, kind), lambda g: convex_error(target, g, chart), kind)
        return *found, optimum, "equal gaps on an interval"
    corners = corners_of(target, chart)
    slopes = best_slopes_of(problem, target, corners, pieces, effort)
    function = MaxAffine(slopes, lifted_offsets(corners, slopes))
    found = _centred(function, lambda g: convex_error(target, g, chart), kind)
    return *found, None, "alternating partition, then linear programs over slopes"


def corners_of(target: MaxAffine, chart: Chart) -> Samples:
    """Return the vertices of the graph of a target; a piece that lies below it there does so everywhere."""
    vertices = exact_graph_vertices(target, chart)
    return Samples(
        np.array([[float(x) for x in point] for point, _ in vertices]),
        np.array([float(height) for _, height in vertices]),
    )


def best_slopes_of(
    problem: FitProblem, target: MaxAffine, corners: Samples, pieces: int, effort: Effort
) -> np.ndarray:
    """Return the best slopes of several refined starts for a piecewise-linear target.

    The starts are tangents at covering points, alternating partitions of the vertices, and random
    mixtures of the target's own slopes.
    """
    candidates = _candidates(problem, target, corners, pieces, effort.share(4))
    refined = (refine_slopes(problem, corners, slopes, 40, effort.deadline) for slopes in candidates)
    tries = ((slopes, _lower_error(problem, corners, slopes)) for slopes in refined)
    return effort.best(tries, np.zeros((1, corners.dim)), effort.starts + 1)


def _candidates(
    problem: FitProblem, target: MaxAffine, corners: Samples, pieces: int, effort: Effort
) -> Iterator[np.ndarray]:
    yield problem.gradient(best_covering(problem, pieces, effort).points)
    yield best_lower_pieces(corners, pieces, effort)
    for _ in range(2 * effort.starts):
        yield effort.rng.dirichlet(np.full(target.pieces, 0.5), pieces) @ target.float_slopes


def _lower_error(problem: FitProblem, corners: Samples, slopes: np.ndarray) -> float:
    function = MaxAffine(slopes, lifted_offsets(corners, slopes))
    points = np.array(
        [[float(x) for x in point] for point, _ in exact_graph_vertices(function, problem.chart)]
    )
    return float((problem.value(points) - function(points)).max())


def problem_of(target: MaxAffine, chart: Chart) -> FitProblem:
    """Return a max-affine function of the coordinates of a chart as a problem with its gradient."""
    d = chart.dim

    def gradient(t: np.ndarray) -> np.ndarray:
        return target.float_slopes[target.active_piece(t)]

    identity = Chart(rational(np.eye(d, d + 1)), chart.facets, chart.facet_names)
    known = Target(target, d, gradient, name="the network", known_convex=True)
    return FitProblem(known, identity)


def _fit_any(network: PLNetwork, pieces: int, domain: Domain | None, effort: Effort) -> Found:
    """Fit a network that is not convex: at the vertices of its regions and where the error is largest."""
    chart = chart_of(network, domain)
    _require_bounded(chart, None)
    complex_ = enumerate_regions(network, domain, max_seconds=effort.deadline.left(), progress=None)
    if not complex_.exact:
        raise IncompleteResultError(
            f"The time ended when {len(complex_)} regions of the network were known, and no error is "
            "certified before all are. Raise max_seconds, or take a smaller domain."
        )
    regions: list[Region] = []
    for i in range(len(complex_)):
        gradient, offset = complex_.exact_map(i)
        regions.append((complex_.exact_cell(i), (*gradient[0], offset[0])))
    points = np.unique(
        np.array([[x / v[-1] for x in v[:-1]] for cell, _ in regions for v in cell.vertices]), axis=0
    )
    best: tuple[MaxAffine, ErrorBracket] | None = None
    for number in range(_EXCHANGES):
        samples = Samples(points, network.evaluate(chart.embed(points))[:, 0])
        slopes = best_lower_pieces(samples, pieces, effort.share(2 if number == 0 else 8))
        start = MaxAffine(slopes, lifted_offsets(samples, slopes))
        function, bracket = _centred(start, lambda g: region_error(regions, g), "free")
        if best is None or bracket.sup[1] < best[1].sup[1]:
            best = function, bracket
        new = np.array([bracket.below_at, bracket.above_at])
        larger = np.unique(np.concatenate([points, new]), axis=0)
        if len(larger) == len(points) or effort.ends_after(effort.starts):
            break
        points = larger
    assert best is not None
    return *best, None, "alternating partition at the vertices of the regions"


def _centred(
    function: MaxAffine, errors: Callable[[MaxAffine], ErrorBracket], kind: str
) -> tuple[MaxAffine, ErrorBracket]:
    """Shift g so that the errors on both sides are about equal, or so that g lies on one side.

    The coefficients stay floats. Offsets are rounded to the safe side, and the errors are those
    after rounding.
    """
    bracket = errors(function)
    below, above = Fraction(bracket.below[0]), Fraction(bracket.above[0])
    shift = {"free": (below - above) / 2, "lower": -above, "upper": below}[kind]
    direction = {"free": 0, "lower": -1, "upper": 1}[kind]
    offsets = [_rounded(old + shift, direction) for old in function.offsets]
    moved = MaxAffine(function.slopes, offsets)
    return moved, errors(moved)


def _rounded(number: Fraction, direction: int) -> float:
    """Round to the nearest float, or to the next one below (-1) or above (1)."""
    nearest = float(number)
    if direction * (Fraction(nearest) - number) >= 0:
        return nearest
    return math.nextafter(nearest, direction * math.inf)


def _require_bounded(chart: Chart, pieces: int | None) -> None:
    if domain_cell(chart.facets, chart.facet_names).bounded:
        return
    hint = (
        "" if pieces is None else f", or ask for all of its {counted(pieces, 'piece')}: the function itself"
    )
    raise UnboundedDomainError(
        "The domain is unbounded, and a maximum of fewer pieces than the network has is "
        f"infinitely far from it. Give a bounded domain, for example Box(-1, 1){hint}."
    )
