"""Which engine suits a problem, and how many regions it can have at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plnet.bounds import scalar_layers_upper
from plnet.checks import did_you_mean
from plnet.errors import EngineError, PLNetError
from plnet.ir.layers import GroupMax
from plnet.regions.engines.base import Engine
from plnet.regions.engines.closed.two_layer import n_pairs
from plnet.regions.engines.rational import Rational
from plnet.regions.engines.splitting.integer_bound import exact_form_bits
from plnet.regions.problem import Problem, essential_dimension

__all__ = ["choose_engine", "engine_names", "get_engine", "upper_bound"]

_MOST_PAIRS = 20_000_000
"""Systems of equations that the closed count may solve before a search is as good."""


def _registry() -> dict[str, Callable[[], Engine]]:
    from plnet.regions.engines.cells import Cells
    from plnet.regions.engines.closed.arrangement import ArrangementCount
    from plnet.regions.engines.closed.two_layer import TwoLayer
    from plnet.regions.engines.line import Line
    from plnet.regions.engines.search import Search

    return {
        "line": Line,
        "cells": Cells,
        "search": Search,
        "two_layer": TwoLayer,
        "arrangement": ArrangementCount,
        "rational": Rational,
    }


def engine_names() -> tuple[str, ...]:
    """Return the names of all engines."""
    return tuple(_registry())


def get_engine(engine: Any) -> Engine:
    """Return an engine by its name; an engine record is returned as it is.

    Raises
    ------
    EngineError
        If the name is unknown.
    """
    if hasattr(engine, "run") and hasattr(engine, "check"):
        return engine
    found = _registry().get(engine) if isinstance(engine, str) else None
    if found is None:
        known = engine_names()
        raise EngineError(
            f"Expected an engine among auto, {', '.join(known)}; got {engine!r}.{did_you_mean(engine, known)}"
        )
    return found()


def choose_engine(problem: Problem, storing: bool = True) -> tuple[Engine, str]:
    """Return the engine for a problem and the reason as a sentence.

    Parameters
    ----------
    problem : Problem
    storing : bool
        Whether the regions are wanted, not only their number.
    """
    d = problem.dim
    if d == 1:
        return get_engine("line"), "the domain is one-dimensional, so the regions are intervals"
    if d == 2:
        return get_engine("cells"), "the domain is two-dimensional, so cells are split by their vertices"
    closed = None if storing else _closed_count(problem)
    if closed is not None:
        return closed
    needed = essential_dimension(problem)
    what = f"{needed} dimensions matter" if needed < d else f"the domain has dimension {d}"
    most, why = _most_by_vertices(problem, needed)
    if needed <= most:
        return get_engine("cells"), f"{what}, few enough to split cells by their vertices"
    return get_engine("search"), f"{what}{why}"


def _closed_count(problem: Problem) -> tuple[Engine, str] | None:
    """Return an engine that counts without visiting the regions, if there is one."""
    for name, reason in (
        ("arrangement", "one hidden layer on all of R^n, counted by its characteristic polynomial"),
        ("two_layer", "two hidden layers of independent units on all of R^n, counted in closed form"),
    ):
        engine = get_engine(name)
        try:
            engine.check(problem)
        except PLNetError:
            continue
        if name == "arrangement" or n_pairs(*_layer_sizes(problem)) <= _MOST_PAIRS:
            return engine, reason
    return None


def _layer_sizes(problem: Problem) -> tuple[int, int]:
    first, second = (block.nonlinear for block in problem.blocks)
    return first.n_out, int((second.n_pieces - 1).sum())


def _most_by_vertices(problem: Problem, needed: int) -> tuple[int, str]:
    """Return the dimension up to which `cells` is faster than `search` (benchmarks), and why not beyond."""
    many = ", too many for the vertices of all cells"
    if needed <= 8 and problem.blocks and exact_form_bits(problem, problem.forms(())) is not None:
        return 8, many
    if len(problem.chart.facets.integers):
        return 6, many
    walls = int((problem.blocks[0].nonlinear.n_pieces - 1).sum()) if problem.blocks else 0
    if walls < 2 * needed:
        return 2, " and the first layer has few walls, so that most cells are unbounded"
    return 5, many


def upper_bound(problem: Problem) -> int:
    """Return a number of regions that no network of this shape exceeds on the domain."""
    walls = []
    for block in problem.blocks:
        pieces = block.nonlinear.n_pieces.tolist()
        if isinstance(block.nonlinear, GroupMax):
            walls.append(sum(k * (k - 1) // 2 for k in pieces))
        else:
            walls.append(sum(k - 1 for k in pieces))
    return scalar_layers_upper(problem.dim, walls)
