"""`search`: depth-first with a witness point in every cell, any dimension, bounded or not.

A cell is known by its cuts alone, so the dimension costs little: a question whether a wall crosses
a cell is one small linear program, most of them a few pivots, started from a vertex at hand. Every
answer is proved, by a point or by multipliers with certified signs; what floating point leaves open
is decided in rationals on the spot. Memory is the depth of the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from plnet.budgets import STOPS, Pace
from plnet.errors import DomainError, EngineError
from plnet.regions.control import Control, threads_of
from plnet.regions.engines.base import Tally
from plnet.regions.engines.searching.coordinates import Base, make_base
from plnet.regions.engines.searching.plan import SearchPlan, cone_is_exact, make_plan
from plnet.regions.engines.searching.points import Emitter
from plnet.regions.engines.searching.run import Found, SearchRun
from plnet.regions.engines.sharing import SharedWork, Stopped, run_all
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["Search"]


@dataclass(kw_only=True)
class _Shared(SharedWork):
    """What the threads of one run have in common."""

    emitter: Emitter | None

    def room(self) -> int:
        """Return after how many regions to look at the budget again."""
        limit = self.control.max_regions
        return 1 << 60 if limit is None else max(1, limit - self.count)

    def collect(self, run: SearchRun) -> None:
        found = run.take_found() if self.emitter is not None else None
        with self.lock:
            self.count += run.take_count()
            self.fallbacks += run.fallbacks
            run.fallbacks = 0
            if found is not None and self.emitter is not None:
                self.emitter.add(found)


@dataclass(frozen=True)
class Search:
    """A tree of cells with witness points.

    Parameters
    ----------
    work : int
        Questions between two looks at the budget, at most.
    n_jobs : int
        Threads; -1 takes one for each core.
    integers : bool
        Whether to compute in integers where they suffice.
    """

    name: str = "search"
    work: int = 20_000
    n_jobs: int = 1
    integers: bool = True

    def check(self, problem: Problem) -> None:
        """Accept every continuous network on every domain.

        Raises
        ------
        EngineError
            If the network has local winners.
        """
        if not problem.network.is_continuous:
            raise EngineError(
                'The engine "search" works on continuous networks; this one has a layer of local winners, '
                'which jumps. Use engine="cells", on a domain of few dimensions.'
            )

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Find all regions; put them into `store` if there is one."""
        base = make_base(problem)
        if not problem.blocks:
            return _whole_domain(problem, base, store)
        networks = self._networks(problem, base)
        emitter = None if store is None else Emitter(problem, base, store)
        shared = _Shared(control=control, emitter=emitter)
        jobs = threads_of(self.n_jobs)
        workers = [_Worker(self, problem, base, networks, shared, jobs, i) for i in range(jobs)]
        try:
            complete = run_all(workers, shared.stop)
        except STOPS as stop:
            control.stopped(stop)
            complete = False
        if complete and not shared.count:
            raise _empty()
        return Tally(shared.count, complete, n_fallbacks=shared.fallbacks)

    def _networks(self, problem: Problem, base: Base) -> tuple[SearchPlan, ...]:
        rounded = make_plan(problem)
        scale = cone_is_exact(problem, base) if self.integers else 0
        return (make_plan(problem, integers=scale), rounded) if scale else (rounded,)


def _whole_domain(problem: Problem, base: Base, store: LeafStore | None) -> Tally:
    """Count the one region of a network without units."""
    (root,) = base.roots()
    cell = root.cell()
    if cell is None:
        raise _empty()
    if store is not None:
        point = np.array([[float(x) for x in cell.interior()]])
        nothing = np.zeros((1, 0), np.int64)
        Emitter(problem, base, store).add(Found(root, nothing, point))
    return Tally(1, True)


def _empty() -> DomainError:
    return DomainError(
        "The domain is empty or flat: its half-spaces have no common interior point. "
        "Expected a domain with interior points; check the signs of A and b."
    )


class _Worker:
    """One thread: every n-th root, or every n-th cell of the first layer where roots are few."""

    def __init__(
        self,
        engine: Search,
        problem: Problem,
        base: Base,
        networks: tuple[SearchPlan, ...],
        shared: _Shared,
        jobs: int,
        place: int,
    ) -> None:
        self._engine, self._base, self._shared = engine, base, shared
        by_roots = base.n_roots >= 8 * jobs
        self._step, self._first = (jobs, place) if by_roots else (1, 0)
        shares = (1, 0) if by_roots else (jobs, place)
        self._run = SearchRun(problem, base, networks, shared.emitter is not None, shares)

    def run(self) -> bool:
        """Return whether the work was finished."""
        run, shared, pace = self._run, self._shared, Pace(self._engine.work, self._engine.work >> 10)
        try:
            for i, root in enumerate(islice(self._base.roots(), self._first, None, self._step)):
                if i:
                    shared.pause()
                finished = not run.load(root)
                while not finished:
                    work = pace.start()
                    finished = run.advance(work, shared.room())
                    pace.done()
                    shared.collect(run)
                    if not finished:
                        shared.pause()
        except Stopped:
            return False
        except STOPS:
            shared.collect(run)
            raise
        return True
