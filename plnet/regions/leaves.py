"""A growing store of the regions that an engine finds."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from plnet.geometry.cells import AT_INFINITY, Cell

__all__ = ["LeafArrays", "LeafStore"]


@dataclass(frozen=True, eq=False)
class LeafArrays:
    """Regions as arrays.

    Parameters
    ----------
    patterns : ndarray of int16, shape (R, U)
    vertices : ndarray, shape (E, d + 1)
        Homogeneous vertices of all regions, one behind the other; last entry 1, or 0 for a
        direction in which the region is unbounded.
    facets : ndarray of int32, shape (E, 4)
        Facet at a vertex (d = 1) or from it to the next (d = 2).
    starts : ndarray of int64, shape (R + 1,)
        Region i owns the rows ``starts[i]:starts[i + 1]``.
    """

    patterns: np.ndarray
    vertices: np.ndarray
    facets: np.ndarray
    starts: np.ndarray

    @cached_property
    def region(self) -> np.ndarray:
        """Region that owns each row, shape (E,)."""
        return np.repeat(np.arange(len(self.patterns)), np.diff(self.starts))

    @cached_property
    def following(self) -> np.ndarray:
        """Row of the next vertex of the same region, around the ring, shape (E,)."""
        out = np.arange(1, len(self.vertices) + 1)
        out[self.starts[1:] - 1] = self.starts[:-1]
        return out


@dataclass
class LeafStore:
    """Collects regions one by one or in blocks."""

    n_units: int
    dim: int
    _blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def add_cell(self, pattern: np.ndarray, cell: Cell) -> None:
        """Store one exact cell, its vertices rounded once."""
        rows = np.array([_rounded(vertex) for vertex in cell.vertices])
        facets = np.array(cell.facets or [AT_INFINITY] * len(rows))
        self.add_block(pattern[None], rows, facets, np.array([len(rows)]))

    def add_block(
        self, patterns: np.ndarray, vertices: np.ndarray, facets: np.ndarray, sizes: np.ndarray
    ) -> None:
        """Store copies of a block of regions."""
        block = (patterns.astype(np.int16), vertices.copy(), facets.astype(np.int32), sizes.astype(np.int64))
        # One append, so that an interruption leaves whole blocks only.
        self._blocks.append(block)

    def arrays(self) -> LeafArrays:
        """Return everything stored so far."""
        nothing = (
            np.empty((0, self.n_units), np.int16),
            np.empty((0, self.dim + 1)),
            np.empty((0, 4), np.int32),
            np.zeros(1, np.int64),
        )
        patterns, vertices, facets, sizes = (
            np.concatenate([start, *parts])
            for start, parts in zip(
                nothing, zip(*self._blocks, strict=True) if self._blocks else [()] * 4, strict=True
            )
        )
        return LeafArrays(patterns, vertices, facets, np.cumsum(sizes))


def _rounded(vertex: tuple[int, ...]) -> list[float]:
    scale = vertex[-1] or max(map(abs, vertex))
    return [_quotient(x, scale) for x in vertex]


def _quotient(x: int, scale: int) -> float:
    try:
        return x / scale
    except OverflowError:
        return sys.float_info.max if x > 0 else -sys.float_info.max
