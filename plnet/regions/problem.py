"""A counting problem made ready: a network, a chart of the domain, exact forms on demand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from plnet.errors import DimensionError
from plnet.geometry.cells import AnyCell, domain_cell
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix
from plnet.ir.forms import affine_forms, select_pieces
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork

__all__ = ["Block", "Node", "Problem", "check_vertices", "essential_dimension", "pattern_of"]

_CACHE_SIZE, _CACHE_INTEGERS = 4096, 1 << 21
"""Exact forms are kept for so many prefixes; for fewer if they have more integers in all."""

MOST_DIMENSIONS_BY_VERTICES = 12


@dataclass(frozen=True, eq=False)
class Block:
    """Some affine layers followed by one nonlinear layer."""

    affine: tuple[Affine, ...]
    nonlinear: ScalarPWL | GroupMax


@dataclass(frozen=True, eq=False)
class Node:
    """A cell on which the first ``len(prefix)`` nonlinear layers are in known pieces."""

    cell: AnyCell
    prefix: tuple[np.ndarray, ...] = ()

    @property
    def depth(self) -> int:
        """Index of the next nonlinear layer."""
        return len(self.prefix)


@dataclass(frozen=True, eq=False)
class Problem:
    """A network on a domain.

    Parameters
    ----------
    network : PLNetwork
    chart : Chart
    """

    network: PLNetwork
    chart: Chart
    _cache: OrderedDict = field(default_factory=OrderedDict, repr=False)

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.chart.dim

    @cached_property
    def root(self) -> AnyCell:
        """Exact cell of the domain.

        Raises
        ------
        DimensionError
            If it may have too many vertices to list.
        """
        if len(self.chart.facets.integers) and self.dim > MOST_DIMENSIONS_BY_VERTICES:
            raise DimensionError(
                f"This needs the vertices of a domain of dimension {self.dim}, which may be too many to "
                f"list; expected a dimension of at most {MOST_DIMENSIONS_BY_VERTICES}. Patterns, points, "
                "gradients, offsets and locate work in any dimension; for the rest take a Slice."
            )
        return domain_cell(self.chart.facets, self.chart.facet_names)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The network as pairs of affine layers and a nonlinear one; a last affine part has none."""
        found: list[Block] = []
        affine: list[Affine] = []
        for layer in self.network.layers:
            if isinstance(layer, Affine):
                affine.append(layer)
            else:
                found.append(Block(tuple(affine), layer))
                affine = []
        return tuple(found)

    def forms(self, prefix: tuple[np.ndarray, ...]) -> RationalMatrix:
        """Return the exact forms that enter nonlinear layer ``len(prefix)``, shape (n, d + 1)."""
        key = b"|".join(pieces.tobytes() for pieces in prefix)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        if prefix:
            entering = self.forms(prefix[:-1])
            forms = select_pieces(self.blocks[len(prefix) - 1].nonlinear, entering, prefix[-1])
        else:
            forms = self.chart.embedding
        for layer in self.blocks[len(prefix)].affine:
            forms = affine_forms(layer, forms)
        forms = forms.reduced()
        self._cache[key] = forms
        limit = max(16, min(_CACHE_SIZE, _CACHE_INTEGERS // max(1, forms.integers.size)))
        while len(self._cache) > limit:
            self._cache.popitem(last=False)
        return forms


def essential_dimension(problem: Problem) -> int:
    """Return a dimension that is enough: on all of R^n a network sees the rows of its first layer only."""
    if len(problem.chart.facets.integers) or not problem.blocks:
        return problem.dim
    forms = problem.forms(())
    return min(problem.dim, forms.shape[0])


def check_vertices(problem: Problem, engine: str) -> None:
    """Raise if an engine that keeps the vertices of cells would need too many of them.

    Raises
    ------
    DimensionError
        Names the engine to use.
    """
    needed = essential_dimension(problem)
    if needed > MOST_DIMENSIONS_BY_VERTICES:
        raise DimensionError(
            f'The engine "{engine}" keeps the vertices of every cell, which are too many in dimension '
            f'{needed}; it works up to dimension {MOST_DIMENSIONS_BY_VERTICES}. Use engine="search".'
        )


def pattern_of(network: PLNetwork, prefix: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the pattern (U,) of complete pieces, units with one piece left out."""
    parts = [pieces[index] for pieces, index in zip(prefix, network.unit_indices, strict=True)]
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(network.pattern_dtype)
