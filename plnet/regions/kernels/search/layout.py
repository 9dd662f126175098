"""The arrays that the kernel of `search` works on, and what their columns mean.

The search runs in homogeneous coordinates u of shape (N,), all of them >= 0: a cell is a cone in
them, cut at sum(u) = 1. Its points have u > 0. The last coordinate is the scale of the point, unless
every constant of the network is zero. The pre-activations of the first layer are linear in u.

A *wall* is a form ``z[first] - z[second] - offset * scale`` of one layer; second is -1 for a scalar unit, and
offset is 0 for two members of a group. A *cut* is a wall with a side on which the cell lies.

The kernels share these arguments:

plan, state
    `Plan` and `State` below. What a function writes, it writes to the state.
slot
    A cell: the first index of most arrays of the state.
layer, first, second, offset
    A wall of a layer. With it most functions take more than eight arguments; these differ in every call.
form, size, sign
    A wall as a form in u, shape (N,), its largest entry, and 1.0 or -1.0 for the side in question.
point
    Shape (N,).
z, radii
    Pre-activations of a layer at a point, and bounds of their errors; shape (widest,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Output", "Plan", "Sizes", "State", "new_output", "new_state"]

# What `explore` returns: nothing left; work of this call used up; output full; an exact answer is needed.
DONE, PAUSED, FULL, NEEDED = range(4)

# Answers to the question on which sides of a wall a cell lies.
UNDECIDED, ABOVE, BELOW, BOTH, FLAT = 0, 1, 2, 3, 4

# Columns of Plan.layers, one row for each layer.
N_IN, N_OUT, WEIGHT0, IN0, OUT0, WALL0, N_WALLS, IS_GROUP = range(8)
# Columns of Plan.walls. CLASS joins parallel walls, SIGN is the orientation in it, RANK the place.
UNIT, INDEX, CLASS, SIGN, RANK = range(5)
# Columns of State.head.
N_ROWS, N_CUTS, LAYER, PHASE, ITEM, PIECE, RIVAL, PIVOTS, SURE = range(9)
# Those that go with a cell, besides its dictionary.
COPIED = (N_CUTS, LAYER, PHASE, ITEM, PIECE, RIVAL, SURE)
# What a slot of the stack does next.
ENTER, SIFT, SPLIT, CHOOSE, CHAIN = range(5)
# Columns of State.cuts.
CUT_LAYER, CUT_A, CUT_B, CUT_SIDE = range(4)
# Entries of State.scalars.
TOP, COUNT, N_OUT_ROWS, WORK, ANSWER, TICKET, SHARES, SHARE, SHARE_LAYER, SIZE, N_FACETS = range(11)
ASKED_A, ASKED_B, WITNESS_SIDE = 11, 12, 13
# Whether the root is a box, whose dictionaries are those of `boxes`.
BOXED = 14


class Plan(NamedTuple):
    """A network in one root cell, flattened; see `plnet.regions.engines.searching.plan`."""

    layers: np.ndarray  # (L, 8)
    weights: np.ndarray  # (2, .): weights of layer l as (inputs of l, outputs of l - 1), and their error
    bias: np.ndarray  # (2, inputs): biases and their error
    slopes: np.ndarray  # (outputs, pieces)
    shifts: np.ndarray  # (outputs, pieces): what is added to slope times pre-activation
    rounding: np.ndarray  # (outputs, pieces): relative rounding of such a sum; 0 if there is none
    low: np.ndarray  # (outputs, pieces): least pre-activation in a piece
    high: np.ndarray  # (outputs, pieces): greatest pre-activation in a piece
    members: np.ndarray  # (outputs, members): rows of a group in the order of pieces
    n_pieces: np.ndarray  # (outputs,)
    walls: np.ndarray  # (walls, 5)
    points: np.ndarray  # (walls,): breakpoints
    first: np.ndarray  # (2, inputs of layer 0, N): pre-activations as forms in u, and their error
    facets: np.ndarray  # (2, facets, N): forms that are >= 0 on the root cell, and their error
    roundoff: float  # 2**-53
    floor: float  # smallest error of anything that was rounded
    scaled: bool  # the last coordinate is the scale
    exact: bool  # all numbers are integers, and no product overflows


class State(NamedTuple):
    """A depth-first search that can be left and taken up again. The slots of its stack come first."""

    table: np.ndarray  # (slots, rows, N): dictionaries; column 0 is the constant
    owner: np.ndarray  # (slots, rows): variable of a row: u_j, or N + j for facet and cut j
    free: np.ndarray  # (slots, N): variables of the columns from 1 on
    scale: np.ndarray  # (slots,): common denominator of a dictionary
    cuts: np.ndarray  # (slots, cuts, 4)
    points: np.ndarray  # (slots, cuts): breakpoint of a cut
    factors: np.ndarray  # (slots, cuts): factor of a cut in its dictionary
    pieces: np.ndarray  # (slots, outputs)
    sides: np.ndarray  # (slots, walls): ABOVE, BELOW, FLAT or 0
    witness: np.ndarray  # (slots, N)
    values: np.ndarray  # (slots, 2, widest): pre-activations at the witness, and their error
    head: np.ndarray  # (slots, 9)
    forms: np.ndarray  # (L, widest, N): rounded pre-activations of each layer on the current path
    work: np.ndarray  # (16, .): rows of scratch
    given: np.ndarray  # (2, N): witnesses below and above that come with an exact answer
    asked: np.ndarray  # (1,): breakpoint of the wall in question
    width: np.ndarray  # (variables,): of a box: upper end of a coordinate and of its facet; infinite for cuts
    partner: np.ndarray  # (variables,): of a box: facet of a coordinate and reversed; -1 for cuts
    scalars: np.ndarray


class Output(NamedTuple):
    """Regions that were found."""

    pieces: np.ndarray  # (rows, outputs)
    points: np.ndarray  # (rows, N)
    sure: np.ndarray  # (rows,): whether the point is proved to lie inside


class Sizes(NamedTuple):
    """How large the arrays must be."""

    layers: int
    outputs: int
    walls: int
    cuts: int
    facets: int
    widest: int
    coordinates: int
    depth: int


def new_state(sizes: Sizes) -> State:
    """Return an empty state."""
    n, rows, slots = sizes.coordinates, sizes.cuts + sizes.facets + 3, sizes.depth + 3
    longest = max(sizes.widest, n, sizes.cuts + sizes.facets, rows) + 1
    return State(
        table=np.zeros((slots, rows, n + 1)),
        owner=np.zeros((slots, rows), np.int64),
        free=np.zeros((slots, n + 1), np.int64),
        scale=np.ones(slots),
        cuts=np.zeros((slots, sizes.cuts + 1, 4), np.int64),
        points=np.zeros((slots, sizes.cuts + 1)),
        factors=np.ones((slots, sizes.cuts + 1)),
        pieces=np.zeros((slots, sizes.outputs), np.int64),
        sides=np.zeros((slots, sizes.walls), np.int64),
        witness=np.zeros((slots, n)),
        values=np.zeros((slots, 2, sizes.widest)),
        head=np.zeros((slots, 9), np.int64),
        forms=np.zeros((sizes.layers, sizes.widest, n)),
        work=np.zeros((16, longest)),
        given=np.zeros((2, n)),
        asked=np.zeros(1),
        width=np.full(n + sizes.facets + sizes.cuts + 2, np.inf),
        partner=np.full(n + sizes.facets + sizes.cuts + 2, -1, np.int64),
        scalars=np.zeros(16, np.int64),
    )


def new_output(sizes: Sizes, rows: int) -> Output:
    """Return room for regions."""
    return Output(
        np.zeros((rows, sizes.outputs), np.int64),
        np.zeros((rows, sizes.coordinates)),
        np.zeros(rows, np.int64),
    )
