"""A growing store of the regions that an engine finds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from plnet.geometry.cells import Cell

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


@dataclass
class LeafStore:
    """Collects regions one by one or in blocks."""

    n_units: int
    dim: int
    patterns: list[np.ndarray] = field(default_factory=list)
    vertices: list[np.ndarray] = field(default_factory=list)
    facets: list[np.ndarray] = field(default_factory=list)
    sizes: list[np.ndarray] = field(default_factory=list)

    def add_cell(self, pattern: np.ndarray, cell: Cell) -> None:
        """Store one exact cell, its vertices rounded once."""
        self.patterns.append(pattern[None].astype(np.int16))
        rows = [_rounded(vertex) for vertex in cell.vertices[: len(cell.facets) or None]]
        facets = cell.facets or ((-2, 0, -1, -1),) * len(rows)
        self.vertices.append(np.array(rows))
        self.facets.append(np.array(facets, dtype=np.int32))
        self.sizes.append(np.array([len(rows)], dtype=np.int64))

    def add_block(self, patterns: np.ndarray, vertices: np.ndarray, facets: np.ndarray, sizes: np.ndarray) -> None:
        """Store copies of a block of regions."""
        self.patterns.append(patterns.astype(np.int16))
        self.vertices.append(vertices.copy())
        self.facets.append(facets.astype(np.int32))
        self.sizes.append(sizes.astype(np.int64))

    def arrays(self) -> LeafArrays:
        """Return everything stored so far."""
        sizes = np.concatenate([np.zeros(1, np.int64), *self.sizes])
        return LeafArrays(
            np.concatenate([np.empty((0, self.n_units), np.int16), *self.patterns]),
            np.concatenate([np.empty((0, self.dim + 1)), *self.vertices]),
            np.concatenate([np.empty((0, 4), np.int32), *self.facets]),
            np.cumsum(sizes),
        )


def _rounded(vertex: tuple[int, ...]) -> list[float]:
    scale = vertex[-1] or max(map(abs, vertex))
    return [x / scale for x in vertex]
