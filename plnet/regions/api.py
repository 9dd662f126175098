"""The verbs: `count_regions`, `enumerate_regions`, `explain`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from plnet.budgets import STOPS, Deadline, TimeIsUpError, now, time_limit
from plnet.checks import suggest_options
from plnet.errors import DomainError
from plnet.geometry.domain import Chart, Domain, Space
from plnet.ir.network import PLNetwork
from plnet.regions.cells.facets import with_vertices
from plnet.regions.complex import RegionComplex
from plnet.regions.control import Budget, Control, memory_in_words
from plnet.regions.definitions.count import canonical_definition, check_definition, count_regions_of
from plnet.regions.engines.base import Tally
from plnet.regions.engines.choice import choose_engine, get_engine, upper_bound
from plnet.regions.estimate_cost import expected_cost
from plnet.regions.leaves import LeafArrays, LeafStore
from plnet.regions.problem import Problem
from plnet.regions.results import Explanation, RegionCount

if TYPE_CHECKING:
    from torch.nn import Module

Found = TypeVar("Found", RegionCount, RegionComplex)

__all__ = ["count_on_chart", "count_regions", "enumerate_on_chart", "enumerate_regions", "explain"]


@suggest_options
def count_regions(
    network: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    definition: str = "activation",
    engine: Any = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: Any = None,
    n_jobs: int = 1,
    progress: Any = "auto",
) -> RegionCount:
    """Count the linear regions of a network on a domain.

    Parameters
    ----------
    network : torch.nn.Module or PLNetwork
    domain : Domain, optional
        All of R^n if not given.
    definition : str
        What a region is, as a word or a number: "all_patterns" ("R1"), "activation" ("R2", full-dimensional
        activation regions), "convex" ("R3"), "open" ("R4"), "closed" ("R5") or "affine" ("R6"). All but
        "activation" enumerate the activation regions first.
    engine : str or engine record
        "auto", "line", "cells", "search", "two_layer", "arrangement" or "rational".
    max_regions : int, optional
        Stop after about this many regions, never before.
    max_seconds : float, optional
        Stop soon after this time, counted from the start of the call: it is looked at several times a
        second. Compiling the kernels, once after an installation, cannot be stopped. Counting by another
        definition than "activation" what was found until then may take a tenth of it more.
    rng : int, SeedSequence or Generator, optional
        Not used: no engine draws random numbers. It is there so that calls may be written alike.
    n_jobs : int
        Threads; -1 takes one for each core.
    progress : "auto", bool, None or callable
        "auto" shows a bar on a terminal; a callable gets the number of regions found.

    Returns
    -------
    RegionCount
        With ``complete=False``, a proved ``lower`` and ``stopped_by`` if a budget ran out or Ctrl-C came.

    Raises
    ------
    IncompleteResultError
        If the time was up while the network was read, before any region could be counted.
    PLNetError
        If the network, the domain or an option cannot be used; the message says why.

    Notes
    -----
    The memory of `cells` and `line` is the depth of their search, whatever the number of regions.

    References
    ----------
    Stargalla, Hertrich and Reichman (2025), The Computational Complexity of Counting
    Linear Regions in ReLU Neural Networks, definition 2 (proper activation regions).

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> cross = PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), input_dim=2)
    >>> int(plnet.count_regions(cross, plnet.Box(-1, 1)))
    4
    """
    word = canonical_definition(definition)
    storing = word != "activation"
    with time_limit(max_seconds, _ANY_REGION) as deadline:
        problem, chosen, reason = _prepare_soon(deadline, network, domain, engine, storing)
        check_definition(problem, word)
        budget = Budget(max_regions, deadline.left(), n_jobs, progress)
        if not storing:
            return _counted(problem, chosen, reason, budget)
        found = _enumerate(problem, chosen, reason, budget)
        left = deadline.left() or 0.0
    # What was found is looked at even where finding it took all the time.
    return count_regions_of(found, word, max_seconds and max(left, max_seconds / 10))


@suggest_options
def enumerate_regions(
    network: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    engine: Any = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: Any = None,
    n_jobs: int = 1,
    progress: Any = "auto",
) -> RegionComplex:
    """Find all activation regions of a network on a domain, with their geometry.

    Parameters
    ----------
    network, domain, engine, max_regions, max_seconds, rng, n_jobs, progress
        As in `count_regions`.

    Returns
    -------
    RegionComplex
        With ``complete=False`` and ``stopped_by`` if a budget ran out or Ctrl-C came.

    Raises
    ------
    IncompleteResultError
        If the time was up while the network was read, before any region could be found.
    PLNetError
        If the network, the domain or an option cannot be used; the message says why.

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> cross = PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), input_dim=2)
    >>> plnet.enumerate_regions(cross, plnet.Box(-1, 1)).volumes.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    with time_limit(max_seconds, _ANY_REGION) as deadline:
        problem, chosen, reason = _prepare_soon(deadline, network, domain, engine, storing=True)
        return _enumerate(problem, chosen, reason, Budget(max_regions, deadline.left(), n_jobs, progress))


_ANY_REGION = "any region"

_SOON = 0.5
"""Seconds that reading a network may take even where the budget is shorter: without it nothing is known."""


def _prepare_soon(
    deadline: Deadline, network: Any, domain: Domain | None, engine: Any, storing: bool
) -> tuple[Problem, Any, str]:
    """Read a network within a budget, or within `_SOON`."""
    limit = None if deadline.max_seconds is None else max(deadline.max_seconds, _SOON)
    with Deadline(limit, deadline.started).running():
        return _prepare(network, domain, engine, storing)


def enumerate_on_chart(network: PLNetwork, chart: Chart) -> RegionComplex:
    """Find all activation regions of a network on a chart, with default options.

    Raises
    ------
    TimeIsUpError, KeyboardInterrupt
        If the deadline that runs has passed, or after Ctrl-C: half of the regions would look like all.
    """
    problem = Problem(network, chart)
    chosen, reason = choose_engine(problem)
    return _whole(_enumerate(problem, chosen, reason, Budget(progress=None)))


def count_on_chart(network: PLNetwork, chart: Chart) -> RegionCount:
    """Count all activation regions of a network on a chart, with default options.

    Raises
    ------
    TimeIsUpError, KeyboardInterrupt
        As `enumerate_on_chart`.
    """
    problem = Problem(network, chart)
    chosen, reason = choose_engine(problem, storing=False)
    return _whole(_counted(problem, chosen, reason, Budget(progress=None)))


def _whole(found: Found) -> Found:
    if not found.complete:
        raise KeyboardInterrupt if found.stopped_by == "Ctrl-C" else TimeIsUpError
    return found


def explain(network: Module | PLNetwork, domain: Domain | None = None) -> Explanation:
    """Say which engine would count, why, and what it would cost, before running it.

    Parameters
    ----------
    network : torch.nn.Module or PLNetwork
    domain : Domain, optional
        All of R^n if not given.

    Returns
    -------
    Explanation

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> cross = PLNetwork((Affine([[1, 0], [0, 1]], [0, 0]), ScalarPWL.relu(2)), input_dim=2)
    >>> plnet.explain(cross, plnet.Box(-1, 1)).engine
    'cells'
    """
    problem, chosen, reason = _prepare(network, domain, "auto", storing=False)
    regions, seconds = expected_cost(problem, chosen.name)
    return Explanation(
        chosen.name, reason, problem.dim, problem.network.n_units, upper_bound(problem), regions, seconds
    )


def _prepare(network: Any, domain: Domain | None, engine: Any, storing: bool) -> tuple[Problem, Any, str]:
    net = network if isinstance(network, PLNetwork) else _ingest(network)
    if domain is None:
        domain = Space(net.input_dim)
    if not isinstance(domain, Domain):
        raise DomainError(
            f"Expected a domain (Space, Box, Polytope, Slice or Segment), got {type(domain).__name__}. "
            "For the box [-1, 1]^n write plnet.Box(-1, 1)."
        )
    problem = Problem(net, domain.chart(net.input_dim))
    if engine == "auto":
        chosen, reason = choose_engine(problem, storing)
    else:
        chosen, reason = get_engine(engine), "chosen by the caller"
    chosen.check(problem)
    return problem, chosen, reason


def _ingest(module: Any) -> PLNetwork:
    # Only a torch module needs torch.
    from plnet.ir.reading.ingest import as_network

    return as_network(module)


def _run(
    problem: Problem,
    engine: Any,
    store: LeafStore | None,
    budget: Budget,
) -> tuple[Tally, Control]:
    if hasattr(engine, "n_jobs") and budget.n_jobs != 1:
        engine = replace(engine, n_jobs=budget.n_jobs)
    with budget.started() as control:
        try:
            with memory_in_words(engine.name, store is not None):
                tally = engine.run(problem, control, store)
        except STOPS as stop:
            # Engines keep what they have found; here one was still getting ready.
            control.stopped(stop)
            tally = Tally(0, complete=False)
    if tally.complete:
        control.stopped_by = None
    return tally, control


def _counted(problem: Problem, engine: Any, reason: str, budget: Budget) -> RegionCount:
    tally, control = _run(problem, engine, None, budget)
    proved = tally.complete and tally.n_undecided == 0
    return RegionCount(
        count=tally.count,
        exact=proved,
        complete=tally.complete,
        lower=tally.count,
        upper=tally.count if proved else upper_bound(problem),
        definition="activation",
        engine=engine.name,
        reason=reason,
        seconds=control.seconds,
        n_undecided=tally.n_undecided,
        n_fallbacks=tally.n_fallbacks,
        stopped_by=control.stopped_by,
    )


def _enumerate(problem: Problem, engine: Any, reason: str, budget: Budget) -> RegionComplex:
    store = LeafStore(problem.network, problem.dim)
    tally, control = _run(problem, engine, store, budget)
    complete = tally.complete
    with memory_in_words(engine.name, storing=True):
        leaves = store.arrays()
        if problem.dim <= 2:
            # In a plane every region has its ring of vertices, whatever the engine.
            leaves = _with_rings(problem, leaves, control)
            complete = complete and control.stopped_by is None
    return RegionComplex(
        network=problem.network,
        chart=problem.chart,
        leaves=leaves,
        exact=complete and tally.n_undecided == 0,
        complete=complete,
        engine=engine.name,
        reason=reason,
        seconds=control.seconds,
        n_undecided=tally.n_undecided,
        n_fallbacks=tally.n_fallbacks,
        stopped_by=control.stopped_by,
    )


def _with_rings(problem: Problem, leaves: LeafArrays, control: Control) -> LeafArrays:
    """Give regions their vertices, as many as a tenth of the budget allows where it is spent."""
    limit = control.deadline.max_seconds
    left = None if limit is None else max(limit - control.seconds, limit / 10)
    with Deadline(left, now()).running():
        return with_vertices(problem, leaves, control)
