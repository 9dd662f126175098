"""The verbs: `count_regions`, `enumerate_regions`, `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plnet.budgets import Deadline, time_limit
from plnet.checks import suggest_options
from plnet.errors import DomainError
from plnet.geometry.domain import Domain, Space
from plnet.ir.network import PLNetwork
from plnet.progress import Progress
from plnet.regions.complex import RegionComplex
from plnet.regions.control import Budget
from plnet.regions.definitions.count import canonical_definition, check_definition, count_regions_of
from plnet.regions.engines.base import Engine
from plnet.regions.engines.choice import choose_engine, get_engine, upper_bound
from plnet.regions.enumeration import count_problem, enumerate_problem
from plnet.regions.estimate_cost import expected_cost
from plnet.regions.problem import Problem
from plnet.regions.results import Explanation, RegionCount

if TYPE_CHECKING:
    import numpy as np
    from torch.nn import Module

__all__ = ["count_regions", "enumerate_regions", "explain"]


@suggest_options
def count_regions(
    network: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    definition: str = "activation",
    engine: str | Engine = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: int | np.random.SeedSequence | np.random.Generator | None = None,  # noqa: ARG001
    n_jobs: int = 1,
    progress: Progress = "auto",
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
            return count_problem(problem, chosen, reason, budget)
        found = enumerate_problem(problem, chosen, reason, budget, RegionComplex)
        left = deadline.left() or 0.0
    # What was found is looked at even where finding it took all the time.
    return count_regions_of(found, word, max_seconds and max(left, max_seconds / 10))


@suggest_options
def enumerate_regions(
    network: Module | PLNetwork,
    domain: Domain | None = None,
    *,
    engine: str | Engine = "auto",
    max_regions: int | None = None,
    max_seconds: float | None = None,
    rng: int | np.random.SeedSequence | np.random.Generator | None = None,  # noqa: ARG001
    n_jobs: int = 1,
    progress: Progress = "auto",
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
        budget = Budget(max_regions, deadline.left(), n_jobs, progress)
        return enumerate_problem(problem, chosen, reason, budget, RegionComplex)


_ANY_REGION = "any region"

_SOON = 0.5
"""Seconds that reading a network may take even where the budget is shorter: without it nothing is known."""


def _prepare_soon(
    deadline: Deadline, network: Any, domain: Domain | None, engine: str | Engine, storing: bool
) -> tuple[Problem, Engine, str]:
    """Read a network within a budget, or within `_SOON`."""
    limit = None if deadline.max_seconds is None else max(deadline.max_seconds, _SOON)
    with Deadline(limit, deadline.started).running():
        return _prepare(network, domain, engine, storing)


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


def _prepare(
    network: Any, domain: Domain | None, engine: str | Engine, storing: bool
) -> tuple[Problem, Engine, str]:
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
