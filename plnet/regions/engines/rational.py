"""`rational`: depth-first splitting in exact integers, any dimension, bounded or not.

Slow and certain: no floating-point number takes part in any decision. It is the engine
that others hand their undecided cells to, and the one they are compared with.
A region costs O(U V d) exact products, U the units of the network, V the vertices of a cell,
and O(V^3) operations on sets for each cut with d > 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plnet.budgets import STOPS
from plnet.regions.cells.split import split_by_layer
from plnet.regions.control import Control
from plnet.regions.engines.base import Tally
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Node, Problem, check_vertices, pattern_of

__all__ = ["Rational", "children"]


def children(problem: Problem, node: Node) -> Iterator[Node]:
    """Split a node by its next nonlinear layer, exactly."""
    layer = problem.blocks[node.depth].nonlinear
    forms = problem.forms(node.prefix)
    for pieces, cell in split_by_layer(node.depth, layer, forms, node.cell):
        yield Node(cell, (*node.prefix, pieces))


@dataclass(frozen=True)
class Rational:
    """Exact integers throughout."""

    name: str = "rational"

    def check(self, problem: Problem) -> None:
        """Raise if the domain has too many dimensions."""
        check_vertices(problem, self.name)

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Find all regions; put them into `store` if there is one."""
        count = 0
        try:
            stack = [iter([Node(problem.root)])]
            while stack:
                node = next(stack[-1], None)
                if node is None:
                    stack.pop()
                elif node.depth < len(problem.blocks):
                    stack.append(children(problem, node))
                else:
                    count += 1
                    if store is not None:
                        store.add_cell(pattern_of(problem.network, node.prefix), node.cell)
                    if control.spent(count) and not _exhausted(stack):
                        return Tally(count, complete=False)
        except STOPS as stop:
            control.stopped(stop)
            return Tally(count, complete=False)
        return Tally(count, complete=True)


def _exhausted(stack: list[Iterator[Node]]) -> bool:
    """Say whether no node is left; keeps what it finds."""
    while stack:
        node = next(stack[-1], None)
        if node is not None:
            stack.append(iter([node]))
            return False
        stack.pop()
    return True
