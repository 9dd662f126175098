"""Points of the search as coordinates of the domain, checked, and repaired in rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from plnet.geometry.exact import RationalMatrix
from plnet.ir.forms import apply_layer
from plnet.ir.layers import Affine, GroupMax
from plnet.regions.engines.searching.coordinates import Base, Root
from plnet.regions.engines.searching.exact_cell import primitive
from plnet.regions.engines.searching.run import Found
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["Emitter"]


class Emitter:
    """Puts regions into a store, with points in the coordinates of the domain.

    Parameters
    ----------
    problem : Problem
    base : Base
    store : LeafStore
    """

    def __init__(self, problem: Problem, base: Base, store: LeafStore) -> None:
        self._problem, self._base, self._store = problem, base, store
        network = problem.network
        sizes = np.cumsum([0, *(layer.n_out for layer in network.nonlinear_layers)])
        places = [index + start for index, start in zip(network.unit_indices, sizes[:-1], strict=True)]
        self._columns = np.concatenate([np.empty(0), *places]).astype(np.int64)
        rows = base.rows.to_float()
        self._constant = rows[:, -1]
        self._inverse = np.linalg.pinv(rows[:, :-1]) if len(rows) else np.zeros((problem.dim, 0))

    def add(self, found: Found) -> None:
        """Store a block of regions."""
        network = self._problem.network
        patterns = found.pieces[:, self._columns].astype(network.pattern_dtype)
        # A point that leaves the range of floats has another pattern, and is repaired.
        with np.errstate(all="ignore"):
            points = (found.root.coordinates(found.points) - self._constant) @ self._inverse.T
            points = np.nan_to_num(points)
            at = network.pattern_at(self._problem.chart.embed(points))
        for i in np.flatnonzero((at != patterns).any(axis=1)).tolist():
            points[i] = self._inner_point(found.root, found.pieces[i])
        self._store.add_points(patterns, points)

    def _inner_point(self, root: Root, pieces: np.ndarray) -> np.ndarray:
        """Compute a point well inside a region from all of its walls."""
        cell = root.cell()
        assert cell is not None
        forms, begin = self._base.first, 0
        for depth, block in enumerate(self._problem.blocks):
            layer = block.nonlinear
            if depth:
                for affine in block.affine:
                    forms = apply_layer(affine, forms, None)
            own = pieces[begin : begin + layer.n_out]
            for row in _walls_of(layer, forms, own):
                form = root.in_cone(row).integers[0].tolist()
                if any(form):
                    cell.add(primitive(form))
            forms = apply_layer(layer, forms, own)
            begin += layer.n_out
        u = np.array([[float(x) for x in cell.interior()]])
        # Coordinates of a domain near the largest float may lie beyond it, though no point of it does.
        with np.errstate(all="ignore"):
            found = ((root.coordinates(u) - self._constant) @ self._inverse.T)[0]
            if not np.isfinite(found).all():
                eighths = root.coordinates(u, unit=8.0) - self._constant / 8
                found = np.nan_to_num((eighths @ self._inverse.T)[0] * 8)
        return found


def _walls_of(layer: object, forms: RationalMatrix, pieces: np.ndarray) -> list[RationalMatrix]:
    """Return the forms that are >= 0 where the units of a layer are in given pieces."""
    assert not isinstance(layer, Affine)
    rows = []
    for unit, piece in enumerate(pieces.tolist()):
        if isinstance(layer, GroupMax):
            best = layer.groups[unit, piece]
            others = set(layer.groups[unit].tolist()) - {best}
            rows += [forms.rows([best]) - forms.rows([other]) for other in sorted(others)]
            continue
        points = layer.breakpoints[unit]  # type: ignore[attr-defined]
        if piece > 0:
            rows.append(_shifted(forms.rows([unit]), float(points[piece - 1])))
        if piece < layer.n_pieces[unit] - 1:  # type: ignore[attr-defined]
            rows.append(-_shifted(forms.rows([unit]), float(points[piece])))
    return rows


def _shifted(form: RationalMatrix, point: float) -> RationalMatrix:
    exact = Fraction(point)
    integers = form.integers * exact.denominator
    integers[:, -1] -= exact.numerator * form.denominator
    return RationalMatrix(integers, form.denominator * exact.denominator)
