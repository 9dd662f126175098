"""Units with a common wall become one unit, so that no wall is met twice; the function stays the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from plnet.equivalence.canonical import CanonicalForm, LayerValues, Rewriting
from plnet.equivalence.combinations import ONE, Key, primitive
from plnet.equivalence.pruning import float_parts
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine, compact

__all__ = ["merge_units"]

_LARGEST_DIVISOR = 2**62

_Value = tuple[Key, Fraction]


class _Source(NamedTuple):
    """Where to read an atom: ``factor * atom`` is a unit less a sum of inputs less a constant."""

    unit: int
    factor: Fraction
    inputs: tuple[tuple[int, Fraction], ...]
    constant: Fraction


def merge_units(network: PLNetwork, form: CanonicalForm) -> PLNetwork:
    """Return the same function with at most one unit for each wall, as far as floats can write it.

    Parameters
    ----------
    network : PLNetwork
    form : CanonicalForm
        Of this network.

    Returns
    -------
    PLNetwork
        A unit that is a combination of other units of its layer and of its own inputs passes
        its inputs on, and an affine layer behind it puts the combination together.

    Notes
    -----
    Costs O(units) beside the layers themselves.
    """
    layers: list[Layer] = []
    found = iter(form.layers)
    for layer in network.layers:
        layers += [layer] if isinstance(layer, Affine) else _merged(layer, next(found))
    return replace(network, layers=tuple(layers))


def _merged(layer: ScalarPWL | GroupMax, values: LayerValues) -> list[Layer]:
    rewritings = {} if isinstance(layer, LocalWinner) else _replaceable(layer, values)
    if not rewritings:
        return [layer]
    if isinstance(layer, ScalarPWL):
        return _passing_scalar(layer, rewritings)
    return _passing_maximum(layer, rewritings)


def _replaceable(layer: ScalarPWL | GroupMax, values: LayerValues) -> dict[int, Rewriting]:
    """Return the units that can be put together; the atoms of their rewritings are units that stay."""
    sources = _sources(layer, values)
    keys = [primitive(value) for value in values.values]
    equal: dict[_Value, int] = {}
    for place, key in enumerate(keys):
        equal.setdefault(key, place)
    found: dict[int, Rewriting] = {}
    for unit in np.flatnonzero(layer.n_pieces > 1).tolist():
        twin, rewriting = equal[keys[unit]], values.rewritings.get(unit)
        if twin != unit and twin not in found:
            rewriting = Rewriting(((twin, Fraction(1)),), (), Fraction(0))
        elif rewriting is not None:
            rewriting = _in_units(rewriting, sources)
        # What stands for an atom stays a unit of its own.
        stays = rewriting is None or any(place == unit for place, _ in rewriting.atoms)
        if rewriting is not None and not stays and _entries(rewriting) is not None:
            found[unit] = rewriting
    # A unit that is read for one atom may itself be a combination of others.
    read = {place for rewriting in found.values() for place, _ in rewriting.atoms}
    return {unit: rewriting for unit, rewriting in found.items() if unit not in read}


def _sources(layer: ScalarPWL | GroupMax, values: LayerValues) -> dict[int, _Source]:
    """Return where each atom can be read: best from a multiple of it."""
    found: dict[int, _Source] = {}
    for place, value in enumerate(values.values):
        if len(value.terms) == 1 and ONE not in value.terms:
            ((name, coefficient),) = value.terms.items()
            found.setdefault(name, _Source(place, Fraction(coefficient, value.denominator), (), Fraction(0)))
    for unit, (atoms, inputs, constant) in values.rewritings.items():
        # A scalar unit that stays stands where its input stood, which is then not passed on.
        if len(atoms) == 1 and not (inputs and isinstance(layer, ScalarPWL)):
            found.setdefault(atoms[0][0], _Source(unit, atoms[0][1], inputs, constant))
    return found


def _in_units(rewriting: Rewriting, sources: Mapping[int, _Source]) -> Rewriting | None:
    """Replace atoms by the units they are read from."""
    units: dict[int, Fraction] = {}
    inputs = dict(rewriting.inputs)
    constant = rewriting.constant
    for name, weight in rewriting.atoms:
        if name not in sources:
            return None
        source = sources[name]
        factor = weight / source.factor
        units[source.unit] = units.get(source.unit, Fraction(0)) + factor
        for place, part in source.inputs:
            inputs[place] = inputs.get(place, Fraction(0)) - factor * part
        constant -= factor * source.constant
    left = tuple((place, weight) for place, weight in inputs.items() if weight)
    return Rewriting(tuple(units.items()), left, constant)


def _entries(rewriting: Rewriting) -> tuple[list[list[float]], int, float] | None:
    """Return floats that add up to each weight, a divisor of all, and the constant, or None."""
    weights = [weight for _, weight in (*rewriting.atoms, *rewriting.inputs)]
    divisor = math.lcm(*(_odd_part(weight.denominator) for weight in weights))
    parts = [float_parts(weight * divisor) for weight in weights]
    shift = float_parts(rewriting.constant)
    if divisor > _LARGEST_DIVISOR or shift is None or len(shift) > 1 or None in parts:
        return None
    return [part for part in parts if part is not None], divisor, sum(shift)


def _odd_part(number: int) -> int:
    return number // (number & -number)


def _passing_scalar(layer: ScalarPWL, rewritings: Mapping[int, Rewriting]) -> list[Layer]:
    """Let replaced units pass on what they read, where they stand."""
    points, slopes, anchors = layer.breakpoints.copy(), layer.slopes.copy(), layer.anchors.copy()
    replaced = sorted(rewritings)
    points[replaced], slopes[replaced], anchors[replaced] = np.inf, 1.0, 0.0
    places = {unit: unit for unit in range(layer.n_out)}
    restoring = _restoring(layer.n_out, layer.n_out, rewritings, places, places)
    return [ScalarPWL(points, slopes, anchors, layer.name), restoring]


def _passing_maximum(layer: GroupMax, rewritings: Mapping[int, Rewriting]) -> list[Layer]:
    """Drop the replaced groups, and pass on the inputs that take their place behind the others."""
    kept = [unit for unit in range(layer.n_out) if unit not in rewritings]
    read = sorted({place for rewriting in rewritings.values() for place, _ in rewriting.inputs})
    passing = np.tile(np.array(read, np.int64)[:, None], (1, layer.groups.shape[1]))
    groups = np.concatenate([layer.groups[kept], passing])
    units = {unit: k for k, unit in enumerate(kept)}
    inputs = {place: len(kept) + k for k, place in enumerate(read)}
    restoring = _restoring(layer.n_out, len(groups), rewritings, units, inputs)
    return [GroupMax(groups, layer.n_in, layer.name), restoring]


def _restoring(
    n_out: int,
    n_in: int,
    rewritings: Mapping[int, Rewriting],
    units: Mapping[int, int],
    inputs: Mapping[int, int],
) -> Affine:
    """Return the affine layer that gives the values of all units; `units` and `inputs` say where they are."""
    starts, places, factors, divisors, bias = [0], [], [], [], []
    for unit in range(n_out):
        rewriting = rewritings.get(unit, Rewriting(((unit, Fraction(1)),), (), Fraction(0)))
        entries = _entries(rewriting)
        assert entries is not None
        read = [units[u] for u, _ in rewriting.atoms] + [inputs[i] for i, _ in rewriting.inputs]
        for place, parts in zip(read, entries[0], strict=True):
            places += [place] * len(parts)
            factors += parts
        starts.append(len(places))
        divisors.append(entries[1])
        bias.append(entries[2])
    by = None if max(divisors) == 1 else divisors
    layer = SparseAffine(starts, places, factors, n_in, bias, "merged", by)
    return compact(layer) if layer.has_exact_weight else layer
