"""`arrangement`: one hidden layer on all of R^n, counted by its characteristic polynomial.

The regions of one layer are those of a hyperplane arrangement. They are counted in exact
integers by deletion and restriction, in any dimension, without visiting one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plnet.bounds.arrangement import Arrangement
from plnet.bounds.deletion_restriction import Stopped
from plnet.budgets import STOPS
from plnet.errors import DomainError, EngineError
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.regions.control import Control
from plnet.regions.engines.base import Tally
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["ArrangementCount", "layer_arrangement"]


@dataclass(frozen=True)
class ArrangementCount:
    """The characteristic polynomial of one hidden layer; it counts and cannot enumerate."""

    name: str = "arrangement"

    def check(self, problem: Problem) -> None:
        """Raise unless the network has one layer of hyperplanes and the domain is all of R^n."""
        other = _other_engine(problem.dim)
        if problem.chart.facets.shape[0]:
            raise DomainError(
                'The engine "arrangement" counts on all of R^n, the domain is bounded by '
                f"{problem.chart.facets.shape[0]} half-spaces. Leave the domain out, or use {other}."
            )
        layers = _layers_with_walls(problem)
        if len(layers) > 1:
            raise EngineError(
                'The engine "arrangement" works for one hidden layer, the network has '
                f"{len(layers)} layers whose units change their piece. Use {other}."
            )
        for index in layers:
            layer = problem.blocks[index].nonlinear
            if not isinstance(layer, ScalarPWL | GroupMax):
                raise EngineError(
                    'The engine "arrangement" works for scalar units and for maxima of two, '
                    f"got {type(layer).__name__} in layer {layer.name or '(unnamed)'}. Use {other}."
                )
            if isinstance(layer, GroupMax) and layer.n_pieces.max(initial=0) > 2:
                raise EngineError(
                    'The engine "arrangement" needs walls that are hyperplanes, so maxima of two; layer '
                    f"{layer.name or '(unnamed)'} has a maximum of {layer.n_pieces.max()}. Use {other}."
                )

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Count the regions; after a budget or Ctrl-C the count is what was proved."""
        if store is not None:
            raise EngineError(
                'The engine "arrangement" counts regions and does not visit them. '
                f"To enumerate them use {_other_engine(problem.dim)}."
            )
        proved = 1

        def watch(regions: int) -> bool:
            nonlocal proved
            proved = regions
            return control.spent(regions)

        try:
            count = layer_arrangement(problem).regions_watched(watch)
        except (Stopped, *STOPS) as stop:
            if not isinstance(stop, Stopped):
                control.stopped(stop)
            return Tally(proved, complete=False)
        return Tally(count, complete=True)


def layer_arrangement(problem: Problem) -> Arrangement:
    """Return the walls of the one layer whose units change their piece, as hyperplanes in the chart.

    Units that are constant have no wall. Pieces that do not differ are separated all the same.

    Examples
    --------
    >>> import plnet
    >>> from plnet.ir import Affine, PLNetwork, ScalarPWL
    >>> from plnet.regions.problem import Problem
    >>> net = PLNetwork((Affine([[1, 1]], [0]), ScalarPWL.hardtanh(1, -1, 1)), input_dim=2)
    >>> layer_arrangement(Problem(net, plnet.Space(2).chart(2))).offsets.tolist()
    [-1, 1]
    """
    rows: list[list[Fraction]] = []
    for index in _layers_with_walls(problem):
        # The layers in front have one piece a unit.
        prefix = tuple(np.zeros(block.nonlinear.n_out, dtype=np.int64) for block in problem.blocks[:index])
        layer, forms = problem.blocks[index].nonlinear, problem.forms(prefix)
        rows += _group_walls(layer, forms) if isinstance(layer, GroupMax) else _scalar_walls(layer, forms)
    rows = [row for row in rows if any(row[:-1])]
    if not rows:
        return Arrangement(np.empty((0, problem.dim)))
    return Arrangement([row[:-1] for row in rows], [-row[-1] for row in rows])


def _layers_with_walls(problem: Problem) -> list[int]:
    return [i for i, block in enumerate(problem.blocks) if block.nonlinear.n_pieces.max(initial=1) > 1]


def _scalar_walls(layer: ScalarPWL, forms: RationalMatrix) -> list[list[Fraction]]:
    rows = forms.to_fractions()
    walls = []
    for unit, pieces in enumerate(layer.n_pieces.tolist()):
        for point in layer.breakpoints[unit, : pieces - 1].tolist():
            walls.append([*rows[unit, :-1], rows[unit, -1] - Fraction(point)])
    return walls


def _group_walls(layer: GroupMax, forms: RationalMatrix) -> list[list[Fraction]]:
    rows = forms.to_fractions()
    pairs = [sorted(set(group)) for group in layer.groups.tolist()]
    return [list(rows[pair[1]] - rows[pair[0]]) for pair in pairs if len(pair) == 2]


def _other_engine(dim: int) -> str:
    if dim == 1:
        return 'engine="line"'
    return 'engine="cells"' if dim == 2 else 'engine="search"'
