"""The verbs: `count_regions`, `enumerate_regions`, `explain`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plnet.errors import DomainError
from plnet.geometry.domain import Chart, Domain, Space
from plnet.ir.network import PLNetwork
from plnet.regions.choice import choose_engine, get_engine, upper_bound
from plnet.regions.complex import RegionComplex
from plnet.regions.control import check_jobs, make_control
from plnet.regions.definitions import canonical_definition, check_definition, count_regions_of
from plnet.regions.engines.base import Tally
from plnet.regions.estimate_cost import expected_cost
from plnet.regions.facets import with_vertices
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem
from plnet.regions.results import Explanation, RegionCount
from plnet.suggestions import suggest_options

if TYPE_CHECKING:
    from torch.nn import Module

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
        Stop soon after this time: it is looked at between blocks of regions. Counting by another
        definition than "activation" what was found until then may take a tenth of it more.
    rng : int, SeedSequence or Generator, optional
        Used by engines that draw random numbers; the exact ones do not.
    n_jobs : int
        Threads; -1 takes one for each core.
    progress : "auto", bool, None or callable
        "auto" shows a bar on a terminal; a callable gets the number of regions found.

    Returns
    -------
    RegionCount
        With ``complete=False`` and a proved ``lower`` if a budget ran out or Ctrl-C came.

    Raises
    ------
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
    problem, chosen, reason = _prepare(network, domain, engine, storing=word != "activation")
    check_definition(problem, word)
    if word != "activation":
        found = _enumerate(problem, chosen, reason, max_regions, max_seconds, n_jobs, progress)
        # What was found is looked at even where finding it took all the time.
        left = max_seconds and max(max_seconds - found.seconds, max_seconds / 10)
        return count_regions_of(found, word, left)
    return _counted(problem, chosen, reason, max_regions, max_seconds, n_jobs, progress)


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
        With ``complete=False`` if a budget ran out or Ctrl-C came.

    Raises
    ------
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
    problem, chosen, reason = _prepare(network, domain, engine, storing=True)
    return _enumerate(problem, chosen, reason, max_regions, max_seconds, n_jobs, progress)


def enumerate_on_chart(network: PLNetwork, chart: Chart) -> RegionComplex:
    """Find all activation regions of a network on a chart, with default options."""
    problem = Problem(network, chart)
    chosen, reason = choose_engine(problem)
    return _enumerate(problem, chosen, reason, None, None, 1, None)


def count_on_chart(network: PLNetwork, chart: Chart) -> RegionCount:
    """Count all activation regions of a network on a chart, with default options."""
    problem = Problem(network, chart)
    chosen, reason = choose_engine(problem, storing=False)
    return _counted(problem, chosen, reason, None, None, 1, None)


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
    from plnet.ir.ingest import as_network

    return as_network(module)


def _run(
    problem: Problem,
    engine: Any,
    store: LeafStore | None,
    max_regions: Any,
    max_seconds: Any,
    n_jobs: int,
    progress: Any,
) -> tuple[Tally, float]:
    if hasattr(engine, "n_jobs") and check_jobs(n_jobs) != 1:
        engine = replace(engine, n_jobs=n_jobs)
    control, close = make_control(max_regions, max_seconds, progress)
    try:
        tally = engine.run(problem, control, store)
    finally:
        close()
    return tally, control.seconds


def _counted(
    problem: Problem, engine: Any, reason: str, max_regions: Any, max_seconds: Any, n_jobs: int, progress: Any
) -> RegionCount:
    tally, seconds = _run(problem, engine, None, max_regions, max_seconds, n_jobs, progress)
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
        seconds=seconds,
        n_undecided=tally.n_undecided,
        n_fallbacks=tally.n_fallbacks,
    )


def _enumerate(
    problem: Problem, engine: Any, reason: str, max_regions: Any, max_seconds: Any, n_jobs: int, progress: Any
) -> RegionComplex:
    store = LeafStore(problem.network.n_units, problem.dim)
    tally, seconds = _run(problem, engine, store, max_regions, max_seconds, n_jobs, progress)
    return RegionComplex(
        network=problem.network,
        chart=problem.chart,
        # In a plane every region has its ring of vertices, whatever the engine.
        leaves=with_vertices(problem, store.arrays()) if problem.dim <= 2 else store.arrays(),
        exact=tally.complete and tally.n_undecided == 0,
        complete=tally.complete,
        engine=engine.name,
        reason=reason,
        seconds=seconds,
        n_undecided=tally.n_undecided,
        n_fallbacks=tally.n_fallbacks,
    )
