"""A growing store of the regions that an engine finds."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from plnet.geometry.cells import AT_INFINITY, AnyCell, Cell
from plnet.ir.network import PLNetwork

__all__ = ["LeafArrays", "LeafBlock", "LeafStore", "read_only", "rounded_vertex"]


@dataclass(frozen=True, eq=False)
class LeafArrays:
    """Regions as arrays.

    In dimension 1 and 2 a region is a ring: row k of its facets runs from its vertex k to the
    next one. In more dimensions `tight` says which vertex lies on which facet. Engines that
    know no vertices leave one row for each region, a point of its interior, and no facets.

    Parameters
    ----------
    patterns : ndarray of ``network.pattern_dtype``, shape (R, U)
    vertices : ndarray, shape (E, d + 1)
        Homogeneous vertices of all regions, one behind the other; last entry 1, or 0 for a
        direction in which the region is unbounded.
    facets : ndarray of int32, shape (F, 4)
        Facet at a vertex (d = 1), from it to the next (d = 2), or in any order (d > 2).
    starts : ndarray of int64, shape (R + 1,)
        Region i owns the vertices ``starts[i]:starts[i + 1]``.
    facet_starts : ndarray of int64, shape (R + 1,), optional
        Region i owns the facets ``facet_starts[i]:facet_starts[i + 1]``; as `starts` if not given.
    tight : ndarray of uint64, shape (E, w), optional
        Bit k of a row stands for facet k of the region (d > 2).
    lines : ndarray, shape (l, d), optional
        Directions in which every region is a union of whole lines.
    errors : ndarray of float32, shape (E, d), optional
        How far each coordinate of a vertex may be from the exact one, proved; of directions nothing is said.
        Not known of regions from old files.
    """

    patterns: np.ndarray
    vertices: np.ndarray
    facets: np.ndarray
    starts: np.ndarray
    facet_starts: np.ndarray | None = None
    tight: np.ndarray | None = None
    lines: np.ndarray | None = None
    errors: np.ndarray | None = None

    @property
    def dim(self) -> int:
        """Dimension d."""
        return self.vertices.shape[1] - 1

    @property
    def has_vertices(self) -> bool:
        """Whether the vertices are known, not only a point of each region."""
        return self.facet_starts is None or self.tight is not None

    @cached_property
    def region(self) -> np.ndarray:
        """Region that owns each vertex, shape (E,)."""
        return np.repeat(np.arange(len(self.patterns)), np.diff(self.starts))

    @cached_property
    def facet_region(self) -> np.ndarray:
        """Region that owns each facet, shape (F,)."""
        return np.repeat(np.arange(len(self.patterns)), np.diff(self.facet_rows))

    @property
    def facet_rows(self) -> np.ndarray:
        """First facet of each region, and their number, shape (R + 1,)."""
        return self.starts if self.facet_starts is None else self.facet_starts

    @cached_property
    def following(self) -> np.ndarray:
        """Row of the next vertex of the same region, around the ring, shape (E,); d <= 2."""
        out = np.arange(1, len(self.vertices) + 1)
        out[self.starts[1:] - 1] = self.starts[:-1]
        return out

    @property
    def bounded(self) -> np.ndarray:
        """Which regions are bounded, shape (R,); of known vertices only."""
        out = np.ones(len(self.patterns), dtype=bool)
        out[self.region[self.vertices[:, -1] == 0]] = False
        if self.lines is not None and len(self.lines):
            out[:] = False
        return out

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Return the sum over the vertices of each region, shape (E, k) -> (R, k)."""
        if len(self.starts) == 1:
            return np.zeros((0, rows.shape[1]))
        return np.add.reduceat(rows, self.starts[:-1], axis=0)

    def take(self, regions: np.ndarray) -> LeafArrays:
        """Return the chosen regions; of known vertices only."""
        rows, facets = _rows_of(self.starts, regions), _rows_of(self.facet_rows, regions)
        return LeafArrays(
            self.patterns[regions],
            self.vertices[rows],
            self.facets[facets],
            np.append(0, np.cumsum(np.diff(self.starts)[regions])),
            self.facet_starts
            if self.facet_starts is None
            else np.append(0, np.cumsum(np.diff(self.facet_starts)[regions])),
            None if self.tight is None else self.tight[rows],
            self.lines,
            None if self.errors is None else self.errors[rows],
        )

    def incidence(self, i: int) -> np.ndarray:
        """Return which vertex of region i lies on which of its facets, shape (k, f), bool; d > 2."""
        assert self.tight is not None
        masks = self.tight[self.starts[i] : self.starts[i + 1]]
        bits = np.arange(self.facet_rows[i + 1] - self.facet_rows[i])
        return (masks[:, bits // 64] >> (bits % 64).astype(np.uint64) & np.uint64(1)).astype(bool)


@dataclass(frozen=True, eq=False)
class LeafBlock:
    """Some regions as an engine finds them, B of them with E vertices and F facets in all.

    Parameters
    ----------
    patterns : ndarray, shape (B, U)
    vertices, errors, facets : ndarray, shapes (E, d + 1), (E, d) and (F, 4)
        As in `LeafArrays`.
    sizes : ndarray of int, shape (B,)
        Number of vertices of each region.
    facet_sizes : ndarray of int, shape (B,), optional
        Number of facets; as `sizes` if not given.
    tight : ndarray of uint64, shape (E, w), optional
        Which vertex lies on which facet (d > 2); rings (d <= 2) need none.
    """

    patterns: np.ndarray
    vertices: np.ndarray
    errors: np.ndarray
    facets: np.ndarray
    sizes: np.ndarray
    facet_sizes: np.ndarray | None = None
    tight: np.ndarray | None = None


@dataclass
class LeafStore:
    """Collects regions of a network one by one or in blocks."""

    network: PLNetwork
    dim: int
    lines: np.ndarray | None = None
    _blocks: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def add_cell(self, pattern: np.ndarray, cell: AnyCell) -> None:
        """Store one exact cell, its vertices rounded once."""
        rows = np.array([rounded_vertex(vertex) for vertex in cell.vertices])
        errors = _errors_of_rounding(rows[:, :-1])
        if isinstance(cell, Cell):
            facets = np.array(cell.facets or [AT_INFINITY] * len(rows))
            self.add(LeafBlock(pattern[None], rows, errors, facets, np.array([len(rows)])))
            return
        if cell.lines:
            self.lines = np.array([rounded_vertex(line)[:-1] for line in cell.lines])
        words = -(-len(cell.facets) // 64)
        tight = [[mask >> 64 * w & (1 << 64) - 1 for w in range(words)] for mask in cell.tight]
        sizes = np.array([len(rows)]), np.array([len(cell.facets)])
        facets = np.array(cell.facets)
        self.add(LeafBlock(pattern[None], rows, errors, facets, *sizes, np.array(tight, np.uint64)))

    def add_points(self, patterns: np.ndarray, points: np.ndarray) -> None:
        """Store a block of regions of which one interior point each is known."""
        ones, nothing = np.ones(len(points), np.int64), np.zeros(len(points), np.int64)
        rows = np.concatenate([points, ones[:, None]], axis=1)
        tight = np.zeros((len(points), 0), np.uint64)
        no_facets = np.empty((0, 4))
        self.add(LeafBlock(patterns, rows, np.zeros_like(points), no_facets, ones, nothing, tight))

    def add(self, block: LeafBlock) -> None:
        """Store copies of a block of regions."""
        sizes, tight = block.sizes, block.tight
        facet_sizes = sizes if block.facet_sizes is None else block.facet_sizes
        columns = (
            block.patterns.astype(self.network.pattern_dtype),
            block.vertices.copy(),
            _rounded_up(block.errors),
            block.facets.astype(np.int32),
            sizes.astype(np.int64),
            facet_sizes.astype(np.int64),
            np.zeros((len(block.vertices), 0), np.uint64) if tight is None else tight.copy(),
        )
        # One append, so that an interruption leaves whole blocks only.
        self._blocks.append(columns)

    def arrays(self) -> LeafArrays:
        """Return everything stored so far."""
        words = max((block[-1].shape[1] for block in self._blocks), default=0)
        columns = [list(column) for column in zip(*self._blocks, strict=True)] or [[] for _ in range(7)]
        columns[-1] = [np.pad(block, ((0, 0), (0, words - block.shape[1]))) for block in columns[-1]]
        nothing = (
            np.empty((0, self.network.n_units), self.network.pattern_dtype),
            np.empty((0, self.dim + 1)),
            np.empty((0, self.dim), np.float32),
            np.empty((0, 4), np.int32),
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            np.empty((0, words), np.uint64),
        )
        patterns, vertices, errors, facets, sizes, facet_sizes, tight = (
            np.concatenate([start, *parts]) for start, parts in zip(nothing, columns, strict=True)
        )
        starts, facet_starts = np.cumsum(sizes), np.cumsum(facet_sizes)
        if self.dim <= 2 and not words and len(facets) == len(vertices):
            return LeafArrays(patterns, vertices, facets, starts, errors=errors)
        if not words:
            return LeafArrays(patterns, vertices, facets, starts, facet_starts, lines=self.lines)
        return LeafArrays(patterns, vertices, facets, starts, facet_starts, tight, self.lines, errors)


def _rows_of(starts: np.ndarray, regions: np.ndarray) -> np.ndarray:
    sizes = np.diff(starts)[regions]
    begins = np.repeat(starts[:-1][regions] - np.cumsum(sizes) + sizes, sizes)
    return begins + np.arange(len(begins))


def _errors_of_rounding(rounded: np.ndarray) -> np.ndarray:
    """Return how far numbers that were rounded once may be off; inf where they left the range."""
    size = np.abs(rounded)
    return np.where(size < sys.float_info.max, size * 2.0**-53, np.inf)


def _rounded_up(errors: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return np.nextafter(errors.astype(np.float32), np.float32(np.inf))


def read_only(array: np.ndarray) -> np.ndarray:
    """Return an array after it was made read-only."""
    array.setflags(write=False)
    return array


def rounded_vertex(vertex: tuple[int, ...]) -> list[float]:
    """Return a homogeneous vertex with last entry 1, or a direction with largest entry 1, rounded once."""
    scale = vertex[-1] or max(map(abs, vertex))
    return [_quotient(x, scale) for x in vertex]


def _quotient(x: int, scale: int) -> float:
    try:
        return x / scale
    except OverflowError:
        return sys.float_info.max if x > 0 else -sys.float_info.max
