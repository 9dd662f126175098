"""Which engine suits a problem, and how many regions it can have at most."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from plnet.bounds import scalar_layers_upper
from plnet.errors import DimensionError, EngineError
from plnet.ir.layers import GroupMax
from plnet.regions.engines.rational import Rational
from plnet.regions.problem import Problem

__all__ = ["choose_engine", "engine_names", "get_engine", "upper_bound"]


def _registry() -> dict[str, Any]:
    from plnet.regions.engines.cells import Cells
    from plnet.regions.engines.line import Line

    return {"line": Line, "cells": Cells, "rational": Rational}


def engine_names() -> tuple[str, ...]:
    """Return the names of all engines."""
    return tuple(_registry())


def get_engine(engine: Any) -> Any:
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
        close = get_close_matches(str(engine), engine_names(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise EngineError(
            f"Expected an engine among auto, {', '.join(engine_names())}; got {engine!r}.{hint}"
        )
    return found()


def choose_engine(problem: Problem) -> tuple[Any, str]:
    """Return the engine for a problem and the reason as a sentence.

    Raises
    ------
    DimensionError
        If no engine can solve the problem.
    """
    if problem.dim == 1:
        return get_engine("line"), "the domain is one-dimensional, so the regions are intervals"
    if problem.dim == 2:
        return get_engine("cells"), "the domain is two-dimensional, so cells are split by their vertices"
    raise DimensionError(
        f"The engines count in dimension 1 and 2; the domain has dimension {problem.dim}. "
        "Take a plane through three points of interest: plnet.Slice.through(points, margin=0.5)."
    )


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
