"""The same function with fewer numbers: affine layers in a row become one, unread units are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from plnet.equivalence.combinations import ONE, Combination, affine_combinations, atom
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import rounded_fraction
from plnet.ir.operators import SMALL, SparseAffine, compact, sparse_rows

__all__ = ["exact_layer", "float_parts", "prune"]

_MOST_PARTS = 8


def prune(network: PLNetwork) -> PLNetwork:
    """Return the same function, exactly, with affine layers joined and unused units dropped.

    Affine layers in a row become one where floats can write all its numbers, so that terms
    that cancel are gone before anything is rounded.

    Parameters
    ----------
    network : PLNetwork

    Returns
    -------
    PLNetwork

    Notes
    -----
    Costs O(weights) where affine layers in a row do not fill up; large layers stay as they are.
    """
    layers: list[Layer] = []
    run: list[Affine] = []
    for layer in network.layers:
        if isinstance(layer, Affine):
            run.append(layer)
        else:
            layers += [*_joined(run), layer]
            run = []
    last = _joined(run)
    if last and last[0].n_in * last[0].n_out <= SMALL and not last[0].weight.any():
        # What all units together compute does not matter.
        last = [Affine(np.zeros((last[0].n_out, network.input_dim)), last[0].bias, last[0].name), *last[1:]]
        return replace(network, layers=tuple(last))
    return replace(network, layers=tuple(_without_unused([*layers, *last], network.input_dim)))


def float_parts(number: Fraction) -> list[float] | None:
    """Return floats whose exact sum is a number, or None if there are none."""
    found: list[float] = []
    while number:
        nearest = rounded_fraction(number)
        if nearest == 0.0 or abs(nearest) == float("inf") or len(found) == _MOST_PARTS:
            return None
        found.append(nearest)
        number -= Fraction(nearest)
    return found


def _joined(run: Sequence[Affine]) -> list[Affine]:
    """Return affine layers in a row as one, or as they are."""
    if len(run) < 2 or any(layer.n_in * layer.n_out > SMALL for layer in run):
        return list(run)
    values = [atom(name) for name in range(run[0].n_in)]
    for layer in run:
        values, _ = affine_combinations(layer, values)
    joined = exact_layer(values, run[0].n_in, run[-1].name)
    return list(run) if joined is None else [joined]


def exact_layer(values: Sequence[Combination], n_in: int, name: str = "") -> Affine | None:
    """Return the affine layer that computes combinations of its inputs, or None if floats cannot write it."""
    rows = [_float_row(value) for value in values]
    if any(row is None for row in rows):
        return None
    entries = [row for row in rows if row is not None]
    starts = np.cumsum([0, *(len(inputs) for inputs, _, _ in entries)])
    inputs = [place for places, _, _ in entries for place in places]
    factors = [factor for _, found, _ in entries for factor in found]
    bias = [shift for _, _, shift in entries]
    layer = SparseAffine(starts, inputs, factors, n_in, bias, name)
    return compact(layer) if layer.has_exact_weight else layer


def _float_row(value: Combination) -> tuple[list[int], list[float], float] | None:
    """Return a combination as inputs, factors that may repeat an input, and a constant."""
    names, factors = [], []
    shift = 0.0
    for name, numerator in value.terms.items():
        parts = _parts(numerator, value.denominator)
        if parts is None or (name == ONE and len(parts) > 1):
            return None
        if name == ONE:
            shift = parts[0]
        else:
            names += [name] * len(parts)
            factors += parts
    return names, factors, shift


def _parts(numerator: int, denominator: int) -> list[float] | None:
    try:
        nearest = numerator / denominator
    except OverflowError:
        return None
    p, q = nearest.as_integer_ratio()
    if p * denominator == numerator * q:
        return [nearest]
    return float_parts(Fraction(numerator, denominator))


def _without_unused(layers: Sequence[Layer], n_in: int) -> list[Layer]:
    """Drop the numbers that no later layer reads; the inputs and outputs of the network stay."""
    found: list[Layer] = []
    wanted: np.ndarray | None = None
    for layer in reversed(layers):
        kept, wanted = _restricted(layer, wanted)
        found += reversed(kept)
    if wanted is not None and not np.array_equal(wanted, np.arange(n_in)):
        found.append(_selection(wanted, n_in))
    return found[::-1]


def _restricted(layer: Layer, wanted: np.ndarray | None) -> tuple[list[Layer], np.ndarray | None]:
    """Return layers that give only the wanted outputs, and the inputs they read; None stands for all."""
    rows = np.arange(layer.n_out) if wanted is None else wanted
    if isinstance(layer, ScalarPWL):
        units = ScalarPWL(layer.breakpoints[rows], layer.slopes[rows], layer.anchors[rows], layer.name)
        return [units], rows
    if isinstance(layer, GroupMax) and not isinstance(layer, LocalWinner):
        read, places = np.unique(layer.groups[rows], return_inverse=True)
        return [GroupMax(places.reshape(len(rows), -1), len(read), layer.name)], read
    if isinstance(layer, Affine) and layer.n_in * layer.n_out <= SMALL:
        return _restricted_rows(layer, rows)
    return [layer] if wanted is None else [layer, _selection(wanted, layer.n_out)], None


def _restricted_rows(layer: Affine, rows: np.ndarray) -> tuple[list[Layer], np.ndarray]:
    if layer.is_dense:
        read = np.flatnonzero(layer.weight[rows].any(axis=0))
        read = read if len(read) else np.zeros(1, np.int64)
        return [Affine(layer.weight[rows][:, read], layer.bias[rows], layer.name)], read
    sparse = layer if isinstance(layer, SparseAffine) else sparse_rows(layer)
    limits = sparse.starts.tolist()
    entries = [np.arange(limits[i], limits[i + 1]) for i in rows.tolist()]
    used = np.concatenate([*entries, np.empty(0, np.int64)])
    read = np.unique(sparse.inputs[used]) if len(used) else np.zeros(1, np.int64)
    starts = np.cumsum([0, *(len(entry) for entry in entries)])
    places = np.searchsorted(read, sparse.inputs[used])
    by = None if sparse.by is None else sparse.by[rows]
    values, bias = sparse.values[used], sparse.bias[rows]
    return [SparseAffine(starts, places, values, len(read), bias, layer.name, by)], read


def _selection(wanted: np.ndarray, n: int) -> Affine:
    return compact(SparseAffine.select(wanted, n))
