"""`cells`: depth-first splitting of convex cells by their vertices, d >= 2.

The kernel decides in float64 with certified signs. A cell in which a sign cannot be
certified is split by one layer in exact integers; its parts go back to the kernel. Memory
is the depth of the search. A region costs O(n d) in the width n of the layers for d = 2, and
O(n v d + v^2) for cells with v vertices above.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from plnet.budgets import STOPS
from plnet.errors import DimensionError
from plnet.geometry.cells import Cell, signs, split
from plnet.geometry.homogeneous import value
from plnet.geometry.polyhedron import Polyhedron
from plnet.ir.layers import ScalarPWL
from plnet.regions.cells.facets import facet_form
from plnet.regions.control import Control, threads_of
from plnet.regions.engines.base import Tally
from plnet.regions.engines.closed.one_layer import count_one_layer
from plnet.regions.engines.rational import Rational, children
from plnet.regions.engines.sharing import SharedWork, Stopped, run_all
from plnet.regions.engines.splitting.kernel_run import KernelRun
from plnet.regions.engines.splitting.plan import SplittingPlan, prepare
from plnet.regions.engines.splitting.reduction import PaddedStore, without_lines
from plnet.regions.engines.splitting.spatial_run import SpatialRun
from plnet.regions.engines.splitting.strip import on_strip
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Node, Problem, check_vertices, pattern_of

__all__ = ["Cells"]


@dataclass(kw_only=True)
class _Shared(SharedWork):
    """What the threads of one run have in common."""

    prepared: SplittingPlan
    store: LeafStore | None
    visit_all: bool

    def next_chunk(self, size: int) -> int:
        """Return how many regions to look for before the next pause."""
        limit = self.control.max_regions
        return size if limit is None else max(1, min(size, limit - self.count))

    def most(self) -> int:
        """Return how many regions may be counted at once, without a visit to each."""
        limit = self.control.max_regions
        return 0 if self.visit_all else 1 << 62 if limit is None else limit - self.count


@dataclass(frozen=True)
class Cells:
    """Convex cells split by certified signs.

    Parameters
    ----------
    chunk : int
        Regions between two looks at the budget.
    n_jobs : int
        Threads; -1 takes one for each core.
    visit_all : bool
        Visit every region also where only their number is wanted: the slower of two ways to one number.
    """

    name: str = "cells"
    chunk: int = 50_000
    n_jobs: int = 1
    visit_all: bool = False

    def check(self, problem: Problem) -> None:
        """Raise if the domain is one-dimensional, or has too many dimensions."""
        if problem.dim == 1:
            raise DimensionError(
                'The engine "cells" works from dimension 2, the domain has dimension 1. Use engine="line".'
            )
        check_vertices(problem, self.name)

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Find all regions; put them into `store` if there is one."""
        smaller = without_lines(problem)
        if smaller is not None:
            return self._run_reduced(problem, *smaller, control, store)
        counted = count_one_layer(problem, control) if store is None and not self.visit_all else None
        if counted is not None:
            return counted
        prepared = prepare(problem, keeping=store is not None) if problem.blocks else None
        if prepared is None:
            return Rational().run(problem, control, store)
        shared = _Shared(control=control, prepared=prepared, store=store, visit_all=self.visit_all)
        # The work is shared by cells of the first layer; with one layer there is nothing behind them.
        shares = threads_of(self.n_jobs) if len(problem.blocks) > 1 else 1
        workers = [_Worker(shared, self.chunk, shares, i) for i in range(shares)]
        try:
            complete = run_all(workers, shared.stop)
        except STOPS as stop:
            control.stopped(stop)
            complete = False
        return Tally(shared.count, complete, n_fallbacks=shared.fallbacks)

    def _run_reduced(
        self,
        problem: Problem,
        smaller: Problem,
        columns: list[int],
        control: Control,
        store: LeafStore | None,
    ) -> Tally:
        padded = None if store is None else PaddedStore(store, problem, columns)
        if smaller.dim > 1:
            return self.run(smaller, control, padded)
        strip, projected = on_strip(smaller, padded)
        # Not `self.run`: a line would lay a strip along the strip.
        return Cells.run(replace(self, visit_all=False), strip, control, projected)


class _Worker:
    """One thread: every n-th cell of the first layer, and all that is in it."""

    def __init__(self, shared: _Shared, chunk: int, n_shares: int, share: int) -> None:
        self._shared = shared
        self._chunk = chunk
        self._shares = (n_shares, share)
        self._runs: list[KernelRun] = []
        # Each thread has its own memory of exact forms.
        old = shared.prepared.problem
        self._problem = Problem(old.network, old.chart) if share else old
        self._prepared = replace(shared.prepared, problem=self._problem)

    def run(self) -> bool:
        """Return whether the work was finished."""
        try:
            for i, node in enumerate(_roots(self._problem)):
                if node.depth == 0:
                    self._explore(node, 0, self._shares)
                elif i % self._shares[0] == self._shares[1]:
                    self._visit(node, 0)
        except Stopped:
            return False
        return True

    def _visit(self, node: Node, level: int) -> None:
        if node.depth == len(self._problem.blocks):
            if self._shared.store is not None:
                with self._shared.lock:
                    self._shared.store.add_cell(pattern_of(self._problem.network, node.prefix), node.cell)
            self._shared.add(1)
            self._shared.pause()
        elif node.cell.facets:
            self._explore(node, level, (1, 0))
        else:
            for child in children(self._problem, node):
                self._visit(child, level)

    def _explore(self, node: Node, level: int, shares: tuple[int, int]) -> None:
        """Let the kernel work on a node; split in rationals what it hands back."""
        if level == len(self._runs):
            kind = KernelRun if self._problem.dim == 2 else SpatialRun
            self._runs.append(kind(self._prepared, self._shared.store is not None))
        run = self._runs[level]
        if not run.start(node, shares):
            # The kernel is certain to meet a zero here, so the exact split is taken at once.
            if shares[0] == 1 or shares[1] == 0:
                self._shared.add(0, 1)
            for i, child in enumerate(children(self._problem, node)):
                if i % shares[0] == shares[1]:
                    self._visit(child, level + 1)
            return
        finished = False
        try:
            while not finished:
                finished = run.advance(self._shared.next_chunk(self._chunk), self._shared.most())
                self._collect(run)
                for aborted in run.aborted():
                    self._shared.add(0, 1)
                    for child in children(self._problem, aborted):
                        self._visit(child, level + 1)
                if not finished:
                    self._shared.pause()
        except STOPS:
            self._collect(run)
            raise

    def _collect(self, run: KernelRun) -> None:
        if self._shared.store is not None:
            with self._shared.lock:
                run.empty_into(self._shared.store)
        self._shared.add(run.take_count())


def _roots(problem: Problem) -> list[Node]:
    """Return the root, cut by walls of the first layer as long as it contains a line."""
    cell = problem.root
    if isinstance(cell, Polyhedron):
        return [Node(part) for part in _pointed(problem, cell)]
    if cell.facets:
        return [Node(cell)]
    parts = _halves(problem, cell)
    if parts is not None:
        return [Node(part) for part in parts]
    return list(children(problem, Node(cell)))


def _pointed(problem: Problem, cell: Polyhedron) -> list[Polyhedron]:
    """Cut a cell by scalar units of the first layer until no line is left, or no unit removes one."""
    parts = [cell]
    layer = problem.blocks[0].nonlinear
    units = np.flatnonzero(layer.n_pieces > 1).tolist() if isinstance(layer, ScalarPWL) else []
    for unit in units:
        facet = (0, unit, 0, 1)
        form = facet_form(problem, (), facet)
        if any(value(form, line) for line in parts[0].lines):
            parts = [half for part in parts for half in split(part, form, facet, [])]
    return parts


def _halves(problem: Problem, cell: Cell) -> tuple[Cell, Cell] | None:
    layer = problem.blocks[0].nonlinear
    if not isinstance(layer, ScalarPWL):
        return None
    for unit in np.flatnonzero(layer.n_pieces > 1).tolist():
        facet = (0, unit, 0, 1)
        form = facet_form(problem, (), facet)
        at = signs(form, cell)
        if 1 in at and -1 in at:
            return split(cell, form, facet, at)
    return None
