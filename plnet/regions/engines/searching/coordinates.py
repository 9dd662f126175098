"""Coordinates in which the domain is a cone u >= 0: facets and walls of the first layer.

The forms that enter the first nonlinear layer, and the facets of the domain, span a space of r
dimensions; nothing in the network depends on more. r of these rows are taken as coordinates v, exactly
and without an orthonormal frame: facets first, then units of the first layer. Where a unit is a
coordinate, each of its pieces is a half-line or an interval, so the domain falls into *roots*, one for
each choice of pieces. In a root every coordinate is ``v = shift + sign * u`` with u >= 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import lcm

import numpy as np

from plnet.geometry.exact import RationalMatrix, object_array
from plnet.ir.layers import ScalarPWL
from plnet.regions.engines.searching.exact_cell import ExactCell, primitive
from plnet.regions.engines.searching.linear import independent_rows, solve_rows
from plnet.regions.problem import Problem

__all__ = ["Base", "Interval", "Root", "make_base"]


@dataclass(frozen=True)
class Interval:
    """One range of a coordinate: ``v = shift + sign * u``, 0 <= u <= width; no width means no end.

    `piece` is the piece of the unit that is the coordinate, -1 for a facet.
    """

    sign: int = 1
    shift: Fraction = Fraction(0)
    width: Fraction | None = None
    piece: int = -1


@dataclass(frozen=True, eq=False)
class Base:
    """The coordinates v of a problem.

    Parameters
    ----------
    rows : RationalMatrix, shape (r, d + 1)
        The coordinates as forms on the domain.
    first : RationalMatrix, shape (n, r + 1)
        What enters the first nonlinear layer, as forms in v.
    facets : RationalMatrix, shape (f, r + 1)
        Facets of the domain that are no coordinates, >= 0 on it.
    choices : tuple of tuple of Interval
        The ranges of each coordinate.
    units : tuple of int
        The unit of the first layer that is the coordinate; -1 for a facet, -2 for a coordinate
        that is neither and has both signs.
    """

    rows: RationalMatrix
    first: RationalMatrix
    facets: RationalMatrix
    choices: tuple[tuple[Interval, ...], ...]
    units: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number r of coordinates."""
        return len(self.units)

    @property
    def n_roots(self) -> int:
        """Number of choices of intervals."""
        return int(np.prod([float(len(choice)) for choice in self.choices]))

    def roots(self) -> Iterator[Root]:
        """Yield all choices of intervals."""
        for chosen in product(*self.choices):
            yield Root(self, chosen)


@dataclass(frozen=True, eq=False)
class Root:
    """One choice of intervals: a cone u >= 0 with a column for each coordinate, and the scale last."""

    base: Base
    chosen: tuple[Interval, ...]
    columns: tuple[tuple[int, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        found: list[tuple[int, int]] = []
        for j, (interval, unit) in enumerate(zip(self.chosen, self.base.units, strict=True)):
            found.append((j, interval.sign))
            if unit == -2:
                found.append((j, -interval.sign))
        object.__setattr__(self, "columns", tuple(found))

    def in_cone(self, forms: RationalMatrix) -> RationalMatrix:
        """Express forms in v, shape (n, r + 1), as forms in u, shape (n, columns + 1)."""
        shifts = [interval.shift for interval in self.chosen]
        common = lcm(*(s.denominator for s in shifts))
        integers = forms.integers
        out = np.empty((len(integers), len(self.columns) + 1), dtype=object)
        for k, (j, sign) in enumerate(self.columns):
            out[:, k] = integers[:, j] * (sign * common)
        out[:, -1] = integers[:, -1] * common
        for j, shift in enumerate(shifts):
            if shift:
                out[:, -1] += integers[:, j] * int(shift * common)
        return RationalMatrix(out, forms.denominator * common)

    def facets(self) -> RationalMatrix:
        """Return the forms in u that are >= 0 besides u: ends of intervals, then facets of the domain."""
        size = len(self.columns) + 1
        rows = []
        for k, (j, _) in enumerate(self.columns):
            width = self.chosen[j].width
            if width is not None:
                row = [0] * size
                row[k], row[-1] = -width.denominator, width.numerator
                rows.append(row)
        own = self.in_cone(self.base.facets)
        # A positive factor does not change a half-space.
        flat = [x for row in rows for x in row] + list(own.integers.flat)
        return RationalMatrix(object_array(flat, (len(rows) + len(own.integers), size)))

    def cell(self) -> ExactCell | None:
        """Return the root as an exact cell, or None if it has no interior."""
        found = ExactCell(len(self.columns) + 1)
        inside = all(found.add(primitive(row)) for row in self.facets().integers.tolist())
        return found if inside else None

    def coordinates(self, points: np.ndarray, unit: float = 1.0) -> np.ndarray:
        """Turn points u with their scale, shape (k, columns + 1), into coordinates v / unit, shape (k, r)."""
        out = np.tile([float(interval.shift) / unit for interval in self.chosen], (len(points), 1))
        out = out.reshape(len(points), self.base.size)
        for k, (j, sign) in enumerate(self.columns):
            out[:, j] += sign * (points[:, k] / unit) / points[:, -1]
        return out


def make_base(problem: Problem) -> Base:
    """Choose coordinates for a problem.

    Notes
    -----
    Independence is found modulo a prime; the other rows are then solved for and checked exactly.
    """
    facets = problem.chart.facets
    if problem.blocks:
        layer, entering = problem.blocks[0].nonlinear, problem.forms(())
    else:
        layer, entering = None, facets.rows(slice(0, 0))
    n_facets = len(facets.integers)
    order = list(range(n_facets))
    if isinstance(layer, ScalarPWL):
        order += [n_facets + i for i in np.flatnonzero(layer.n_pieces > 1).tolist()]
    order += sorted(set(range(n_facets + len(entering.integers))) - set(order))
    common = lcm(facets.denominator, entering.denominator)
    everything = np.concatenate([facets.over(common), entering.over(common)])
    chosen = independent_rows(everything[:, :-1], order)
    basis = RationalMatrix(everything[chosen], common)
    solved = solve_rows(RationalMatrix(everything, common), chosen)
    others = sorted(set(range(n_facets)) - set(chosen))
    units = [_unit(i - n_facets, layer) if i >= n_facets else -1 for i in chosen]
    return Base(
        rows=basis,
        first=solved.rows(slice(n_facets, None)),
        facets=solved.rows(others),
        choices=tuple(_intervals(layer, unit) for unit in units),
        units=tuple(units),
    )


def _unit(row: int, layer: object) -> int:
    return row if isinstance(layer, ScalarPWL) and layer.n_pieces[row] > 1 else -2


def _intervals(layer: object, unit: int) -> tuple[Interval, ...]:
    if unit < 0 or not isinstance(layer, ScalarPWL):
        return (Interval(),)
    points = [Fraction(t) for t in layer.breakpoints[unit, : int(layer.n_pieces[unit]) - 1].tolist()]
    found = [Interval(-1, points[0], None, 0)]
    for p, point in enumerate(points):
        width = points[p + 1] - point if p + 1 < len(points) else None
        found.append(Interval(1, point, width, p + 1))
    return tuple(found)
