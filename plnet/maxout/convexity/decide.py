"""Is a piecewise-linear function convex? Decided exactly, with the place where it fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.budgets import STOPS, Deadline, look, name_of
from plnet.errors import DimensionError
from plnet.geometry.domain import Domain
from plnet.ir.layers import Affine
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import output_weights, require_continuous
from plnet.maxout.convexity.report import ConvexityReport, ConvexityWitness
from plnet.maxout.convexity.search import find_witness
from plnet.maxout.convexity.structure import structural_convexity
from plnet.maxout.convexity.walls import bends, region_forms, wall_witness
from plnet.maxout.inputs import chart_of, check_domain, read_network
from plnet.progress import Progress
from plnet.regions.api import enumerate_regions
from plnet.regions.control import Budget
from plnet.regions.definitions.tiling import tiling_of

if TYPE_CHECKING:
    from torch.nn import Module

    from plnet.regions.complex import RegionComplex

__all__ = ["Examination", "examine", "is_concave", "is_convex", "one_output"]


def is_convex(
    network: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    output: Any = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: Any = None,
    progress: Progress = "auto",
) -> ConvexityReport:
    """Decide whether an output of a piecewise-linear network is a convex function; exact.

    Parameters
    ----------
    network : torch.nn.Module or PLNetwork
    domain : Domain, optional
        All of R^n if not given.
    output : int or sequence of m floats, optional
        One output, or a weight for each; may be left out where there is one output.
    max_regions, max_seconds, progress
        As in `plnet.enumerate_regions`.
    rng : int, SeedSequence or Generator, optional
        Draws the segments of the first search; 0 if not given. The verdict does not depend on it.

    Returns
    -------
    ConvexityReport
        True or False as a truth value. If it is not convex, ``.witness`` holds two points and their
        midpoint, in exact rationals. Undecided where a budget ended first: ``.stopped_by`` says which.

    Raises
    ------
    EngineError
        If the network can jump.
    IncompleteResultError
        Where an undecided report is used as a truth value.
    PLNetError
        If the network or the domain cannot be used.

    Notes
    -----
    First the signs of the weights (O(weights)), then 512 random segments, then the bend at every wall
    between two regions: a continuous piecewise-linear function is convex on a convex domain if and only if
    it bends upwards, or not at all, at every wall. The last step enumerates the regions.

    Examples
    --------
    >>> from plnet.ir import PLNetwork, ScalarPWL
    >>> from plnet.maxout import is_convex
    >>> report = is_convex(PLNetwork((ScalarPWL.hardtanh(1, -1.0, 1.0),), input_dim=1))
    >>> report.holds, report.witness.gap > 0
    (False, True)
    """
    budget = Budget(max_regions, max_seconds, progress=progress)
    return examine("convex", network, domain, output, budget, rng).report


def is_concave(
    network: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    output: Any = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: Any = None,
    progress: Progress = "auto",
) -> ConvexityReport:
    """Decide whether an output of a piecewise-linear network is a concave function; exact.

    Parameters, returns and errors are those of `is_convex`.
    """
    budget = Budget(max_regions, max_seconds, progress=progress)
    return examine("concave", network, domain, output, budget, rng).report


def one_output(network: PLNetwork, output: Any) -> PLNetwork:
    """Return the network with one output, or with a combination of its outputs, exactly."""
    if output is None and network.output_dim == 1:
        return network
    weights = output_weights(network, output)
    combination = Affine(weights[None], np.zeros(1), "output")
    return PLNetwork((*network.layers, combination), network.input_dim, network.input_shape)


@dataclass(frozen=True, eq=False)
class Examination:
    """A report, and the regions where they were enumerated.

    Parameters
    ----------
    report : ConvexityReport
    complex : RegionComplex or None
        Of the network with one output.
    """

    report: ConvexityReport
    complex: RegionComplex | None


def examine(
    word: str,
    network: Any,
    domain: Domain | None,
    output: Any,
    budget: Budget,
    rng: Any,
    regions: bool = False,
) -> Examination:
    """Decide whether a function is "convex" or "concave", and keep the regions.

    Parameters
    ----------
    word : str
    network, domain, output, rng
        As in `is_convex`.
    budget : Budget
    regions : bool
        Enumerate the regions of a function that has the property also where the proof did not need them.
    """
    deadline = Deadline.start(budget.max_seconds)
    try:
        with deadline.running():
            return _examine(word, network, domain, output, budget, rng, regions, deadline)
    except STOPS as stop:
        reason = f"stopped by {name_of(stop)} before the regions were looked at"
        report = ConvexityReport(word, None, None, "search", reason, 0, 0, deadline.seconds, name_of(stop))
        return Examination(report, None)


def _examine(
    word: str,
    network: Any,
    domain: Domain | None,
    output: Any,
    budget: Budget,
    rng: Any,
    regions: bool,
    deadline: Deadline,
) -> Examination:
    sign = 1 if word == "convex" else -1
    read = read_network(network)
    require_continuous(read, "Convexity")
    net = one_output(read, output)
    check_domain(net, domain)

    def done(
        holds: bool | None,
        method: str,
        reason: str,
        witness: Any = None,
        found: Any = None,
        n_walls: int = 0,
        stopped_by: str | None = None,
    ) -> Examination:
        seconds, n_regions = deadline.seconds, 0 if found is None else len(found)
        report = ConvexityReport(
            word, holds, witness, method, reason, n_regions, n_walls, seconds, stopped_by
        )
        return Examination(report, found)

    by_structure = bool(structural_convexity(net)[0 if sign > 0 else 1][0])
    proof = "the signs of the weights prove it, on every domain"
    if by_structure and not regions:
        return done(True, "structure", proof)
    chart = chart_of(net, domain)
    witness = None
    if not by_structure:
        witness = find_witness(net, chart, sign, np.random.default_rng(0 if rng is None else rng))
    if witness is not None:
        return done(False, "search", "found on a random segment and proved in rationals", witness)
    found = enumerate_regions(net, domain, max_regions=budget.max_regions, progress=budget.progress)
    if not found.exact:
        reason = f"only {len(found)} regions were found within the budget"
        return done(None, "walls", reason, found=found, stopped_by=found.stopped_by)
    if by_structure:
        return done(True, "structure", proof, found=found)
    try:
        n_walls, witness = _first_wrong_wall(found, sign)
    except STOPS as stop:
        reason = "the time ended among the walls"
        return done(None, "walls", reason, found=found, stopped_by=name_of(stop))
    except DimensionError:
        everywhere = examine(word, net, None, None, replace(budget, max_seconds=None), rng).report
        if everywhere.holds:
            return done(True, "walls", f"on all of R^n {everywhere.reason}", None, found, everywhere.n_walls)
        reason = f"the walls of a domain of dimension {chart.dim} are too many to look at"
        return done(None, "walls", reason, found=found, stopped_by=everywhere.stopped_by)
    if witness is not None:
        return done(False, "walls", "a wall bends the wrong way", witness, found, n_walls)
    side = "upwards" if sign > 0 else "downwards"
    reason = f"all {n_walls} walls between {len(found)} regions bend {side} or not at all"
    return done(True, "walls", reason, None, found, n_walls)


def _first_wrong_wall(complex_: RegionComplex, sign: int) -> tuple[int, ConvexityWitness | None]:
    tiling = tiling_of(complex_)
    n_walls = 0
    for bend in bends(tiling, region_forms(complex_)):
        n_walls += 1
        look()
        if bend.sign == -sign:
            return n_walls, wall_witness(complex_, tiling, bend, sign)
    return n_walls, None
