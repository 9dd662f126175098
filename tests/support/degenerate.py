"""Random small networks in special position, in the raw format of the module `oracle`.

Weights are ints or floats. Where a family needs an exact coincidence (lines through one point, a unit that
vanishes at a vertex), weights are rounded to so few bits that the bias which makes it exact is a float as
well; `_float` refuses anything else. The point of coincidence is k/m of the way through the box, m = 3, 5, 7
or 8, and the weights of the first layer are multiples of m: for odd m the point is no float, but its image
under a unit is. The networks have one or two inputs, one to three hidden layers of one to six units, and one
affine output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from oracle import evaluate

Layer = tuple
Row = list
Box = tuple[tuple, tuple]

BOXES: dict[int, tuple[Box, ...]] = {
    1: (((-1.0,), (1.0,)), ((0.0,), (1.0,)), ((-2.5,), (0.75,))),
    2: (
        ((-1.0, -1.0), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 1.0)),
        ((-2.0, -0.5), (1.0, 3.0)),
        ((0.25, -4.0), (0.75, 4.0)),
    ),
}
"""Boxes with dyadic corners, by dimension."""

RELU = ([0], [0, 1], 0)
ABS = ([0], [-1, 1], 0)
HARDTANH = ([-1, 1], [0, 1, 0], -1)
DYADIC_ACTIVATIONS = (
    RELU,
    ABS,
    HARDTANH,
    ([0], [0.25, 1], 0),
    ([0], [-0.5, 1], 0),
    ([0], [1.5, 1], 0),
    ([0, 6], [0, 1, 0], 0),
)
"""ReLU, absolute value, hard tanh, leaky, PReLU with a negative slope and one above 1, ReLU6."""
ACTIVATIONS = (*DYADIC_ACTIVATIONS, ([0], [0.01, 1], 0), ([-0.3, 0.1, 0.7], [0.2, -1.1, 0.4, 2.0], 0.05))


@dataclass(frozen=True)
class Context:
    """What a family sees when it changes the rows of a layer.

    Attributes
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    box : tuple of (low, high)
        The domain.
    point : list of Fraction
        An interior point of the box.
    corner : list of Fraction
        A corner of the box.
    layers : list of tuple
        The network up to the layer's input.
    """

    rng: np.random.Generator
    box: Box
    point: list[Fraction]
    corner: list[Fraction]
    layers: list[Layer]

    @property
    def first(self) -> bool:
        """Whether the layer reads the network's input."""
        return not self.layers


def _zero_bias(rows: list[Row], _: Context) -> None:
    """Send all lines through the origin."""
    for row in rows:
        row[-1] = 0


def _repeated_units(rows: list[Row], context: Context) -> None:
    """Copy units."""
    for i, j in _pairs(rows, context.rng):
        rows[j][:] = rows[i]


def _parallel_units(rows: list[Row], context: Context) -> None:
    """Copy normals, with either sign, and keep the biases."""
    for i, j in _pairs(rows, context.rng):
        sign = int(context.rng.choice([-1, 1]))
        rows[j][:-1] = [sign * w for w in rows[i][:-1]]


def _scaled_units(rows: list[Row], context: Context) -> None:
    """Copy units up to a factor that is exact in floating point."""
    for i, j in _pairs(rows, context.rng):
        factor = context.rng.choice([-8, -3, -1, -0.5, 2.0**-20, 0.25, 2, 3, 7, 2.0**20]).item()
        rows[j][:] = [_float(Fraction(factor) * Fraction(x)) for x in rows[i]]


def _integer_weights(rows: list[Row], context: Context) -> None:
    """Draw small integers, zeros and equal values among them."""
    for row in rows:
        row[:] = context.rng.integers(-3, 4, size=len(row)).tolist()


def _concurrent_lines(rows: list[Row], context: Context) -> None:
    """Send most lines of every layer through one interior point of the box."""
    for row in rows:
        if context.rng.random() < 0.8:
            _pass_through(row, context.point, context.layers)


def _dead_units(rows: list[Row], context: Context) -> None:
    """Make units identically zero, constant, negative on the box, or zero at one corner and negative else."""
    for row in rows[: max(1, len(rows) // 2)]:
        kind = context.rng.integers(4)
        if kind == 0:
            row[:] = [0.0] * len(row)
        elif kind == 1:
            row[:-1] = [0.0] * (len(row) - 1)
        elif context.first:
            sides = zip(row[:-1], *context.box, strict=True)
            largest = sum(max(Fraction(w) * Fraction(a), Fraction(w) * Fraction(b)) for w, a, b in sides)
            row[-1] = _float(-largest - int(kind == 3))
        else:
            row[:] = [-abs(x) for x in row[:-1]] + [0.0 if kind == 2 else -abs(row[-1])]


def _slabs(rows: list[Row], context: Context) -> None:
    """Put parallel lines very close to each other."""
    for i, j in _pairs(rows, context.rng):
        gap = 10.0 ** -int(context.rng.integers(5, 13))
        sign = int(context.rng.choice([-1, 1]))
        rows[j][:] = [sign * x for x in rows[i][:-1]] + [sign * (rows[i][-1] + gap)]


def _lines_through_corners(rows: list[Row], context: Context) -> None:
    """Send most lines of every layer through a corner of the box."""
    for row in rows:
        if context.rng.random() < 0.7:
            _pass_through(row, context.corner, context.layers)


def _lines_along_edges(rows: list[Row], context: Context) -> None:
    """Put walls of the first layer on facets of the box; send deeper ones through a corner now and then."""
    for row in rows:
        if context.rng.random() < 0.3:
            continue
        if context.first:
            axis = int(context.rng.integers(len(row) - 1))
            bound = context.box[int(context.rng.integers(2))][axis]
            scale = context.rng.choice([-2.0, -1.0, 0.5, 1.0, 3.0]).item()
            row[:] = [scale * (i == axis) for i in range(len(row) - 1)] + [-scale * bound]
        else:
            _pass_through(row, context.corner, context.layers)


def _deep_coincidence(rows: list[Row], context: Context) -> None:
    """Let deeper walls meet in a vertex of earlier cells, coincide on some cells, or be an earlier wall."""
    rng = context.rng
    if context.first:
        for row in rows[: 1 + len(rows) // 2]:
            _pass_through(row, context.point, context.layers)
        return
    for j, row in enumerate(rows):
        kind = rng.integers(5)
        unit = int(rng.integers(len(row) - 1))
        if kind <= 1:
            _pass_through(row, context.point, context.layers)
        elif kind == 2:
            row[:] = [float(i == unit) for i in range(len(row) - 1)] + [0.0]
        elif kind == 3 and j:
            row[:] = rows[j - 1]
            row[unit] += float(rng.choice([-2, -1, 1, 2]))


def _equal_maxout_pieces(rows: list[Row], context: Context) -> None:
    """Repeat pieces: exact copies, copies shifted by a constant, multiples."""
    for i, j in _pairs(rows, context.rng):
        kind = context.rng.integers(3)
        rows[j][:] = [2 * x for x in rows[i]] if kind == 2 else rows[i]
        rows[j][-1] += float(kind == 1)


_CHANGES: dict[str, Callable[[list[Row], Context], None]] = {
    "zero_bias": _zero_bias,
    "repeated_units": _repeated_units,
    "parallel_units": _parallel_units,
    "scaled_units": _scaled_units,
    "integer_weights": _integer_weights,
    "concurrent_lines": _concurrent_lines,
    "dead_units": _dead_units,
    "slabs": _slabs,
    "lines_through_corners": _lines_through_corners,
    "lines_along_edges": _lines_along_edges,
    "deep_coincidence": _deep_coincidence,
    "equal_maxout_pieces": _equal_maxout_pieces,
}
FAMILIES: tuple[str, ...] = tuple(_CHANGES)
"""Names accepted by `degenerate_network`."""
_EXACT = (
    "scaled_units",
    "concurrent_lines",
    "dead_units",
    "lines_through_corners",
    "lines_along_edges",
    "deep_coincidence",
)
"""Families whose weights are rounded, so that the biases are exact."""


def degenerate_network(rng: np.random.Generator, family: str, box: Box | None = None) -> list[Layer]:
    """Draw a network in special position.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    family : str
        One of `FAMILIES`.
    box : tuple of (low, high), optional
        Domain that the coincidences refer to; its corners must be multiples of 1/4. By default [-1, 1]^d with
        d drawn from 1, 2, 2, 2.

    Returns
    -------
    list of tuple
        The layers; the number of inputs is `input_dimension` of them.
    """
    if box is None:
        box = BOXES[draw_dimension(rng)][0]
    return _draw_network(rng, box, family)


def generic_network(rng: np.random.Generator, d: int | None = None) -> list[Layer]:
    """Draw a network with Gaussian weights, in general position with probability one."""
    box = BOXES[draw_dimension(rng) if d is None else d][0]
    return _draw_network(rng, box, None)


def draw_case(rng: np.random.Generator, family: str | None) -> tuple[list[Layer], list[float], list[float]]:
    """Draw a dimension, a box of `BOXES` and a network for it; a generic one if `family` is None."""
    boxes = BOXES[draw_dimension(rng)]
    low, high = box = boxes[int(rng.integers(len(boxes)))]
    layers = generic_network(rng, len(low)) if family is None else degenerate_network(rng, family, box)
    return layers, list(low), list(high)


def draw_dimension(rng: np.random.Generator) -> int:
    """Draw 1 with probability 1/4, else 2."""
    return 1 if rng.random() < 0.25 else 2


def input_dimension(layers: Sequence[Layer]) -> int:
    """Return the number of inputs of a network that starts with an affine layer."""
    return len(layers[0][1][0])


def _draw_network(rng: np.random.Generator, box: Box, family: str | None) -> list[Layer]:
    """Draw hidden layers, bring the rows of each into special position, and add an affine output."""
    low, high = ([Fraction(x) for x in side] for side in box)
    m = int(rng.choice([3, 5, 7, 8]))
    point = [a + (b - a) * Fraction(int(rng.integers(1, m)), m) for a, b in zip(low, high, strict=True)]
    corner = [a if rng.random() < 0.5 else b for a, b in zip(low, high, strict=True)]
    depth = int(rng.choice([1, 2, 3], p=[0.3, 0.45, 0.25]))
    exact = family in _EXACT
    bits = int(rng.choice([6, {1: 40, 2: 18, 3: 10}[depth]])) if exact else None
    layers: list[Layer] = []
    fan_in = len(low)
    for _ in range(depth):
        width = int(max(rng.integers(1, 7 if depth < 3 else 5, size=2)))
        use_maxout = rng.random() < (0.8 if family == "equal_maxout_pieces" else 0.25)
        sizes = [1] * width
        if use_maxout:
            sizes = rng.integers(2, 5, size=width if depth == 1 else min(width, 3)).tolist()
        rows = _draw_rows(rng, sum(sizes), fan_in, bits)
        if exact and not layers:
            rows = [[*(w * m / 8 for w in row[:-1]), row[-1]] for row in rows]
        if family is not None:
            _CHANGES[family](rows, Context(rng, box, point, corner, list(layers)))
        layers.append(("affine", [row[:-1] for row in rows], [row[-1] for row in rows]))
        layers.append(_groups(rng, sizes) if use_maxout else _units(rng, width, dyadic=exact))
        fan_in = len(sizes)
    (row,) = _draw_rows(rng, 1, fan_in, bits)
    return [*layers, ("affine", [row[:-1]], [row[-1]])]


def _draw_rows(rng: np.random.Generator, n: int, fan_in: int, bits: int | None) -> list[Row]:
    """Draw rows ``[weights..., bias]``, multiples of 2^-bits unless bits is None."""
    rows = rng.normal(size=(n, fan_in + 1)) / np.sqrt(fan_in)
    return (rows if bits is None else np.round(rows * 2.0**bits) / 2.0**bits).tolist()


def _groups(rng: np.random.Generator, sizes: Sequence[int]) -> Layer:
    """Group consecutive inputs, in a random order within each group."""
    ends = np.cumsum(sizes).tolist()
    return (
        "max",
        [(end - size + rng.permutation(size)).tolist() for end, size in zip(ends, sizes, strict=True)],
    )


def _units(rng: np.random.Generator, width: int, *, dyadic: bool) -> Layer:
    """Draw one activation for the layer, or one for each unit."""
    choices = DYADIC_ACTIVATIONS if dyadic else ACTIVATIONS
    picks = [0 if rng.random() < 0.5 else int(rng.integers(len(choices)))] * width
    if rng.random() < 0.25:
        picks = rng.integers(len(choices), size=width).tolist()
    return ("scalar", [choices[i] for i in picks])


def _pairs(rows: list[Row], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw pairs of distinct rows, at least one if there are two rows."""
    n = len(rows)
    count = int(rng.integers(1, n)) if n > 1 else 0
    draws = [rng.choice(n, size=2, replace=False).tolist() for _ in range(count)]
    return [(i, j) for i, j in draws]


def _pass_through(row: Row, point: Sequence[Fraction], layers: Sequence[Layer]) -> None:
    """Choose the bias of a row so that it vanishes exactly at the image of a point under the layers."""
    image, _ = evaluate(layers, point)
    row[-1] = _float(-sum((Fraction(w) * z for w, z in zip(row[:-1], image, strict=True)), Fraction(0)))


def _float(value: Fraction) -> float:
    """Convert a fraction that is a float."""
    result = float(value)
    if Fraction(result) != value:
        raise ValueError(f"{value} is not a float")
    return result
