"""What a network computes, written in atoms that are shared by all units of the same kind.

Units whose walls are the same hyperplane of earlier atoms are multiples of one atom, up to
a linear part; maxima over the same pieces, up to scale and a common shift, are one atom
too. Two networks that are equal layer by layer, up to permutation and positive scaling of
their units and across kinds of units, get the same outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from math import gcd, lcm
from typing import NamedTuple

from plnet.equivalence.combinations import (
    NUMBER_ONE,
    ONE,
    Combination,
    Key,
    affine_combinations,
    atom,
    combination_of_row,
    precedes,
    primitive,
    weighted_sum,
)
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import Affine, GroupMax, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork

__all__ = ["CanonicalForm", "LayerValues", "Rewriting", "canonical_form"]

_EFFORT = 40
"""Terms that are added up for each stored number at most; dense linear parts can take more."""


class Rewriting(NamedTuple):
    """The value of a unit as ``sum(c * atom) + sum(w * input) + constant``."""

    atoms: tuple[tuple[int, Fraction], ...]
    inputs: tuple[tuple[int, Fraction], ...]
    constant: Fraction


@dataclass(frozen=True)
class LayerValues:
    """The outputs of a nonlinear layer in atoms, and its units rewritten in atoms and inputs of the layer."""

    values: tuple[Combination, ...]
    rewritings: dict[int, Rewriting]


@dataclass(frozen=True)
class CanonicalForm:
    """The outputs of a network in atoms, and those of its nonlinear layers."""

    outputs: tuple[Combination, ...]
    layers: tuple[LayerValues, ...]

    @property
    def vanishes(self) -> bool:
        """Whether every output is 0 as a combination of atoms, which proves that it is the function 0."""
        return not any(value.terms for value in self.outputs)


def canonical_form(network: PLNetwork, embedding: RationalMatrix) -> CanonicalForm | None:
    """Return a network on a domain in atoms.

    Parameters
    ----------
    network : PLNetwork
    embedding : RationalMatrix, shape (input_dim, d + 1)
        Exact forms of the inputs in the coordinates of the domain.

    Returns
    -------
    CanonicalForm or None
        None if linear parts of units fill up and this takes too long.

    Notes
    -----
    Costs O(weights) where units have no linear part beside their atom.
    """
    atoms = _Atoms(embedding.shape[1] - 1)
    values = [combination_of_row(entries, embedding.denominator) for entries in embedding.integers.tolist()]
    layers: list[LayerValues] = []
    budget = 1 << 16
    for layer in network.layers:
        if isinstance(layer, Affine):
            values, terms = affine_combinations(layer, values)
            budget += _EFFORT * len(values) - terms + _EFFORT * layer.stored.size
            if budget < 0:
                return None
        else:
            found = atoms.through(layer, values)
            layers.append(found)
            values = list(found.values)
    return CanonicalForm(tuple(values), tuple(layers))


class _Wall(NamedTuple):
    """An atom that is 0 on a wall, with its slopes on the negative and on the positive side."""

    name: int
    below: Fraction
    above: Fraction


class _Bend(NamedTuple):
    """A two-piece function ``factor * atom + slope * argument``, 0 where its argument is."""

    name: int | None
    factor: Fraction
    slope: Fraction


class _Function(NamedTuple):
    """The function of a scalar unit."""

    points: list[Fraction]
    slopes: list[Fraction]
    anchor: Fraction


class _Maximum(NamedTuple):
    """An atom that is the maximum of at least three pieces, with the piece and the scale it was named for."""

    name: int
    base: Combination
    scale: Fraction


class _Atoms:
    """All atoms so far."""

    def __init__(self, dim: int) -> None:
        self._count = dim
        self._walls: dict[Key, _Wall] = {}
        self._maxima: dict[frozenset[Key], _Maximum] = {}
        self._winners: dict[tuple[Key, ...], int] = {}

    def through(self, layer: ScalarPWL | GroupMax, inputs: Sequence[Combination]) -> LayerValues:
        """Return the outputs of a nonlinear layer."""
        if isinstance(layer, LocalWinner):
            return self._winner_values(layer, inputs)
        values, rewritings = [], {}
        groups = layer.groups.tolist() if isinstance(layer, GroupMax) else []
        functions = [] if isinstance(layer, GroupMax) else _functions(layer)
        for unit in range(layer.n_out):
            if groups:
                value, rewriting = self._maximum(groups[unit], inputs)
            else:
                value, rewriting = self._scalar(functions[unit], unit, inputs[unit])
            values.append(value)
            if rewriting is not None:
                rewritings[unit] = rewriting
        return LayerValues(tuple(values), rewritings)

    def _bend(self, argument: Combination, below: Fraction, above: Fraction) -> _Bend:
        """Name the function with slope `below` where the argument is negative and `above` where it is not."""
        key, size = primitive(argument)
        if below == above or argument.is_constant:
            return _Bend(None, Fraction(0), above if argument.offset > 0 else below)
        turned = key[-1][1] < 0
        if turned:
            key = tuple((name, -x) for name, x in key)
            below, above, size = -above, -below, -size
        below, above = below * abs(size), above * abs(size)
        wall = self._walls.get(key)
        if wall is None:
            self._walls[key] = wall = _Wall(self._fresh(), below, above)
        factor = (above - below) / (wall.above - wall.below)
        return _Bend(wall.name, factor, (below - factor * wall.below) / size)

    def _scalar(self, function: _Function, unit: int, z: Combination) -> tuple[Combination, Rewriting | None]:
        if not function.points:
            if function.slopes[0] == 1 and not function.anchor:
                return z, None
            return weighted_sum([(function.slopes[0], z), (function.anchor, NUMBER_ONE)]), None
        atoms: list[tuple[int, Fraction]] = []
        steep, total = Fraction(0), function.anchor
        for k, point in enumerate(function.points):
            below = Fraction(0) if k else function.slopes[0]
            above = function.slopes[k + 1] - (function.slopes[k] if k else 0)
            argument = weighted_sum([(1.0, z), (-point, NUMBER_ONE)]) if point else z
            bend = self._bend(argument, below, above)
            if bend.name is not None:
                atoms.append((bend.name, bend.factor))
            if bend.slope:
                steep += bend.slope
                total -= bend.slope * point
        parts = [*((c, atom(name)) for name, c in atoms), (steep, z), (total, NUMBER_ONE)]
        return weighted_sum(parts), Rewriting(tuple(atoms), ((unit, steep),) if steep else (), total)

    def _maximum(
        self, group: Sequence[int], inputs: Sequence[Combination]
    ) -> tuple[Combination, Rewriting | None]:
        places = _largest_places(group, inputs)
        if len(places) == 1:
            return inputs[places[0]], Rewriting((), ((places[0], Fraction(1)),), Fraction(0))
        if len(places) > 2:
            return self._maximum_of_many([inputs[place] for place in places])
        high, low = places
        difference = weighted_sum([(1.0, inputs[high]), (-1.0, inputs[low])])
        bend = self._bend(difference, Fraction(0), Fraction(1))
        assert bend.name is not None
        linear = tuple((place, w) for place, w in ((high, bend.slope), (low, 1 - bend.slope)) if w)
        parts = [(bend.factor, atom(bend.name)), *((w, inputs[place]) for place, w in linear)]
        return weighted_sum(parts), Rewriting(((bend.name, bend.factor),), linear, Fraction(0))

    def _maximum_of_many(self, pieces: Sequence[Combination]) -> tuple[Combination, Rewriting | None]:
        base, *others = sorted(pieces, key=cmp_to_key(precedes))
        differences = [weighted_sum([(1.0, piece), (-1.0, base)]) for piece in others]
        keys, scale = _common_scale(differences)
        known = self._maxima.get(keys)
        if known is None:
            self._maxima[keys] = known = _Maximum(self._fresh(), base, scale)
        factor = scale / known.scale
        value = weighted_sum([(factor, atom(known.name)), (1.0, base), (-factor, known.base)])
        is_multiple = len(value.terms) == 1
        return value, Rewriting(((known.name, factor),), (), Fraction(0)) if is_multiple else None

    def _winner_values(self, layer: LocalWinner, inputs: Sequence[Combination]) -> LayerValues:
        values = list(inputs)
        for group in layer.groups.tolist():
            members = list(dict.fromkeys(reversed(group)))[::-1]
            if len(members) > 1:
                keys, scale = _ordered_scale([inputs[place] for place in members])
                first = self._winners.get(keys)
                if first is None:
                    self._winners[keys] = first = self._fresh(len(members))
                for k, place in enumerate(members):
                    values[place] = weighted_sum([(scale, atom(first + k))])
        return LayerValues(tuple(values), {})

    def _fresh(self, count: int = 1) -> int:
        self._count += count
        return self._count - count


def _functions(layer: ScalarPWL) -> list[_Function]:
    first, inverse = layer.kinds
    found = []
    for unit in first.tolist():
        pieces = int(layer.n_pieces[unit])
        points = [Fraction(t) for t in layer.breakpoints[unit, : pieces - 1].tolist()]
        slopes = [Fraction(s) for s in layer.slopes[unit, :pieces].tolist()]
        found.append(_Function(points, slopes, Fraction(float(layer.anchors[unit]))))
    return [found[kind] for kind in inverse.tolist()]


def _largest_places(group: Sequence[int], inputs: Sequence[Combination]) -> list[int]:
    """Return inputs whose maximum is that of a group: of those that differ by a constant, the largest."""
    best: dict[tuple[Key, Fraction], int] = {}
    for place in dict.fromkeys(group):
        value = inputs[place]
        linear = {name: x for name, x in value.terms.items() if name != ONE}
        kind = primitive(Combination(linear, value.denominator))
        if kind not in best or inputs[best[kind]].offset < value.offset:
            best[kind] = place
    return list(best.values())


def _common_scale(pieces: Sequence[Combination]) -> tuple[frozenset[Key], Fraction]:
    ordered, scale = _ordered_scale(pieces)
    return frozenset(ordered), scale


def _ordered_scale(pieces: Sequence[Combination]) -> tuple[tuple[Key, ...], Fraction]:
    """Return pieces divided by one positive number, the same for all positive multiples of them."""
    found = [primitive(piece) for piece in pieces]
    sizes = [size for key, size in found if key]
    if not sizes:
        return tuple(key for key, _ in found), Fraction(1)
    common = lcm(*(size.denominator for size in sizes))
    scale = Fraction(gcd(*(int(size * common) for size in sizes)), common)
    keys = tuple(tuple((name, int(x * size / scale)) for name, x in key) for key, size in found)
    return keys, scale
