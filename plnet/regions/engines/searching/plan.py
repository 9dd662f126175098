"""Flatten a network for the kernel of `search`, in rounded numbers with errors or in integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm, log2

import numpy as np

from plnet.geometry.exact import RationalMatrix, object_array, rational
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.regions.engines.searching.coordinates import Base, Root
from plnet.regions.engines.splitting.plan import (
    FLOOR,
    LARGEST,
    SMALLEST,
    is_homogeneous,
    product_in_range,
    starts_of,
)
from plnet.regions.kernels.search import layout as c
from plnet.regions.problem import Block, Problem

__all__ = ["SearchPlan", "cone_is_exact", "load_root", "make_plan", "rounded", "with_errors"]

UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True, eq=False)
class SearchPlan:
    """What all roots share.

    Parameters
    ----------
    plan : Plan
        Without the forms of a root.
    labels : ndarray of int, shape (outputs, pieces)
        Piece of the network that each piece of the kernel stands for.
    homogeneous : bool
        Whether all constants behind the first layer's inputs are exactly zero.
    scales : tuple of int
        Factor of the inputs of each layer; 1 for rounded numbers.
    """

    plan: c.Plan
    labels: np.ndarray
    homogeneous: bool
    scales: tuple[int, ...]


def make_plan(problem: Problem, *, integers: int = 0) -> SearchPlan:
    """Flatten a network.

    Parameters
    ----------
    problem : Problem
    integers : int
        0 for rounded numbers; otherwise the common denominator of the forms that enter the first layer
        in every root, by which the kernel's forms are multiplied.
    """
    blocks = problem.blocks
    maps = _integer_maps(blocks, integers) if integers else [_rounded_map(block) for block in blocks]
    outputs = [block.nonlinear.n_out for block in blocks]
    inputs = [block.nonlinear.n_in for block in blocks]
    walls = [_walls(block) for block in blocks]
    weights = [np.zeros((2, 0))] + [m.weights.reshape(2, -1) for m in maps[1:]]
    layers = np.stack(
        [
            inputs,
            outputs,
            starts_of([w.shape[1] for w in weights]),
            starts_of(inputs),
            starts_of(outputs),
            starts_of([len(w) for w, _ in walls]),
            [len(w) for w, _ in walls],
            [isinstance(block.nonlinear, GroupMax) for block in blocks],
        ],
        axis=1,
    ).astype(np.int64)
    members, labels = _members(blocks)
    width = max(2, labels.shape[1])
    table = [_pieces(block.nonlinear, m, width) for block, m in zip(blocks, maps, strict=True)]
    slopes, shifts, rounding, low, high = (np.concatenate(parts) for parts in zip(*table, strict=True))
    plan = c.Plan(
        layers=layers,
        weights=np.concatenate(weights, axis=1),
        bias=np.concatenate([m.bias for m in maps], axis=1),
        slopes=slopes,
        shifts=shifts,
        rounding=rounding,
        low=low,
        high=high,
        members=members,
        n_pieces=np.concatenate([block.nonlinear.n_pieces for block in blocks]),
        walls=np.concatenate([w for w, _ in walls]),
        points=np.concatenate([t * float(m.scale) for (_, t), m in zip(walls, maps, strict=True)]),
        first=np.zeros((2, inputs[0], 1)),
        facets=np.zeros((2, 0, 1)),
        # Where numbers may underflow, no floating-point proof is accepted.
        roundoff=UNIT_ROUNDOFF if _in_range(problem) else np.inf,
        floor=FLOOR,
        scaled=True,
        exact=integers > 0,
    )
    return SearchPlan(plan, labels, is_homogeneous(blocks), tuple(m.scale for m in maps))


@dataclass(frozen=True, eq=False)
class _Map:
    """One affine map: weights and bias with errors, and the factor of the forms behind it."""

    weights: np.ndarray
    bias: np.ndarray
    scale: int = 1
    slopes: np.ndarray | None = None
    shifts: np.ndarray | None = None


def _rounded_map(block: Block) -> _Map:
    layer = block.nonlinear
    if not block.affine:
        weight, bias = np.eye(layer.n_in), np.zeros(layer.n_in)
        return _Map(np.stack([weight, 0 * weight]), np.stack([bias, bias]))
    weight, bias = block.affine[0].weight, block.affine[0].bias
    size, bias_size = block.affine[0].weight_size, np.abs(bias)
    terms = sum(affine.n_terms + 2 for affine in block.affine if not affine.has_exact_weight)
    for affine in block.affine[1:]:
        steep = affine.weight_size
        weight, size = affine.weight @ weight, steep @ size
        bias, bias_size = affine.weight @ bias + affine.bias, steep @ bias_size + np.abs(affine.bias)
        terms += affine.n_in + 3
    error = 1.1 * terms * UNIT_ROUNDOFF
    floor = FLOOR if terms else 0.0
    return _Map(
        np.stack([weight, error * size + np.where(size > 0, floor, 0)]),
        np.stack([bias, error * bias_size + np.where(bias_size > 0, floor, 0)]),
    )


def exact_map(affine: tuple[Affine, ...], n_in: int) -> tuple[RationalMatrix, RationalMatrix]:
    """Return weight and bias of some affine layers in a row, exactly."""
    if not affine:
        return rational(np.eye(n_in)), rational(np.zeros((n_in, 1)))
    weight, bias = affine[0].exact
    for layer in affine[1:]:
        steep, shift = layer.exact
        weight, bias = steep @ weight, (steep @ bias) + shift
    return weight.reduced(), bias.reduced()


def _integer_maps(blocks: tuple[Block, ...], scale: int) -> list[_Map]:
    """Multiply every layer by what makes its forms integers."""
    maps = []
    for depth, block in enumerate(blocks):
        layer = block.nonlinear
        if depth == 0:
            weights, bias = np.zeros((2, layer.n_in, 0)), np.zeros((2, layer.n_in))
        else:
            weight, shift = exact_map(block.affine, layer.n_in)
            common = lcm(weight.denominator, shift.denominator)
            values = weight.over(common).astype(float)
            offsets = (shift.over(common)[:, 0] * scale).astype(float)
            weights, bias = np.stack([values, 0 * values]), np.stack([offsets, 0 * offsets])
            scale *= common
        if isinstance(layer, GroupMax):
            maps.append(_Map(weights, bias, scale))
            continue
        slopes, intercepts, common = layer.integer_pieces
        maps.append(_Map(weights, bias, scale, slopes.astype(float), (intercepts * scale).astype(float)))
        scale *= common
    return maps


def integer_bound(problem: Problem, scale: int, coefficients: int, size: int) -> bool:
    """Say whether the kernel can compute in integers without overflow.

    Parameters
    ----------
    problem : Problem
    scale : int
        Factor of the forms that enter the first layer.
    coefficients : int
        Bound of their coefficients, and of those of the facets, after multiplication.
    size : int
        Number of coordinates.

    Notes
    -----
    Entries of a dictionary are minors of the cuts' coefficients; Hadamard's inequality bounds them.
    """
    bound = largest = coefficients
    for depth, block in enumerate(problem.blocks):
        layer = block.nonlinear
        if depth:
            weight, shift = exact_map(block.affine, layer.n_in)
            common = lcm(weight.denominator, shift.denominator)
            rows = np.abs(weight.over(common)).sum(axis=1) if weight.shape[1] else np.zeros(1, object)
            bound = int(max(rows)) * bound + int(max(np.abs(shift.over(common)[:, 0]))) * scale
            scale *= common
        if isinstance(layer, ScalarPWL):
            for t in layer.breakpoints[layer.breakpoints < np.inf].tolist():
                if (Fraction(t) * scale).denominator != 1:
                    return False
            reach = float(np.abs(layer.breakpoints[layer.breakpoints < np.inf]).max(initial=0.0))
            largest = max(largest, bound + int(reach * scale) + 1)
            slopes, intercepts, common = layer.integer_pieces
            bound = int(np.abs(slopes).max()) * bound + int(np.abs(intercepts).max()) * scale
            scale *= common
        else:
            largest = max(largest, 2 * bound)
        largest = max(largest, bound)
        if largest > 2**40:
            return False
    minor = size * (log2(largest) + log2(size) / 2)
    return 1 + minor + max(minor, log2(size * largest)) < 52


def load_root(network: SearchPlan, root: Root) -> tuple[c.Plan, np.ndarray]:
    """Return the plan for one root, and which of its coordinates the kernel keeps.

    A coordinate that nothing depends on but its own unit, in a piece with slope 0, is left out.
    """
    plan = network.plan
    first, facets = root.in_cone(root.base.first), root.facets()
    keep = np.ones(len(root.columns), bool)
    for k, (j, _) in enumerate(root.columns):
        unit = root.base.units[j]
        if unit < 0 or plan.slopes[unit, root.chosen[j].piece] != 0.0:
            continue
        used = first.integers[:, k] != 0
        keep[k] = used.sum() > 1 or any(facets.integers[:, k])
    constant = first.integers[:, -1].any() or facets.integers[:, -1].any()
    scaled = not network.homogeneous or bool(constant) or not keep.any()
    columns = np.append(keep, scaled)
    scale = network.scales[0]
    return (
        plan._replace(
            first=with_errors(RationalMatrix(first.integers[:, columns] * scale, first.denominator)),
            facets=_facet_rows(facets.integers[:, columns], plan.exact),
            scaled=scaled,
        ),
        columns,
    )


def cone_is_exact(problem: Problem, base: Base) -> int:
    """Return the factor that makes all forms integers that fit the kernel, or 0 if there is none."""
    scale, coefficients, size = 1, 1, base.size + 1 + base.units.count(-2)
    shifts = [interval.shift for choice in base.choices for interval in choice]
    widths = [i.width for choice in base.choices for i in choice if i.width is not None]
    scale = base.first.denominator * lcm(*(x.denominator for x in shifts))
    if scale > 2**40:
        return 0
    reach = 1 + int(max(map(abs, shifts), default=0))
    for form in (base.first, base.facets):
        if form.integers.size:
            biggest = int(np.abs(form.integers).max())
            coefficients = max(coefficients, biggest * scale * (1 + base.size * reach))
    for width in widths:
        coefficients = max(coefficients, width.numerator, width.denominator)
    if coefficients > 2**40:
        return 0
    if (
        is_homogeneous(problem.blocks)
        and not base.first.integers[:, -1].any()
        and not len(base.facets.integers)
    ):
        size = max(1, size - 1)
    return scale if integer_bound(problem, scale, coefficients, size) else 0


def with_errors(forms: RationalMatrix) -> np.ndarray:
    """Round forms to (2, n, k): values and bounds of the rounding."""
    values, errors = np.zeros(forms.shape), np.zeros(forms.shape)
    for i, j in np.argwhere(forms.integers != 0).tolist():
        index, x = (i, j), int(forms.integers[i, j])
        try:
            value = x / forms.denominator
        except OverflowError:
            errors[index] = np.inf
            continue
        top, bottom = value.as_integer_ratio()
        values[index] = value
        if top * forms.denominator != x * bottom:
            errors[index] = 2 * UNIT_ROUNDOFF * abs(value) + FLOOR
    return np.stack([values, errors])


def _facet_rows(integers: np.ndarray, exact: bool) -> np.ndarray:
    """Round half-spaces, which a positive factor does not change: integers, or entries of about 1."""
    rows = []
    for row in integers.tolist():
        divisor = gcd(*row) or 1
        entries = [x // divisor for x in row]
        size = 1 if exact else 1 << max(abs(x) for x in entries).bit_length()
        rows.append(with_errors(RationalMatrix(object_array(entries, (1, len(row))), size)))
    return np.concatenate(rows, axis=1) if rows else np.zeros((2, *integers.shape))


def rounded(point: list[Fraction], columns: np.ndarray) -> np.ndarray:
    """Round an exact point u with its scale to the coordinates that the kernel keeps, with sum 1."""
    kept = [x for x, keep in zip(point, columns, strict=True) if keep]
    total = sum(kept, Fraction(0)) or Fraction(1)
    return np.array([float(x / total) for x in kept])


def _pieces(layer: ScalarPWL | GroupMax, m: _Map, width: int) -> tuple[np.ndarray, ...]:
    """Slopes, shifts, relative rounding, least and greatest pre-activation of each piece."""
    n = layer.n_out
    shape = (n, width)
    slopes, shifts, rounding = np.ones(shape), np.zeros(shape), np.zeros(shape)
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    if isinstance(layer, GroupMax):
        return slopes, shifts, rounding, low, high
    pieces, q = layer.slopes.shape[1], layer.breakpoints.shape[1]
    slopes[:, :pieces] = layer.slopes if m.slopes is None else m.slopes
    shifts[:, :pieces] = layer.intercepts if m.shifts is None else m.shifts
    if m.slopes is None:
        plain = (shifts == 0) & np.isin(slopes, (-1.0, 0.0, 1.0))
        rounding[:] = np.where(plain, 0.0, 4 * UNIT_ROUNDOFF)
    points = layer.breakpoints * float(m.scale)
    low[:, 1 : q + 1] = np.where(points < np.inf, points, -np.inf)
    high[:, :q] = points
    return slopes, shifts, rounding, low, high


def _members(blocks: tuple[Block, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels of the pieces of each unit, shape (outputs, pieces) each."""
    rows, labels = [], []
    for block in blocks:
        layer = block.nonlinear
        if isinstance(layer, GroupMax):
            for group in layer.groups.tolist():
                last = sorted({index: p for p, index in enumerate(group)}.items(), key=lambda pair: pair[1])
                rows.append([index for index, _ in last])
                labels.append([p for _, p in last])
        else:
            rows += [[unit] * int(layer.n_pieces[unit]) for unit in range(layer.n_out)]
            labels += [list(range(int(n))) for n in layer.n_pieces]
    width = max(2, *map(len, labels)) if labels else 2
    padded = [[row + [row[-1]] * (width - len(row)) for row in table] for table in (rows, labels)]
    return np.array(padded[0], np.int64).reshape(-1, width), np.array(padded[1], np.int64).reshape(-1, width)


def _walls(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Walls of scalar units (walls, 5) and their breakpoints; parallel ones share a class."""
    layer = block.nonlinear
    if isinstance(layer, GroupMax):
        return np.zeros((0, 5), np.int64), np.zeros(0)
    used = layer.breakpoints < np.inf
    unit, index = np.nonzero(used)
    points = layer.breakpoints[used]
    table = np.stack([unit, index, np.full(len(unit), -1), np.ones(len(unit)), np.zeros(len(unit))], axis=1)
    table = table.astype(np.int64)
    _set_classes(block, table, points)
    return table, points


def _set_classes(block: Block, table: np.ndarray, points: np.ndarray) -> None:
    """Find walls with proportional weights, exactly; rounding only finds candidates."""
    if len(block.affine) > 1 or not len(table) or not all(one.has_exact_weight for one in block.affine):
        return
    weight = block.affine[0].weight if block.affine else np.eye(block.nonlinear.n_in)
    bias = block.affine[0].bias if block.affine else np.zeros(block.nonlinear.n_in)
    lead = weight[np.arange(len(weight)), np.abs(weight).argmax(axis=1)] if weight.shape[1] else np.zeros(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        keys = np.round(weight / lead[:, None], 9) + 0.0
    candidates: dict[bytes, list[int]] = {}
    for wall in np.flatnonzero(lead[table[:, 0]] != 0).tolist():
        candidates.setdefault(keys[table[wall, 0]].tobytes(), []).append(wall)
    for found in candidates.values():
        if len(found) > 1:
            _classify(weight, bias, table, points, found)


def _classify(
    weight: np.ndarray, bias: np.ndarray, table: np.ndarray, points: np.ndarray, found: list[int]
) -> None:
    members: dict[tuple[int, ...], list[tuple[Fraction, int, int]]] = {}
    for wall in found:
        unit = int(table[wall, 0])
        entries = rational(weight[unit : unit + 1]).integers[0].tolist()
        divisor = gcd(*entries)
        sign = 1 if next(x for x in entries if x) > 0 else -1
        first = next(i for i, x in enumerate(entries) if x)
        factor = Fraction(float(weight[unit, first])) / (sign * entries[first] // divisor)
        # The unit is above where direction . x > place, or below it for a negative factor.
        place = (Fraction(float(points[wall])) - Fraction(float(bias[unit]))) / factor
        key = tuple(sign * x // divisor for x in entries)
        members.setdefault(key, []).append((place, wall, 1 if factor > 0 else -1))
    for group in members.values():
        if len(group) > 1:
            places = sorted({place for place, _, _ in group})
            for place, wall, sign in group:
                table[wall, 2:] = group[0][1], sign, places.index(place)


def _in_range(problem: Problem) -> bool:
    """Whether weights are of a size at which errors of the size of `FLOOR` do not underflow."""
    for block in problem.blocks:
        if len(block.affine) > 1 and not product_in_range(block.affine):
            return False
        arrays = [a for affine in block.affine for a in (affine.weight, affine.bias)]
        layer = block.nonlinear
        if isinstance(layer, ScalarPWL):
            arrays += [layer.slopes, layer.anchors, layer.breakpoints[layer.breakpoints < np.inf]]
            arrays.append(layer.intercepts)
        for array in arrays:
            sizes = np.abs(array[array != 0])
            if sizes.size and (sizes.min() < SMALLEST or sizes.max() > LARGEST):
                return False
    return True
