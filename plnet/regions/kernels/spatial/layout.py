"""The arrays of the kernel for three and more dimensions, and what their columns mean.

A cell is a pointed cone in D = d + 1 homogeneous coordinates. Its rays are rows of D
coordinates and a radius; `tight` tells by bits on which walls of the cell a ray lies. A bit
stands for an entry of the cell's *table*, which names a record: the wall's form and its code.
Forms are stored by columns: D coefficients and a radius. For every point with all ``|X_i| <= 1``
the true value differs from the computed form's by at most the radius.

Arguments are those of `plnet.regions.kernels.layout`, and here

limits
    `Limits` below.
poly, tight, start, n
    The n rays of a cell from row `start` on: shapes (., d + 2) and (., words).
table, bit
    Where the table of a cell begins in `SpatialState.tables`, and an entry of it.
form, length
    Shape (d + 2,), often `SpatialState.cut`, and its Euclidean length, rounded up.
target, target_tight, at
    Where rays are written, from row `at` on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from plnet.regions.kernels import layout

__all__ = ["ARENAS", "Limits", "SpatialOutput", "SpatialState", "new_output", "new_state", "push_root"]

# Columns of SpatialState.frames. ENDS: the tops of the six arenas.
LAYER, POLY, N_POLY, PENDING, N_PENDING, FORMS, ACC, PIECES, TABLE, N_BITS, IS_ROOT, ENDS = range(12)
N_ARENAS = 6
RAYS, OPEN, ADDED, UNITS, TABLES, RECORDS = range(N_ARENAS)
N_FRAME = ENDS + N_ARENAS
# Entries of the register NEEDS behind the six arenas.
STACK, CELL = N_ARENAS, N_ARENAS + 1
ARENAS = (
    ("poly", "tight"),
    ("pending",),
    ("acc",),
    ("pieces",),
    ("tables",),
    ("records", "codes"),
    ("frames",),
    ("marks", "values", "signs", "below", "below_tight", "scratch", "scratch_tight"),
)
"""The arrays of a state that each entry of NEEDS is about."""
# Column of SpatialState.children, behind those of the planar kernel.
CHILD_TABLE = 3
# Rows of SpatialState.values.
AT, ERROR = range(2)
# Rows of SpatialState.signs.
SIGN, TIES = range(2)


class Limits(NamedTuple):
    """Numbers that all steps share."""

    d: int  # dimension; rays have d + 1 coordinates
    words: int  # 64-bit words of a tight set
    exact: bool  # all numbers are integers over `scale`, and every result is checked to be one
    scale: float  # power of two that makes every form integer, in exact arithmetic
    bound: float  # sums of products up to here are exact
    rounding: float  # error of a scalar product, relative to the length of the form
    unit: float  # 2**-53, or 0 in exact arithmetic
    homogeneous: bool  # all constants are exactly zero
    refine_above: float  # radius from which a ray is computed anew, which takes longer than to cross an edge


class SpatialState(NamedTuple):
    """A depth-first search that can be left and taken up again."""

    frames: np.ndarray  # (., N_FRAME): stack
    poly: np.ndarray  # (., d + 2): rays and their radii
    tight: np.ndarray  # (., words)
    pending: np.ndarray  # open items: rows, and groups as n_rows + unit
    acc: np.ndarray  # forms
    pieces: np.ndarray
    tables: np.ndarray  # records of the bits of each cell
    records: np.ndarray  # (., d + 2): form and radius of each wall
    codes: np.ndarray  # code of each record
    current: np.ndarray  # pieces of the layers above the one in work
    work: np.ndarray  # (4, rows): length and radius of the rows in work, least and greatest value
    marks: np.ndarray  # (4, .): proved signs at the root, members left, unused, settled units
    values: np.ndarray  # (2, .): value and error of the cutting form at each ray
    signs: np.ndarray  # (2, .): its sign, and on how many walls the ray lies
    below: np.ndarray  # rays below the cut
    below_tight: np.ndarray  # and the walls they lie on, one behind the other
    line: np.ndarray  # (rows,): values of all rows at one ray
    cut: np.ndarray  # (d + 2,): the cutting form and its radius
    common: np.ndarray  # (words,): walls that two rays share
    system: np.ndarray  # (d, 2 d + 3): walls of a ray
    inverse: np.ndarray  # (d, 2 d): their matrix on the way to its inverse
    saved: np.ndarray  # (d + 2,): a ray
    scratch: np.ndarray  # (2, ., d + 2): two cells
    scratch_tight: np.ndarray
    children: np.ndarray  # (widest, 5): cells that a cut made
    chords: np.ndarray  # (rows, 18): walls of the deepest layer in a polygon; see `last_layer`
    places: np.ndarray  # (3, rows): planes of the deepest layer, and bounds of crossings on a chord
    registers: np.ndarray  # (4, 24)


class SpatialOutput(NamedTuple):
    """Buffers that the driver empties."""

    pieces: np.ndarray  # (capacity, units)
    poly: np.ndarray  # (corners, d + 2): rays and their radii
    tight: np.ndarray  # (corners, words)
    sizes: np.ndarray
    facets: np.ndarray  # codes
    facet_sizes: np.ndarray
    abort_heads: np.ndarray  # (capacity, 2): layer and number of walls
    abort_pieces: np.ndarray
    abort_facets: np.ndarray


def new_state(plan: layout.Plan, limits: Limits) -> SpatialState:
    """Return a state with an empty stack and arenas that usually suffice."""
    rows = int(plan.layers[:, layout.N_ROWS].max(initial=1))
    units, columns = len(plan.units), limits.d + 2
    depth = 4 * (len(plan.rows) + len(plan.layers)) + 64
    return SpatialState(
        frames=np.zeros((depth, N_FRAME), np.int64),
        poly=np.empty((8192, columns)),
        tight=np.zeros((8192, limits.words), np.uint64),
        pending=np.empty(16 * (rows + units) + 1024, np.int64),
        acc=np.empty(64 * columns * rows + 4096),
        pieces=np.empty(16 * units + 1024, np.int64),
        tables=np.zeros(depth * 64, np.int64),
        records=np.empty((depth, columns)),
        codes=np.zeros(depth, np.int64),
        current=np.zeros(units, np.int64),
        work=np.empty((4, len(plan.rows))),
        marks=np.zeros((4, max(4096, 2 * rows, 2 * units)), np.int64),
        values=np.empty((2, 4096)),
        signs=np.zeros((2, 4096), np.int64),
        below=np.zeros(4096, np.int64),
        below_tight=np.zeros((4096, limits.words), np.uint64),
        line=np.empty(rows),
        cut=np.empty(columns),
        common=np.zeros(limits.words, np.uint64),
        system=np.empty((limits.d, 2 * limits.d + 3)),
        inverse=np.empty((limits.d, 2 * limits.d)),
        saved=np.empty(columns),
        scratch=np.empty((2, 4096, columns)),
        scratch_tight=np.zeros((2, 4096, limits.words), np.uint64),
        children=np.zeros((plan.widest, 5), np.int64),
        chords=np.empty((rows, 18)),
        places=np.empty((3, rows)),
        registers=np.zeros((4, 24), np.int64),
    )


def new_output(plan: layout.Plan, limits: Limits, regions: int, corners: int, aborts: int) -> SpatialOutput:
    """Return buffers for so many regions, corners and aborted cells."""
    units, aborts = len(plan.units), max(aborts, 4 * plan.widest)
    return SpatialOutput(
        pieces=np.empty((regions, units), np.int64),
        poly=np.empty((corners, limits.d + 2)),
        tight=np.zeros((corners, limits.words), np.uint64),
        sizes=np.empty(regions, np.int64),
        facets=np.empty(corners, np.int64),
        facet_sizes=np.empty(regions, np.int64),
        abort_heads=np.empty((aborts, 2), np.int64),
        abort_pieces=np.empty((aborts, units), np.int64),
        abort_facets=np.empty(64 * limits.words * aborts, np.int64),
    )


def push_root(
    state: SpatialState, layer: int, n_poly: int, n_walls: int, n_forms: int, shares: tuple[int, int]
) -> None:
    """Start a search at the cell, its walls and the forms at the bottom of the arenas."""
    state.registers[layout.SCALARS] = 0
    state.registers[layout.SCALARS, layout.SP] = 1
    state.registers[layout.SCALARS, layout.SHARES : layout.SHARE + 1] = shares
    state.tables[:n_walls] = np.arange(n_walls)
    frame = state.frames[0]
    frame[:] = 0
    frame[LAYER], frame[N_POLY], frame[N_BITS], frame[IS_ROOT] = layer - 1, n_poly, n_walls, 1
    frame[ENDS + RAYS], frame[ENDS + ADDED] = n_poly, n_forms
    frame[ENDS + TABLES], frame[ENDS + RECORDS] = n_walls, n_walls
