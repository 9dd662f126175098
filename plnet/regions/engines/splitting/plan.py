"""From a problem to the arrays of the kernels.

A kernel works in its own coordinates s with ``t = centre + scale * s``, chosen so that a
bounded domain lies in [-1, 1]^d. The change of coordinates is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from plnet.budgets import look
from plnet.geometry.cells import AnyCell
from plnet.geometry.exact import RationalMatrix, rational
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.ir.operators import SparseAffine
from plnet.regions.engines.splitting.integer_bound import exact_form_bits, vertices_are_exact
from plnet.regions.engines.splitting.kernel_layers import (
    KernelLayer,
    Matrix,
    Rows,
    columns_of,
    fused,
    kernel_layers,
    rows_of,
)
from plnet.regions.engines.splitting.operator_runs import (
    RowRuns,
    operator_order,
    operator_runs,
    repeated,
    selected_runs,
)
from plnet.regions.engines.splitting.origins import origins
from plnet.regions.engines.splitting.wall_classes import wall_classes
from plnet.regions.kernels.layout import GROUP, N_UNITS, UNIT0, Plan
from plnet.regions.problem import Block, Problem

__all__ = [
    "FLOOR",
    "LARGEST",
    "SMALLEST",
    "Frame",
    "SplittingPlan",
    "is_homogeneous",
    "prepare",
    "product_in_range",
    "row_forms",
    "starts_of",
]

FLOOR = 1e-250
"""Added to every radius that is not exactly zero, so that underflow cannot hide an error."""

_TINY = 1e-200
"""Below this a form is treated as rounded, because its products may underflow."""

_WORK, _MOST_STEPS = 1 << 31, 4_000_000
"""Products, and cells, between two looks at the budget."""

SMALLEST, LARGEST = 2.0**-150, 2.0**150
"""Range of weights in which no product of the kernel underflows unnoticed or overflows."""


@dataclass(frozen=True)
class Frame:
    """The kernel's coordinates: ``t = centre + scale * s``, both exact."""

    centre: tuple[Fraction, ...]
    scale: tuple[Fraction, ...]

    @cached_property
    def _change(self) -> RationalMatrix | None:
        """Matrix of the change of coordinates; None for none."""
        d = len(self.centre)
        if not any(self.centre) and set(self.scale) == {1}:
            return None
        columns = np.full((d + 1, d + 1), Fraction(0), dtype=object)
        for axis in range(d):
            columns[axis, axis], columns[axis, d] = self.scale[axis], self.centre[axis]
        columns[d, d] = Fraction(1)
        return rational(columns)

    def forms(self, matrix: RationalMatrix) -> RationalMatrix:
        """Express forms in t as forms in s."""
        return matrix if self._change is None else matrix @ self._change

    def vertex(self, vertex: tuple[int, ...]) -> tuple[Fraction, ...]:
        """Express a homogeneous vertex in t in s, scaled to largest entry 1."""
        w = vertex[-1]
        moved = zip(vertex[:-1], self.centre, self.scale, strict=True)
        point = [*((x - centre * w) / scale for x, centre, scale in moved), Fraction(w)]
        size = max(abs(p) for p in point)
        return tuple(p / size for p in point)


@dataclass(frozen=True, eq=False)
class SplittingPlan:
    """A problem ready for the kernel.

    Parameters
    ----------
    problem : Problem
    plan : Plan
    frame : Frame
    labels : ndarray of int, shape (units, pieces)
        The piece of the network that each piece of the kernel stands for.
    exact_arithmetic : bool
        All numbers of the kernel are integers times powers of two without rounding; for d > 2
        this holds for forms, and the kernel checks it for vertices.
    bits : int
        All forms are integers times ``2**-bits`` if `exact_arithmetic`.
    rows : tuple
        Which rows of each nonlinear layer of the network belong to which unit.
    levels : tuple of int
        The layer of the kernel that each nonlinear layer of the network is.
    """

    problem: Problem
    plan: Plan
    frame: Frame
    labels: np.ndarray
    exact_arithmetic: bool
    bits: int
    rows: tuple[Rows, ...]
    levels: tuple[int, ...]

    @cached_property
    def depths(self) -> np.ndarray:
        """The nonlinear layer of the network that each layer of the kernel is, -1 for those in between."""
        out = np.full(len(self.plan.layers), -1, np.int64)
        out[list(self.levels)] = np.arange(len(self.levels))
        return out

    def units_of(self, depth: int) -> slice:
        """Return the units of the kernel that belong to a nonlinear layer of the network."""
        begin, n = self.plan.layers[self.levels[depth], [UNIT0, N_UNITS]].tolist()
        return slice(begin, begin + n)


def prepare(problem: Problem, keeping: bool = False) -> SplittingPlan | None:
    """Return the plan for the kernel, or None where its number range does not suffice.

    Parameters
    ----------
    problem : Problem
    keeping : bool
        Whether regions are kept. Their vertices are measured, so forms get running error bounds; to count,
        bounds from the number of terms do, and are faster.
    """
    blocks = problem.blocks
    if not _in_range(blocks):
        return None
    layers = kernel_layers(blocks, dense=problem.dim > 2)
    entering = problem.forms(())
    bits = exact_form_bits(problem, entering)
    if len(layers) > len(blocks):
        bits = None
    exact = bits is not None and (problem.dim > 2 or vertices_are_exact(problem, entering))
    homogeneous = not exact and not any(entering.integers[:, -1]) and is_homogeneous(blocks)
    frame = Frame((Fraction(0),) * problem.dim, (Fraction(1),) * problem.dim)
    if problem.root.bounded and not exact:
        frame = _fit(problem.root, centred=homogeneous)
    look()
    rows = [_rows(layer, place) for place, layer in enumerate(layers)]
    maps = [_first_map(layers[0]), *map(fused, layers[1:])]
    gamma = [0.0 if exact else _gamma(m, keeping) for m in maps]
    biases = [_biases(m, r, g, exact) for m, r, g in zip(maps, rows, gamma, strict=True)]
    pieces = [_pieces(layer.nonlinear, r) for layer, r in zip(layers, rows, strict=True)]
    look()
    numbered = list(zip(maps[1:], layers[1:], strict=True))
    plan = Plan(
        **_tables(layers, rows, pieces, entering),
        **_weights(layers, rows, maps),
        pieces=np.array(
            [row for layer in pieces for unit in layer for row in unit], dtype=np.float64
        ).reshape(-1, 3),
        bias=np.stack([_join([b[0] for b in biases]), _join([b[1] for b in biases])], axis=1),
        gamma=np.array(gamma),
        widest=max(2, *(int(r.count[r.kind == GROUP].max(initial=0)) for r in rows)),
        unit_roundoff=0.0 if exact else UNIT_ROUNDOFF,
        tracking=UNIT_ROUNDOFF if keeping and not exact else 0.0,
        homogeneous=homogeneous,
        floor=0.0 if exact else FLOOR,
        steps=max(64, min(_MOST_STEPS, _WORK // max([1, *(_entries(m, layer) for m, layer in numbered)]))),
    )
    levels = tuple(place for place, layer in enumerate(layers) if layer.depth is not None)
    own = tuple(rows[place] for place in levels)
    return SplittingPlan(problem, plan, frame, _labels(layers), exact, bits or 0, own, levels)


def _gamma(matrix: Matrix, keeping: bool) -> float:
    """Return how much a form is rounded, relative to its terms: each product only, or the additions too."""
    roundings = 8 if keeping else 1.05 * (matrix.terms + 12)
    return roundings * UNIT_ROUNDOFF + matrix.theta


def _entries(matrix: Matrix, layer: KernelLayer) -> int:
    """Return the number of products that a map takes for one column of a form."""
    return layer.nonlinear.n_in * matrix.terms


def _first_map(layer: KernelLayer) -> Matrix:
    """The first map is part of the exact forms that are loaded, so nothing of it is needed."""
    n = layer.nonlinear.n_in
    return Matrix(None, None, np.zeros(n), np.zeros(n), 0.0, 0)


def _rows(layer: KernelLayer, place: int) -> Rows:
    operator = layer.operator
    if place == 0 or operator is None or isinstance(layer.nonlinear, GroupMax):
        return rows_of(layer.nonlinear)
    return rows_of(layer.nonlinear, operator_order(operator))


def _tables(
    layers: list[KernelLayer], rows: list[Rows], pieces: list, entering: RationalMatrix
) -> dict[str, np.ndarray]:
    """Return the tables of rows and units."""
    classes = [
        wall_classes(layer.affine if place else None, entering, r)
        for place, (layer, r) in enumerate(zip(layers, rows, strict=True))
    ]
    columns = [columns_of(layer.nonlinear, r) for layer, r in zip(layers, rows, strict=True)]
    levels = [np.full(len(r.kind), place) for place, r in enumerate(rows)]
    return {
        "rows": _table(
            [
                _join([r.unit for r in rows]),
                _join([r.piece for r in rows]),
                _join([r.wall for r in rows]),
                _join([k[0] for k in classes]),
                _join([k[1] for k in classes]),
                _join(origins(layers, rows)),
            ]
        ),
        "units": _table(
            [
                _join([r.kind for r in rows]),
                _join([r.first for r in rows]),
                _join([r.count for r in rows]),
                starts_of([len(p) for layer in pieces for p in layer]),
                _join([found[1] for found in columns]),
                _join([found[2] for found in columns]),
                _join(levels),
            ]
        ),
    }


def _weights(layers: list[KernelLayer], rows: list[Rows], maps: list[Matrix]) -> dict[str, np.ndarray]:
    """Return the table of layers and the weights: dense ones, and runs of the operators."""
    dense, sizes, weight0, run0 = [np.zeros(0)], [np.zeros(0)], [0], [-1]
    run_starts, runs, pools = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)], [np.zeros(0)]
    used = n_columns = n_runs = n_pool = 0
    for place in range(1, len(layers)):
        layer, r, m = layers[place], rows[place], maps[place]
        columns = columns_of(layers[place - 1].nonlinear, rows[place - 1])[0]
        weight0.append(used)
        if m.weight is not None and m.size is not None:
            dense.append(m.weight[r.source][:, columns].T.ravel())
            sizes.append(m.size[r.source][:, columns].T.ravel())
            used += len(dense[-1])
            run0.append(-1)
            continue
        found = _runs(layer, r)
        inverse = np.empty(len(columns), np.int64)
        inverse[columns] = np.arange(len(columns))
        starts, table = found.moved(inverse, 0, n_pool).by_column(len(columns))
        run0.append(n_columns)
        run_starts.append(starts + n_runs)
        runs.append(table)
        pools.append(found.pool)
        n_columns, n_runs, n_pool = n_columns + len(starts), n_runs + len(table), n_pool + len(found.pool)
    counts = [len(r.unit) for r in rows], [len(r.kind) for r in rows]
    walls = [int(r.wall.sum()) for r in rows]
    return {
        "layers": _table([*counts, *map(starts_of, counts), weight0, run0, walls]),
        "weights": np.stack([_join(dense), _join(sizes)]),
        "run_starts": np.concatenate(run_starts),
        "runs": np.ascontiguousarray(np.concatenate(runs)),
        "pool": np.concatenate(pools),
    }


def _runs(layer: KernelLayer, rows: Rows) -> RowRuns:
    operator = layer.operator
    assert operator is not None
    if isinstance(layer.nonlinear, GroupMax):
        assert isinstance(operator, SparseAffine)
        return selected_runs(operator, rows.source)
    return repeated(operator_runs(operator), len(rows.unit) // operator.n_out, operator.n_out)


def row_forms(prepared: SplittingPlan, depth: int, forms: RationalMatrix) -> tuple[np.ndarray, np.ndarray]:
    """Round exact forms that enter a layer to kernel rows, shape (rows, d + 1), with radii (rows,)."""
    r = prepared.rows[depth]
    moved = prepared.frame.forms(forms)
    common, shifts = moved.denominator, [float(s).as_integer_ratio() for s in r.shift.tolist()]
    integers = moved.integers[r.source]
    out = np.empty((len(r.unit), moved.shape[1]))
    radius = np.zeros(len(r.unit))
    for i, ((top, bottom), row) in enumerate(zip(shifts, integers.tolist(), strict=True)):
        exact = [x * bottom for x in row]
        exact[-1] -= top * common
        scale = common * bottom
        out[i], radius[i] = _rounded(exact, scale, prepared.plan.floor)
    return out, radius


def _rounded(integers: list[int], scale: int, floor: float) -> tuple[list[float], float]:
    """Round a row, and return the sum of the rounding errors."""
    try:
        values = [x / scale for x in integers]
    except OverflowError:
        return [np.nan] * len(integers), np.inf
    radius = 0.0
    for x, value in zip(integers, values, strict=True):
        top, bottom = value.as_integer_ratio()
        if top * scale != x * bottom or 0.0 < abs(value) < _TINY:
            radius += 2 * UNIT_ROUNDOFF * abs(value) + floor
    return values, radius


def _pieces(layer: ScalarPWL | GroupMax, rows: Rows) -> list[list[tuple[float, float, float]]]:
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


def _biases(matrix: Matrix, rows: Rows, gamma: float, exact: bool) -> tuple[np.ndarray, np.ndarray]:
    bias, size = matrix.bias, matrix.bias_size
    value = bias[rows.source] - rows.shift
    if exact:
        return value, np.zeros(len(value))
    magnitude = size[rows.source] + np.abs(rows.shift)
    return value, gamma * magnitude + np.where(magnitude > 0, FLOOR, 0.0)


def _labels(layers: list[KernelLayer]) -> np.ndarray:
    """Piece of the network for each piece of the kernel, shape (units, pieces)."""
    tables = []
    for one in layers:
        layer = one.nonlinear
        if isinstance(layer, GroupMax):
            for members in layer.groups.tolist():
                tables.append(sorted({index: p for p, index in enumerate(members)}.values()))
        else:
            tables += [list(range(int(n))) for n in layer.n_pieces]
    width = max(map(len, tables), default=1)
    return np.array([table + [0] * (width - len(table)) for table in tables], np.int32).reshape(-1, width)


def _fit(cell: AnyCell, centred: bool) -> Frame:
    """Return coordinates in which a bounded cell lies in [-1, 1]^d."""
    centre, scale = [], []
    for axis in range(cell.dim):
        values = [Fraction(v[axis], v[-1]) for v in cell.vertices]
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
    return Frame(tuple(centre), tuple(scale))


def is_homogeneous(blocks: tuple[Block, ...]) -> bool:
    """Whether every constant behind the first layer's inputs is exactly zero."""
    for depth, block in enumerate(blocks):
        layer = block.nonlinear
        if isinstance(layer, ScalarPWL) and (
            layer.anchors.any() or (layer.breakpoints[layer.breakpoints < np.inf] != 0).any()
        ):
            return False
        if depth and any(affine.bias.any() for affine in block.affine):
            return False
    return True


def product_in_range(affine: tuple[Affine, ...]) -> bool:
    """Whether the product of affine layers in a row neither underflows nor overflows."""
    sizes = [np.abs(layer.stored[layer.stored != 0]) for layer in affine]
    lowest = sum(np.log2(s.min(initial=1.0)) for s in sizes)
    highest = sum(np.log2(s.max(initial=1.0) * layer.n_terms) for s, layer in zip(sizes, affine, strict=True))
    return bool(lowest > np.log2(SMALLEST) and highest < np.log2(LARGEST))


def _quotients(affine: Affine) -> np.ndarray:
    return np.zeros(0) if affine.divisors is None else 1.0 / affine.divisors


def _in_range(blocks: tuple[Block, ...]) -> bool:
    for block in blocks:
        if len(block.affine) > 1 and not product_in_range(block.affine):
            return False
        arrays = [a for affine in block.affine for a in (affine.stored, affine.bias, _quotients(affine))]
        if isinstance(block.nonlinear, ScalarPWL):
            layer = block.nonlinear
            arrays += [layer.slopes, layer.anchors, layer.breakpoints[layer.breakpoints < np.inf]]
            arrays.append(layer.intercepts)
        elif block.nonlinear.groups.shape[1] > 4000:
            return False
        for array in arrays:
            sizes = np.abs(array[array != 0])
            if sizes.size and (sizes.min() < SMALLEST or sizes.max() > LARGEST):
                return False
        if block.nonlinear.n_units >= 1 << 24 or block.nonlinear.n_pieces.max(initial=0) > 4000:
            return False
    return True


def starts_of(sizes: list[int]) -> list[int]:
    """Return where each of some consecutive parts begins."""
    return [0, *np.cumsum(sizes).tolist()][:-1]


def _table(columns: list) -> np.ndarray:
    return np.ascontiguousarray(np.stack([np.asarray(column, np.int64) for column in columns], axis=1))


def _join(parts: list) -> np.ndarray:
    return np.concatenate([np.asarray(part).ravel() for part in parts])
