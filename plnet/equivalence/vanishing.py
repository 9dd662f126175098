"""Proof that a network is 0 on each of many regions: its affine maps are 0 modulo enough primes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plnet.equivalence.residues import affine_residues, primes_for
from plnet.errors import NetworkError
from plnet.geometry.exact import RationalMatrix
from plnet.geometry.modular import matrix_residues, product, reduce_residues
from plnet.ir.layers import Affine, GroupMax, Layer, ScalarPWL
from plnet.ir.network import PLNetwork

__all__ = ["first_nonzero_region"]

_BLOCK = 1 << 22
"""Residues in use at a time."""

_TINY, _MARGIN = 1e-300, 1.0 + 1e-6


def first_nonzero_region(network: PLNetwork, patterns: np.ndarray, embedding: RationalMatrix) -> int | None:
    """Return a region on which a network is not 0 throughout, or None if there is none.

    Parameters
    ----------
    network : PLNetwork
        Continuous.
    patterns : ndarray of int, shape (R, U)
    embedding : RationalMatrix, shape (input_dim, d + 1)
        Exact forms of the inputs in the coordinates of the domain.

    Returns
    -------
    int or None
        None is a proof: all entries of all maps are 0 modulo primes whose product is larger
        than any of the numerators can be. A region is a proof as well.

    Notes
    -----
    Costs O(R (d + 1) sum n_l n_(l+1)) products of residues for each prime, done as matrix products;
    regions with the same pieces up to a layer share the work up to it. The number of primes is
    the size of the numerators in bits, divided by about 22.
    """
    if not len(patterns):
        return None
    bits, denominator = _size_of_numerators(network, embedding)
    if math.isinf(bits):
        raise NetworkError(
            "The outputs of the networks leave the range of floating-point numbers, so their difference "
            "cannot be bounded. Scale the weights by powers of two."
        )
    widest = max(embedding.shape[0], *(layer.n_in for layer in network.layers), 1) + 1
    steps = _steps(network, patterns)
    for prime in primes_for(widest, bits, denominator):
        found = _first_nonzero(network, steps, embedding, prime, len(patterns))
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class _Step:
    """Layers without choice, then a layer with one: its pieces for each different beginning of a pattern."""

    linear: tuple[Layer, ...]
    nonlinear: ScalarPWL | GroupMax | None
    pieces: np.ndarray
    parent: np.ndarray


def _steps(network: PLNetwork, patterns: np.ndarray) -> list[_Step]:
    """Return the network as steps; `parent` of a beginning is its own beginning, one step shorter.

    The last step with a choice has one row for each region.
    """
    chosen = [layer for layer in network.nonlinear_layers if (layer.n_pieces > 1).any()]
    steps: list[_Step] = []
    linear: list[Layer] = []
    begin, known = 0, np.zeros(len(patterns), np.int64)
    for layer in network.layers:
        if isinstance(layer, Affine) or not any(layer is other for other in chosen):
            linear.append(layer)
            continue
        index = np.flatnonzero(layer.n_pieces > 1)
        begin += len(index)
        if layer is chosen[-1]:
            first, labels = np.arange(len(patterns)), np.arange(len(patterns))
        else:
            first, labels = _distinct_rows(patterns[:, :begin])
        pieces = np.tile(network.default_pieces(layer), (len(first), 1))
        pieces[:, index] = patterns[first, begin - len(index) : begin]
        steps.append(_Step(tuple(linear), layer, pieces, known[first]))
        linear, known = [], labels
    nothing = np.empty((0, 0), np.int64)
    return [*steps, _Step(tuple(linear), None, nothing, known)]


def _distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each different row stands first, and which of them each row is."""
    if not rows.shape[1]:
        return np.zeros(1, np.int64), np.zeros(len(rows), np.int64)
    packed = np.ascontiguousarray(rows)
    whole = packed.view(np.dtype((np.void, packed.dtype.itemsize * packed.shape[1])))[:, 0]
    _, first, labels = np.unique(whole, return_index=True, return_inverse=True)
    return first, labels.reshape(-1)


def _first_nonzero(
    network: PLNetwork, steps: Sequence[_Step], embedding: RationalMatrix, prime: int, n_regions: int
) -> int | None:
    maps = [_composed(network, step.linear, prime) for step in steps]
    tail = maps[-1]
    if tail is not None and not tail[:, :-1].any():
        # The outputs depend on no unit, as where all units of one network are merged with the other's.
        return 0 if tail.any() else None
    forms = matrix_residues(embedding, prime)[:, None]
    for step, matrix, following in zip(steps[:-2], maps, maps[1:], strict=False):
        forms = _chosen(step, _through(matrix, forms, prime), following, prime)
    if len(steps) == 1:
        return 0 if _through(maps[0], forms, prime).any() else None
    last = steps[-2]
    forms = _through(maps[-2], forms, prime)
    size = max(1, _BLOCK // (forms.shape[0] * forms.shape[2]))
    for begin in range(0, n_regions, size):
        part = slice(begin, begin + size)
        block = _Step((), last.nonlinear, last.pieces[part], last.parent[part])
        values = _through(tail, _chosen(block, forms, tail, prime), prime)
        nonzero = np.flatnonzero(values.any(axis=(0, 2)))
        if len(nonzero):
            return begin + int(nonzero[0])
    return None


def _composed(network: PLNetwork, layers: Sequence[Layer], prime: int) -> np.ndarray | None:
    """Return layers without choice as one matrix ``[weight | bias]`` modulo a prime; None without layers."""
    total: np.ndarray | None = None
    for layer in layers:
        matrix = _residues(network, layer, prime)
        if total is not None:
            bias = matrix[:, -1]
            matrix = product(matrix[:, :-1], total, prime)
            matrix[:, -1] = reduce_residues(matrix[:, -1] + bias, prime)
        total = matrix
    return total


def _residues(network: PLNetwork, layer: Layer, prime: int) -> np.ndarray:
    if isinstance(layer, Affine):
        return affine_residues(layer, prime)
    pieces, units = network.default_pieces(layer), np.arange(layer.n_units)
    out = np.zeros((layer.n_out, layer.n_in + 1))
    if isinstance(layer, GroupMax):
        out[units, layer.groups[units, pieces]] = 1.0
        return out
    slopes, intercepts = _pieces_of(layer, prime)
    out[units, units] = slopes[units, pieces]
    out[:, -1] = intercepts[units, pieces]
    return out


def _pieces_of(layer: ScalarPWL, prime: int) -> tuple[np.ndarray, np.ndarray]:
    slopes, intercepts, common = layer.integer_pieces
    tables = (RationalMatrix(slopes, common), RationalMatrix(intercepts, common))
    return matrix_residues(tables[0], prime), matrix_residues(tables[1], prime)


def _read(matrix: np.ndarray | None, n: int) -> np.ndarray:
    """Return the inputs that a matrix ``[weight | bias]`` reads."""
    return np.arange(n) if matrix is None else np.flatnonzero(matrix[:, :-1].any(axis=0))


def _through(matrix: np.ndarray | None, forms: np.ndarray, prime: int) -> np.ndarray:
    """Apply an affine map to forms (n, P, d + 1); of the inputs that it does not read none may be there."""
    if matrix is None:
        return forms
    read = _read(matrix, matrix.shape[1] - 1)
    inputs = forms if len(forms) == len(read) else forms[read]
    columns = inputs.reshape(len(read), forms.shape[1] * forms.shape[2])
    out = product(matrix[:, read], columns, prime).reshape(len(matrix), *forms.shape[1:])
    out[:, :, -1] = reduce_residues(out[:, :, -1] + matrix[:, -1:], prime)
    return out


def _chosen(step: _Step, forms: np.ndarray, following: np.ndarray | None, prime: int) -> np.ndarray:
    """Apply a layer with a choice to the forms (n, P, d + 1) of the beginnings before it.

    Only those outputs are given that the following matrix reads.
    """
    layer = step.nonlinear
    assert layer is not None
    read = _read(following, layer.n_out)
    pieces = step.pieces[:, read].T
    if isinstance(layer, GroupMax):
        return forms[layer.groups[read[:, None], pieces], step.parent[None]]
    slopes, intercepts = _pieces_of(layer, prime)
    out = forms[read[:, None], step.parent[None]]
    out *= slopes[read[:, None], pieces][:, :, None]
    out = reduce_residues(out, prime)
    if intercepts.any():
        out[:, :, -1] = reduce_residues(out[:, :, -1] + intercepts[read[:, None], pieces], prime)
    return out


def _size_of_numerators(network: PLNetwork, embedding: RationalMatrix) -> tuple[float, int]:
    """Return bits that hold any numerator in any map, and the denominator that all maps have.

    The bits are infinite where the entries leave the range of floats.
    """
    denominator = embedding.denominator
    size = np.abs(embedding.to_float()).max(axis=1) + _TINY
    for layer in network.layers:
        if isinstance(layer, Affine):
            size = layer.apply_absolute(size[None])[0]
            denominator *= math.lcm(_denominator(layer), layer.exact_bias.denominator)
        elif isinstance(layer, GroupMax):
            size = size[layer.groups].max(axis=1)
        else:
            size = np.abs(layer.slopes).max(axis=1) * size + np.abs(layer.intercepts).max(axis=1)
            denominator *= layer.integer_pieces[2]
        # Rounding and underflow are far below these margins.
        size = size * _MARGIN + _TINY
    bits = math.log2(float(size.max())) if np.isfinite(size).all() else math.inf
    return bits + math.log2(denominator), denominator


def _denominator(layer: Affine) -> int:
    """Return a number by which the exact weights become integers."""
    stored = layer.stored[layer.stored != 0.0]
    mantissa, exponent = np.frexp(stored)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    zeros = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    power = 1 << max(0, int((53 - exponent - zeros).max(initial=0)))
    return power if layer.divisors is None else power * math.lcm(*layer.divisors.tolist())
