"""Running an engine on a problem that is made ready: the number of regions, or all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from plnet.budgets import STOPS, Deadline, TimeIsUpError, now
from plnet.geometry.domain import Chart
from plnet.ir.network import PLNetwork
from plnet.regions.cells.facets import with_vertices
from plnet.regions.control import Budget, Control, memory_in_words
from plnet.regions.data import RegionData, Regions
from plnet.regions.engines.base import Engine, Tally
from plnet.regions.engines.choice import choose_engine, upper_bound
from plnet.regions.leaves import LeafArrays, LeafStore
from plnet.regions.problem import Problem
from plnet.regions.results import RegionCount

__all__ = ["count_on_chart", "count_problem", "enumerate_on_chart", "enumerate_problem"]

Found = TypeVar("Found", RegionCount, RegionData)


def enumerate_on_chart(network: PLNetwork, chart: Chart, kind: type[Regions]) -> Regions:
    """Find all activation regions of a network on a chart, with default options, as a complex of a kind.

    Raises
    ------
    TimeIsUpError, KeyboardInterrupt
        If the deadline that runs has passed, or after Ctrl-C: half of the regions would look like all.
    """
    problem = Problem(network, chart)
    chosen, reason = choose_engine(problem)
    return _whole(enumerate_problem(problem, chosen, reason, Budget(progress=None), kind))


def count_on_chart(network: PLNetwork, chart: Chart) -> RegionCount:
    """Count all activation regions of a network on a chart, with default options.

    Raises
    ------
    TimeIsUpError, KeyboardInterrupt
        As `enumerate_on_chart`.
    """
    problem = Problem(network, chart)
    chosen, reason = choose_engine(problem, storing=False)
    return _whole(count_problem(problem, chosen, reason, Budget(progress=None)))


def _whole(found: Found) -> Found:
    if not found.complete:
        raise KeyboardInterrupt if found.stopped_by == "Ctrl-C" else TimeIsUpError
    return found


def _run(problem: Problem, engine: Engine, store: LeafStore | None, budget: Budget) -> tuple[Tally, Control]:
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


def count_problem(problem: Problem, engine: Engine, reason: str, budget: Budget) -> RegionCount:
    """Count the regions with an engine, within a budget."""
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


def enumerate_problem(
    problem: Problem, engine: Engine, reason: str, budget: Budget, kind: type[Regions]
) -> Regions:
    """Find the regions with an engine, within a budget, and return them as a complex of a kind."""
    store = LeafStore(problem.network, problem.dim)
    tally, control = _run(problem, engine, store, budget)
    complete = tally.complete
    with memory_in_words(engine.name, storing=True):
        leaves = store.arrays()
        if problem.dim <= 2:
            # In a plane every region has its ring of vertices, whatever the engine.
            leaves = _with_rings(problem, leaves, control)
            complete = complete and control.stopped_by is None
    return kind(
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
