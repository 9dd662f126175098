"""The arrays that the two-dimensional kernel works on, and what their columns mean.

A *row* is one affine form of a layer: the pre-activation of a scalar unit minus one of
its breakpoints, the pre-activation of a unit without breakpoints, or one member of a
maxout group. Four numbers make a form: a, b, a constant and a radius. For every point (X, Y, W)
with ``|X|, |Y|, |W| <= 1`` the true value differs from ``a X + b Y + constant W`` by at most the radius.

The splitting kernels, those in `spatial` too, share these arguments:

plan, state, out
    `Plan`, `State` and `Output` below, or their like in `spatial`. What a function writes, it writes there.
layer, row, unit, piece
    Numbers; rows and units count within their layer.
item
    Something open on a cell: a row with both signs, or ``n_rows + unit`` for a group.
forms, acc
    Where the forms of the layer, and the sums for those of the next layer, begin in `State.acc`. Column m
    of row i is at ``forms + m * n_rows + i``; the radius is the last column.
pieces, pending, n_open, n_done
    Where the pieces of a cell begin in `State.pieces` and its open items in `State.pending`; how many items
    are open; how many units are listed as settled in row DONE_UNITS of `State.marks`.
poly, edges, start, n
    A polygon is made of n rows, from row `start` on, of `poly`, shape (., 8), and `edges`, shape (.,).
frame
    A copy of a row of `State.frames`, in the register FRAME.

Many take more than eight arguments. Most of these are integers that tell where a cell lies in the arenas, and
differ from call to call; the calls are inlined, and a record would only have to be filled before each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "ARENAS",
    "Output",
    "Plan",
    "State",
    "decode_facets",
    "encode_facet",
    "enlarged",
    "longer",
    "new_output",
    "new_state",
    "push_root",
]

# What `advance` returns: nothing left; budget spent; output full; arenas too small; aborts full.
DONE, PAUSED, FULL, GROW, ABORTED = range(5)

INFINITY_CODE = -(1 << 40)

# Columns of Plan.layers, one row for each layer.
# RUN0 is the first column in run_starts, or -1 where the layer's weights are stored densely.
N_ROWS, N_UNITS, ROW0, UNIT0, WEIGHT0, RUN0, N_WALLS = range(7)
# Columns of Plan.rows. CLASS joins rows that are multiples of each other, SIGN is the orientation in it.
# ORIGIN is the unit, counted over all layers, of which the row passes on a multiple, or -1.
UNIT, PIECE, IS_WALL, CLASS, SIGN, ORIGIN = range(6)
# Columns of Plan.units. FIRST is the unit's first row within its layer; what piece p of the unit passes on
# is weighted by column COLUMN + p * STEP of the next layer; LEVEL is the layer of the unit.
KIND, FIRST, SIZE, PIECE0, COLUMN, STEP, LEVEL = range(7)
SINGLE, SCALAR, GROUP = range(3)
# Columns of Plan.pieces: the unit passes on SLOPE * row + SHIFT; ERROR bounds the rounding of SHIFT.
SLOPE, SHIFT, ERROR = range(3)

# Columns of a polygon: vertex and its radius; form of the edge to the next vertex and its radius.
X, Y, W, RADIUS, EDGE_A, EDGE_B, EDGE_C, EDGE_R = range(8)
# Columns of State.frames. ENDS: the tops of the four arenas.
LAYER, POLY, N_POLY, PENDING, N_PENDING, FORMS, ACC, PIECES, ENDS, IS_ROOT = 0, 1, 2, 3, 4, 5, 6, 7, 8, 12
# Rows of State.work, State.marks and State.registers.
SCALE, RADII, LOW, HIGH = range(4)
KNOWN, LEFT, SIGNS, DONE_UNITS = range(4)
SCALARS, FRAME, TOPS, NEEDS = range(4)
# Entries of the register NEEDS behind the four arenas: how much room the next step may take.
STACK, CORNERS = 4, 5
ARENAS = (
    ("poly", "edges"),
    ("pending",),
    ("acc",),
    ("pieces",),
    ("frames",),
    ("marks", "scratch", "scratch_edges"),
)
"""The arrays of a state that each entry of NEEDS is about."""
# Entries of the register SCALARS.
SP, COUNT, N_OUT, N_OUT_POLY, N_ABORT, N_ABORT_EDGES, TICKET, SHARES, SHARE = range(9)
# MOST: regions that may be counted at once, up to this number since the last report.
MOST = 15
# Columns of State.children.
CHILD_POLY, CHILD_N, CHILD_PIECE = range(3)

LARGEST_OUTPUT = 1 << 24
"""Pieces in the output buffer at most, unless not even one region fits."""

UNSURE = 2
"""In place of the sign 1, 0 or -1 of a form at a point: not certified."""

POSITIVE, NEGATIVE, BOTH, UNDECIDED = 1, 2, 3, -1
"""Where a form lies on a cell: bits of the signs it has there, 0 for none; UNDECIDED if not certified."""

NO_TWIN = -2
"""In place of the sides of a wall: it is no multiple of the wall that was just cut."""

OPEN_GROUP = -2
"""In place of the number of settled units: more than one member of a group is left."""

NO_WALL, NOTHING = -1, -2
"""In place of the wall on which a form vanishes: none is known, or the form vanishes everywhere."""

SETTLED = 1 << 16
"""Added to a unit's piece for each of its walls that is settled."""


class Plan(NamedTuple):
    """A network on a domain, flattened; see `plnet.regions.engines.splitting.plan`."""

    layers: np.ndarray  # (L, 7)
    rows: np.ndarray  # (rows, 6)
    units: np.ndarray  # (units, 7)
    pieces: np.ndarray  # (pieces, 3)
    weights: np.ndarray  # (2, .): weights of layer l as (columns, rows of l), and bounds of their size
    run_starts: np.ndarray  # (columns + 1,): runs of each column of the layers that are not stored densely
    runs: np.ndarray  # (runs, 3): first row, number of rows, place of their weights in the pool
    pool: np.ndarray  # weights that runs share
    bias: np.ndarray  # (rows, 2): bias minus breakpoint, and its radius
    gamma: np.ndarray  # (L,): rounding of a form of layer l, relative to its terms
    widest: int  # members of the largest group, at least 2
    unit_roundoff: float  # 2**-53, or 0 where all arithmetic is exact
    tracking: float  # the same where additions to forms are kept account of, 0 where `gamma` bounds them
    homogeneous: bool  # all constants are exactly zero
    floor: float  # smallest radius of anything that was rounded
    steps: int  # cells between two looks at the budget


class State(NamedTuple):
    """A depth-first search that can be left and taken up again."""

    frames: np.ndarray  # stack
    poly: np.ndarray  # arena of polygons
    edges: np.ndarray  # facet of each edge in it
    pending: np.ndarray  # arena of open items: rows, and groups as n_rows + unit
    acc: np.ndarray  # arena of forms
    pieces: np.ndarray  # arena of pieces, one for each unit
    current: np.ndarray  # pieces of the layers above the one in work
    work: np.ndarray  # (4, rows): size and radius of the rows in work, least and greatest value
    marks: np.ndarray  # (4, .): proved signs at the root, members left, signs at vertices, settled units
    scratch: np.ndarray  # (2, ., 8): two polygons
    scratch_edges: np.ndarray
    children: np.ndarray  # (widest, 3): polygons that a cut made
    cut: np.ndarray  # (3, 4): form of the cut in work, and the two vertices it makes
    chords: np.ndarray  # (20, .): walls of the deepest layer in one polygon; see `last_layer`
    registers: np.ndarray  # (4, 16)


class Output(NamedTuple):
    """Buffers that the driver empties."""

    pieces: np.ndarray  # (capacity, units)
    poly: np.ndarray  # (capacity, 4): vertices and their radii
    edges: np.ndarray
    sizes: np.ndarray
    abort_heads: np.ndarray  # (capacity, 2): layer and number of edges
    abort_pieces: np.ndarray
    abort_edges: np.ndarray


def new_state(plan: Plan) -> State:
    """Return a state with an empty stack and arenas that usually suffice."""
    rows = int(plan.layers[:, N_ROWS].max(initial=1))
    units = len(plan.units)
    return State(
        frames=np.zeros((4 * (len(plan.rows) + len(plan.layers)) + 64, 13), np.int64),
        poly=np.empty((4096, 8)),
        edges=np.empty(4096, np.int64),
        pending=np.empty(16 * (rows + units) + 1024, np.int64),
        acc=np.empty(64 * 4 * rows + 4096),
        pieces=np.empty(16 * units + 1024, np.int64),
        current=np.zeros(units, np.int64),
        work=np.empty((4, len(plan.rows))),
        marks=np.zeros((4, max(4096, 2 * rows, 2 * units)), np.int64),
        scratch=np.empty((2, 4096, 8)),
        scratch_edges=np.empty((2, 4096), np.int64),
        children=np.empty((plan.widest, 3), np.int64),
        cut=np.empty((3, 4)),
        chords=np.empty((20, rows + int(plan.layers[:, N_UNITS].max(initial=1)))),
        registers=np.zeros((4, 16), np.int64),
    )


_WIDE = {"marks", "values", "signs", "scratch", "scratch_edges", "scratch_tight"}
"""Arrays that grow along their second axis."""


def enlarged(state: Any, arenas: Sequence[tuple[str, ...]]) -> Any:
    """Return a state with the room that its register NEEDS asks for; the kernel goes on where it was.

    What is short is at least doubled, and nothing else grows.
    """
    bigger = {}
    for names, need in zip(arenas, state.registers[NEEDS].tolist(), strict=False):
        for name in names:
            array, axis = getattr(state, name), int(name in _WIDE)
            if array.shape[axis] < need:
                bigger[name] = longer(array, max(need, 2 * array.shape[axis]), axis)
    return state._replace(**bigger)


def longer(array: np.ndarray, size: int, axis: int = 0) -> np.ndarray:
    """Return a copy of an array with another size along an axis, filled up with zeros."""
    shape = list(array.shape)
    shape[axis] = size
    out = np.zeros(shape, array.dtype)
    out[tuple(slice(0, k) for k in array.shape)] = array
    return out


def new_output(plan: Plan, regions: int, corners: int, aborts: int) -> Output:
    """Return buffers for so many regions, corners and aborted cells."""
    units, aborts = len(plan.units), max(aborts, 4 * plan.widest)
    regions = max(1, min(regions, LARGEST_OUTPUT // units))
    return Output(
        pieces=np.empty((regions, units), np.int64),
        poly=np.empty((corners, 4)),
        edges=np.empty(corners, np.int64),
        sizes=np.empty(regions, np.int64),
        abort_heads=np.empty((aborts, 2), np.int64),
        abort_pieces=np.empty((aborts, units), np.int64),
        abort_edges=np.empty(corners, np.int64),
    )


def push_root(state: State, layer: int, n_poly: int, n_forms: int, shares: tuple[int, int]) -> None:
    """Start a search at the polygon and the forms at the bottom of the arenas."""
    state.registers[SCALARS] = 0
    state.registers[SCALARS, SP] = 1
    state.registers[SCALARS, SHARES : SHARE + 1] = shares
    frame = state.frames[0]
    frame[:] = 0
    frame[LAYER], frame[N_POLY], frame[IS_ROOT] = layer - 1, n_poly, 1
    frame[ENDS : ENDS + 4] = n_poly, 0, n_forms, 0


def encode_facet(layer: int, unit: int, low: int, high: int, above: int) -> int:
    """Pack a facet and the side (1 above, 0 below) on which the cell lies."""
    if layer == -1:
        return -1 - unit
    if layer == -2:
        return INFINITY_CODE
    return ((((layer << 24 | unit) << 12 | low) << 12) | high) << 1 | above


def decode_facets(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unpack facets into (layer, unit, low, high), shape (E, 4), and the sides 1 or -1."""
    inner = codes >> 1
    parts = [inner >> 48, (inner >> 24) & 0xFFFFFF, (inner >> 12) & 0xFFF, inner & 0xFFF]
    table = np.stack(parts, axis=1).astype(np.int32)
    side = np.where(codes & 1, 1, -1)
    outer = codes < 0
    table[outer] = -1
    table[outer, 1] = (-1 - codes[outer]).clip(0, 1 << 30)
    table[codes == INFINITY_CODE] = (-2, 0, -1, -1)
    side[outer] = 1
    return table, side
