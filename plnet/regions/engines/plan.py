"""From a problem to the arrays of the two-dimensional kernel.

The kernel works in its own coordinates s with ``t = centre + scale * s``, chosen so that a
bounded domain lies in [-1, 1]^2. The change of coordinates is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from plnet.geometry.cells import Cell
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.regions.engines.integer_bound import arithmetic_is_exact
from plnet.regions.engines.wall_classes import wall_classes
from plnet.regions.kernels.layout import GROUP, SCALAR, SINGLE, Plan
from plnet.regions.problem import Block, Problem

__all__ = ["Frame", "Prepared", "prepare", "row_forms"]

FLOOR = 1e-250
"""Added to every radius that is not exactly zero, so that underflow cannot hide an error."""

_TINY = 1e-200
"""Below this a form is treated as rounded, because its products may underflow."""

_SMALLEST, _LARGEST = 2.0**-150, 2.0**150
"""Range of weights in which no product of the kernel underflows unnoticed or overflows."""


@dataclass(frozen=True)
class Frame:
    """The kernel's coordinates: ``t = centre + scale * s``, both exact."""

    centre: tuple[Fraction, Fraction]
    scale: tuple[Fraction, Fraction]

    def forms(self, matrix: RationalMatrix) -> RationalMatrix:
        """Express forms in t as forms in s."""
        if self.centre == (0, 0) and self.scale == (1, 1):
            return matrix
        columns = np.array(
            [[self.scale[0], 0, self.centre[0]], [0, self.scale[1], self.centre[1]], [0, 0, 1]], dtype=object
        )
        denominator = np.lcm.reduce([int(Fraction(x).denominator) for x in columns.flat], dtype=object)
        change = object_array([int(Fraction(x) * denominator) for x in columns.flat], (3, 3))
        return matrix @ RationalMatrix(change, int(denominator))

    def vertex(self, vertex: tuple[int, ...]) -> tuple[Fraction, Fraction, Fraction]:
        """Express a homogeneous vertex in t in s, scaled to largest entry 1."""
        x, y, w = vertex
        point = (
            (x - self.centre[0] * w) / self.scale[0],
            (y - self.centre[1] * w) / self.scale[1],
            Fraction(w),
        )
        size = max(abs(p) for p in point)
        return (point[0] / size, point[1] / size, point[2] / size)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which row of a layer belongs to which unit."""

    unit: np.ndarray
    piece: np.ndarray
    source: np.ndarray
    shift: np.ndarray
    wall: np.ndarray
    kind: np.ndarray
    first: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class Prepared:
    """A problem ready for the kernel.

    Parameters
    ----------
    problem : Problem
    plan : Plan
    frame : Frame
    labels : ndarray of int, shape (units, pieces)
        The piece of the network that each piece of the kernel stands for.
    exact_arithmetic : bool
        All numbers of the kernel are integers times powers of two without rounding.
    rows : tuple
        Which rows of each layer belong to which unit.
    """

    problem: Problem
    plan: Plan
    frame: Frame
    labels: np.ndarray
    exact_arithmetic: bool
    rows: tuple[_Rows, ...]


def prepare(problem: Problem) -> Prepared | None:
    """Return the plan for the kernel, or None where its number range does not suffice."""
    blocks = problem.blocks
    if not _in_range(blocks):
        return None
    rows = [_rows(block.nonlinear) for block in blocks]
    entering = problem.forms(())
    exact = problem.root.bounded and arithmetic_is_exact(problem, entering)
    homogeneous = not exact and _is_homogeneous(blocks, entering)
    frame = Frame((Fraction(0), Fraction(0)), (Fraction(1), Fraction(1)))
    if problem.root.bounded and not exact:
        frame = _fit(problem.root, centred=homogeneous)
    maps = [_fused(block.affine, block.nonlinear.n_in) for block in blocks]
    pieces = [_pieces(block.nonlinear, r) for block, r in zip(blocks, rows, strict=True)]
    width = [0, *(block.nonlinear.n_out for block in blocks)]
    theta = [fused[3] for fused in maps]
    gamma = [
        0.0 if exact else 1.05 * (n + 12) * UNIT_ROUNDOFF + t for n, t in zip(width, theta, strict=False)
    ]
    biases = [_biases(fused, r, g, exact) for fused, r, g in zip(maps, rows, gamma, strict=True)]
    weights = [np.zeros(0)] + [m[0][r.source].T.ravel() for m, r in zip(maps[1:], rows[1:], strict=True)]
    weights_abs = [np.zeros(0)] + [m[1][r.source].T.ravel() for m, r in zip(maps[1:], rows[1:], strict=True)]
    classes = [wall_classes(problem, depth, r.source, r.shift, r.wall) for depth, r in enumerate(rows)]
    starts = [len(r.unit) for r in rows], [len(r.kind) for r in rows], [len(w) for w in weights]
    plan = Plan(
        layers=_table([*starts[:2], *map(_starts, starts)]),
        rows=_table(
            [
                _join([r.unit for r in rows]),
                _join([r.piece for r in rows]),
                _join([r.wall for r in rows]),
                _join([k[0] for k in classes]),
                _join([k[1] for k in classes]),
            ]
        ),
        units=_table(
            [
                _join([r.kind for r in rows]),
                _join([r.first for r in rows]),
                _join([r.count for r in rows]),
                _starts([len(p) for layer in pieces for p in layer]),
            ]
        ),
        pieces=np.array(
            [row for layer in pieces for unit in layer for row in unit], dtype=np.float64
        ).reshape(-1, 3),
        weights=np.stack([_join(weights), _join(weights_abs)]),
        bias=np.stack([_join([b[0] for b in biases]), _join([b[1] for b in biases])], axis=1),
        gamma=np.array(gamma),
        widest=max(2, *(int(r.count.max(initial=0)) for r in rows)),
        unit_roundoff=0.0 if exact else UNIT_ROUNDOFF,
        homogeneous=homogeneous,
        floor=0.0 if exact else FLOOR,
    )
    return Prepared(problem, plan, frame, _labels(blocks), exact, tuple(rows))


def row_forms(prepared: Prepared, depth: int, forms: RationalMatrix) -> tuple[np.ndarray, np.ndarray]:
    """Round exact forms that enter a layer to kernel rows, shape (rows, 3), with radii (rows,)."""
    r = prepared.rows[depth]
    moved = prepared.frame.forms(forms)
    common, shifts = moved.denominator, [float(s).as_integer_ratio() for s in r.shift.tolist()]
    integers = moved.integers[r.source]
    out = np.empty((len(r.unit), 3))
    radius = np.zeros(len(r.unit))
    for i, ((top, bottom), row) in enumerate(zip(shifts, integers.tolist(), strict=True)):
        exact = [row[0] * bottom, row[1] * bottom, row[2] * bottom - top * common]
        scale = common * bottom
        out[i], radius[i] = _rounded(exact, scale, prepared.plan.floor)
    return out, radius


def _rounded(integers: list[int], scale: int, floor: float) -> tuple[list[float], float]:
    """Round a row, and return the sum of the rounding errors."""
    try:
        values = [x / scale for x in integers]
    except OverflowError:
        return [np.nan, np.nan, np.nan], np.inf
    radius = 0.0
    for x, value in zip(integers, values, strict=True):
        top, bottom = value.as_integer_ratio()
        if top * scale != x * bottom or 0.0 < abs(value) < _TINY:
            radius += 2 * UNIT_ROUNDOFF * abs(value) + floor
    return values, radius


def _rows(layer: ScalarPWL | GroupMax) -> _Rows:
    unit, piece, source, shift, wall = [], [], [], [], []
    kind, first, count = [], [], []
    for u in range(layer.n_out):
        first.append(len(unit))
        if isinstance(layer, GroupMax):
            members = layer.groups[u].tolist()
            last = sorted({index: p for p, index in enumerate(members)}.items(), key=lambda pair: pair[1])
            found = [(p, index, 0.0, 0) for index, p in last]
            kind.append(GROUP if len(last) > 1 else SINGLE)
        else:
            points = layer.breakpoints[u, : layer.n_pieces[u] - 1].tolist()
            found = [(k, u, t, 1) for k, t in enumerate(points)] or [(0, u, 0.0, 0)]
            kind.append(SCALAR if points else SINGLE)
        for p, index, t, is_wall in found:
            unit.append(u)
            piece.append(p)
            source.append(index)
            shift.append(t)
            wall.append(is_wall)
        count.append(len(found))
    return _Rows(
        unit=np.array(unit, np.int64),
        piece=np.array(piece, np.int64),
        source=np.array(source, np.int64),
        shift=np.array(shift, np.float64),
        wall=np.array(wall, np.int64),
        kind=np.array(kind, np.int64),
        first=np.array(first, np.int64),
        count=np.array(count, np.int64),
    )


def _pieces(layer: ScalarPWL | GroupMax, rows: _Rows) -> list[list[tuple[float, float, float]]]:
    """For each unit and piece: slope, shift, and error of the shift."""
    if isinstance(layer, GroupMax):
        return [[(1.0, 0.0, 0.0)] * int(count) for count in rows.count]
    first, inverse = layer.kinds
    found = [_pieces_of(layer, unit, float(rows.shift[rows.first[unit]])) for unit in first.tolist()]
    return [found[i] for i in inverse.tolist()]


def _pieces_of(layer: ScalarPWL, unit: int, start: float) -> list[tuple[float, float, float]]:
    out = []
    for p in range(int(layer.n_pieces[unit])):
        exact = layer.exact_slopes[unit, p] * Fraction(start) + layer.exact_intercepts[unit, p]
        shift = float(exact)
        error = 0.0 if Fraction(shift) == exact else 2 * UNIT_ROUNDOFF * abs(shift) + FLOOR
        out.append((float(layer.slopes[unit, p]), shift, error))
    return out


def _fused(affine: tuple[Affine, ...], n_in: int) -> tuple[np.ndarray, np.ndarray, tuple, float]:
    """Multiply affine layers: weights, bound of their size, (bias, bound of its size), relative error."""
    if not affine:
        return np.eye(n_in), np.eye(n_in), (np.zeros(n_in), np.zeros(n_in)), 0.0
    weight, bias = affine[0].weight, affine[0].bias
    size, bias_size = np.abs(weight), np.abs(bias)
    terms = 0
    for layer in affine[1:]:
        steep = np.abs(layer.weight)
        weight, size = layer.weight @ weight, steep @ size
        bias, bias_size = layer.weight @ bias + layer.bias, steep @ bias_size + np.abs(layer.bias)
        terms += layer.n_in + 3
    return weight, size * (1 + 1e-9 if terms else 1), (bias, bias_size), 1.1 * terms * UNIT_ROUNDOFF


def _biases(fused: tuple, rows: _Rows, gamma: float, exact: bool) -> tuple[np.ndarray, np.ndarray]:
    bias, size = fused[2]
    value = bias[rows.source] - rows.shift
    if exact:
        return value, np.zeros(len(value))
    magnitude = size[rows.source] + np.abs(rows.shift)
    return value, gamma * magnitude + np.where(magnitude > 0, FLOOR, 0.0)


def _labels(blocks: tuple[Block, ...]) -> np.ndarray:
    """Piece of the network for each piece of the kernel, shape (units, pieces)."""
    tables = []
    for block in blocks:
        layer = block.nonlinear
        if isinstance(layer, GroupMax):
            for members in layer.groups.tolist():
                tables.append(sorted({index: p for p, index in enumerate(members)}.values()))
        else:
            tables += [list(range(int(n))) for n in layer.n_pieces]
    width = max(map(len, tables), default=1)
    return np.array([table + [0] * (width - len(table)) for table in tables], np.int32).reshape(-1, width)


def _fit(cell: Cell, centred: bool) -> Frame:
    """Return coordinates in which a bounded cell lies in [-1, 1]^2."""
    centre, scale = [], []
    for axis in range(2):
        values = [Fraction(v[axis], v[2]) for v in cell.vertices]
        low, high = min(values), max(values)
        middle = Fraction(0) if centred else Fraction(float((low + high) / 2))
        reach = max(high - middle, middle - low)
        exponent = 0
        while Fraction(2) ** exponent < reach:
            exponent += 1
        while Fraction(2) ** (exponent - 1) >= reach:
            exponent -= 1
        centre.append(middle)
        scale.append(Fraction(2) ** exponent)
    return Frame((centre[0], centre[1]), (scale[0], scale[1]))


def _is_homogeneous(blocks: tuple[Block, ...], entering: RationalMatrix) -> bool:
    """Whether every constant in the network is exactly zero on the domain."""
    if any(entering.integers[:, -1]):
        return False
    for depth, block in enumerate(blocks):
        layer = block.nonlinear
        if isinstance(layer, ScalarPWL) and (
            layer.anchors.any() or (layer.breakpoints[layer.breakpoints < np.inf] != 0).any()
        ):
            return False
        if depth and any(affine.bias.any() for affine in block.affine):
            return False
    return True


def _product_in_range(affine: tuple[Affine, ...]) -> bool:
    """Whether the product of affine layers in a row neither underflows nor overflows."""
    sizes = [np.abs(layer.weight[layer.weight != 0]) for layer in affine]
    lowest = sum(np.log2(s.min(initial=1.0)) for s in sizes)
    highest = sum(np.log2(s.max(initial=1.0) * layer.n_in) for s, layer in zip(sizes, affine, strict=True))
    return bool(lowest > np.log2(_SMALLEST) and highest < np.log2(_LARGEST))


def _in_range(blocks: tuple[Block, ...]) -> bool:
    for block in blocks:
        if len(block.affine) > 1 and not _product_in_range(block.affine):
            return False
        arrays = [a for affine in block.affine for a in (affine.weight, affine.bias)]
        if isinstance(block.nonlinear, ScalarPWL):
            layer = block.nonlinear
            arrays += [layer.slopes, layer.anchors, layer.breakpoints[layer.breakpoints < np.inf]]
            arrays.append(layer.intercepts)
        elif block.nonlinear.groups.shape[1] > 4000:
            return False
        for array in arrays:
            sizes = np.abs(array[array != 0])
            if sizes.size and (sizes.min() < _SMALLEST or sizes.max() > _LARGEST):
                return False
        if block.nonlinear.n_out >= 1 << 24 or block.nonlinear.n_pieces.max(initial=0) > 4000:
            return False
    return True


def _starts(sizes: list[int]) -> list[int]:
    return [0, *np.cumsum(sizes).tolist()][:-1]


def _table(columns: list) -> np.ndarray:
    return np.ascontiguousarray(np.stack([np.asarray(column, np.int64) for column in columns], axis=1))


def _join(parts: list) -> np.ndarray:
    return np.concatenate([np.asarray(part).ravel() for part in parts])
