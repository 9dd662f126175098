"""Which regions have the same affine map, exactly.

The maps of all regions are compared first by *fingerprints*: the values of the outputs, modulo two
primes, at a point of the projective space over the prime field. Different fingerprints prove different
maps. Regions with equal fingerprints are compared in exact rationals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress

import numpy as np

from plnet.budgets import look
from plnet.geometry.exact import RationalMatrix
from plnet.ir.forms import affine_forms, select_pieces
from plnet.ir.layers import Affine, GroupMax, Layer
from plnet.ir.network import PLNetwork
from plnet.regions.data import RegionData
from plnet.regions.problem import Problem

__all__ = ["fingerprints", "map_labels", "output_forms"]

Step = Callable[[np.ndarray, np.ndarray | None], np.ndarray]

_PRIMES = (2147483647, 2147483629, 2147483587, 2147483579, 2147483563, 2147483549)
_HALF = 16
_BLOCK = 1 << 22
"""Numbers in one block of values."""


def map_labels(complex_: RegionData) -> np.ndarray:
    """Return a number for each region, shape (R,), equal exactly where the affine maps are equal.

    Costs O(R sum n_l n_(l+1)) products modulo a prime, and an exact map for each region whose
    fingerprint is not its own.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for i, row in enumerate(fingerprints(complex_.problem, complex_.patterns)):
        groups[row.tobytes()].append(i)
    keys: list[Hashable] = [None] * len(complex_)
    for number, members in enumerate(groups.values()):
        for i in members:
            keys[i] = (number, _exact_key(complex_.problem, complex_.patterns[i]) if len(members) > 1 else 0)
            look()
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def output_forms(problem: Problem, pattern: np.ndarray) -> RationalMatrix:
    """Return the exact outputs of a region in the coordinates of the domain, shape (m, d + 1)."""
    prefix = tuple(problem.network.pieces_of(pattern))
    if prefix:
        entering = problem.forms(prefix[:-1])
        forms = select_pieces(problem.blocks[-1].nonlinear, entering, prefix[-1])
    else:
        forms = problem.chart.embedding
    for layer in _layers_behind(problem.network):
        forms = affine_forms(layer, forms)
    return forms.reduced()


def fingerprints(problem: Problem, patterns: np.ndarray) -> np.ndarray:
    """Return the fingerprint of the affine map of each region, shape (R, 2 m)."""
    found: list[np.ndarray] = []
    for prime in _PRIMES:
        if len(found) < 2:
            # A prime that divides a denominator has no inverse of it.
            with suppress(ZeroDivisionError):
                found.append(np.concatenate([*_values(problem, patterns, prime)]))
    return np.concatenate(found, axis=1) if found else np.zeros((len(patterns), 1), np.int64)


def _exact_key(problem: Problem, pattern: np.ndarray) -> Hashable:
    forms = output_forms(problem, pattern)
    return forms.denominator, tuple(forms.integers.flat)


def _layers_behind(network: PLNetwork) -> list[Affine]:
    """Return the affine layers behind the last nonlinear one."""
    found: list[Affine] = []
    for layer in network.layers:
        found = [*found, layer] if isinstance(layer, Affine) else []
    return found


def _values(problem: Problem, patterns: np.ndarray, prime: int) -> Iterator[np.ndarray]:
    """Yield the outputs modulo a prime at one projective point, in blocks of regions."""
    network, embedding = problem.network, problem.chart.embedding
    # Powers of a fixed number: any point will do, a bad one costs only exact comparisons.
    point = [pow(48271, k + 1, prime) for k in range(embedding.shape[1])]
    start = _residues(embedding, prime).astype(object) @ np.array(point, dtype=object) % prime
    steps = [_step(layer, prime, point[-1]) for layer in network.layers]
    size = max(1, _BLOCK // max(network.input_dim, *(layer.n_out for layer in network.layers), 1))
    for begin in range(0, max(1, len(patterns)), size):
        block = patterns[begin : begin + size]
        # One row stands for all regions up to the first layer with pieces.
        values, pieces = start.astype(np.int64)[None], _pieces_of_many(network, block)
        for layer, step in zip(network.layers, steps, strict=True):
            values = step(values, None if isinstance(layer, Affine) else next(pieces))
        yield np.broadcast_to(values, (len(block), values.shape[1]))
        look()


def _pieces_of_many(network: PLNetwork, patterns: np.ndarray) -> Iterator[np.ndarray]:
    """Yield, for each nonlinear layer, the pieces (R, n) of all units."""
    begin = 0
    for layer, index in zip(network.nonlinear_layers, network.unit_indices, strict=True):
        pieces = np.tile(network.default_pieces(layer), (len(patterns), 1))
        pieces[:, index] = patterns[:, begin : begin + len(index)]
        begin += len(index)
        yield pieces


def _step(layer: Layer, prime: int, one: int) -> Step:
    """Return one layer modulo a prime, at a point where the form 1 has the value `one`."""
    if isinstance(layer, Affine):
        bias = _residues(layer.exact_bias, prime)[:, 0] * one % prime
        multiply = _dense(layer, prime) if layer.is_dense else _exact(layer, prime)
        return lambda values, _: (multiply(values) + bias) % prime
    if isinstance(layer, GroupMax):
        return lambda values, pieces: _chosen(layer, values, pieces)
    slopes, intercepts, common = layer.integer_pieces
    steep = _residues(RationalMatrix(slopes, common), prime)
    shift = _residues(RationalMatrix(intercepts, common), prime) * one % prime
    units = np.arange(layer.n_out)
    return lambda values, pieces: (steep[units, pieces] * values % prime + shift[units, pieces]) % prime


def _chosen(layer: GroupMax, values: np.ndarray, pieces: np.ndarray | None) -> np.ndarray:
    rows = np.broadcast_to(values, (len(pieces), values.shape[1])) if pieces is not None else values
    return np.take_along_axis(rows, layer.groups[np.arange(layer.n_out), pieces], axis=1)


def _dense(layer: Affine, prime: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return the product with a matrix; halves of its entries keep the sums below 2^63."""
    weight = _residues(layer.exact[0], prime)
    high, low = weight >> _HALF, weight & ((1 << _HALF) - 1)
    columns = range(0, max(1, layer.n_in), 1 << 15)

    def multiply(values: np.ndarray) -> np.ndarray:
        total = np.zeros((len(values), layer.n_out), dtype=np.int64)
        for begin in columns:
            part = values[:, begin : begin + (1 << 15)]
            upper = part @ high[:, begin : begin + (1 << 15)].T % prime
            lower = part @ low[:, begin : begin + (1 << 15)].T % prime
            total = (total + (upper << _HALF) + lower) % prime
        return total

    return multiply


def _exact(layer: Affine, prime: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return the product with an operator that is no stored matrix."""

    def multiply(values: np.ndarray) -> np.ndarray:
        return _residues(layer.multiply_exactly(RationalMatrix(values.T.astype(object))), prime).T

    return multiply


def _residues(matrix: RationalMatrix, prime: int) -> np.ndarray:
    """Return a matrix modulo a prime; raises ZeroDivisionError if the prime divides the denominator."""
    if matrix.denominator % prime == 0:
        raise ZeroDivisionError
    inverse = pow(matrix.denominator, -1, prime)
    return (matrix.integers % prime * inverse % prime).astype(np.int64)
