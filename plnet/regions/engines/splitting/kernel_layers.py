"""The layers that a kernel works on: those of the problem, and some in between.

A kernel knows one affine map between two layers. Dense affine layers in a row are multiplied;
large ones, which are stored as operators, are kept apart by layers of units without breakpoint.
These show up in no pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plnet.ir.layers import Affine, GroupMax, LocalWinner, ScalarPWL
from plnet.ir.network import UNIT_ROUNDOFF
from plnet.ir.operators import SMALL, SparseAffine
from plnet.regions.kernels.layout import GROUP, SCALAR, SINGLE
from plnet.regions.problem import Block

__all__ = ["KernelLayer", "Matrix", "Rows", "columns_of", "fused", "kernel_layers", "rows_of"]


@dataclass(frozen=True, eq=False)
class KernelLayer:
    """One layer of the kernel.

    Parameters
    ----------
    affine : tuple of Affine
        What leads to it: dense layers to be multiplied, or one operator.
    nonlinear : ScalarPWL or GroupMax
    depth : int or None
        Its place among the nonlinear layers of the network; None for a layer in between.
    operator : Affine or None
        The map to this layer if it is stored sparsely; None if it is written as a matrix.
    """

    affine: tuple[Affine, ...]
    nonlinear: ScalarPWL | GroupMax
    depth: int | None
    operator: Affine | None = None


def kernel_layers(blocks: tuple[Block, ...], dense: bool) -> list[KernelLayer]:
    """Return the layers of the kernel for the blocks of a problem.

    Parameters
    ----------
    blocks : tuple of Block
    dense : bool
        Write every map as a matrix, also where it is an operator.
    """
    found: list[KernelLayer] = []
    for depth, block in enumerate(blocks):
        size = block.nonlinear.n_in
        if depth and not dense and not block.affine and size * size > SMALL:
            block = Block((SparseAffine.select(np.arange(size), size),), block.nonlinear)
        if depth == 0 or dense or all(layer.is_dense for layer in block.affine):
            found.append(KernelLayer(block.affine, block.nonlinear, depth))
            continue
        *before, last = block.affine
        if isinstance(block.nonlinear, GroupMax) and not (last.is_dense or isinstance(last, SparseAffine)):
            # The members of a group are neighbours in the kernel, which would tear the runs apart.
            before.append(last)
            last = SparseAffine.select(np.arange(last.n_out), last.n_out)
        found += [_single(layer, ScalarPWL.identity(layer.n_out), None) for layer in before]
        found.append(_single(last, block.nonlinear, depth))
    return found


def _single(layer: Affine, nonlinear: ScalarPWL | GroupMax, depth: int | None) -> KernelLayer:
    return KernelLayer((layer,), nonlinear, depth, None if layer.is_dense else layer)


@dataclass(frozen=True, eq=False)
class Rows:
    """Which row of a layer belongs to which unit; `source` is the input of the layer that it reads."""

    unit: np.ndarray
    piece: np.ndarray
    source: np.ndarray
    shift: np.ndarray
    wall: np.ndarray
    kind: np.ndarray
    first: np.ndarray
    count: np.ndarray


def rows_of(layer: ScalarPWL | GroupMax, order: np.ndarray | None = None) -> Rows:
    """List the rows of a layer: unit after unit, or for a scalar layer in a given order of the units.

    With an order the first rows of all units come first, then the second ones, and so on; a unit
    that has no second row gets one that is no wall.
    """
    if order is not None:
        assert isinstance(layer, ScalarPWL)
        return _ordered_rows(layer, order)
    unit, piece, source, shift, wall = [], [], [], [], []
    kind, first, count = [], [], []
    for u in range(layer.n_units):
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
    return Rows(
        unit=np.array(unit, np.int64),
        piece=np.array(piece, np.int64),
        source=np.array(source, np.int64),
        shift=np.array(shift, np.float64),
        wall=np.array(wall, np.int64),
        kind=np.array(kind, np.int64),
        first=np.array(first, np.int64),
        count=np.array(count, np.int64),
    )


def _ordered_rows(layer: ScalarPWL, order: np.ndarray) -> Rows:
    walls = layer.n_pieces - 1
    copies = max(1, int(walls.max(initial=0)))
    unit, piece = np.tile(order, copies), np.repeat(np.arange(copies), len(order))
    is_wall = piece < walls[unit]
    points = layer.breakpoints[unit, piece] if layer.breakpoints.shape[1] else np.zeros(len(unit))
    first = np.empty(len(order), np.int64)
    first[order] = np.arange(len(order))
    return Rows(
        unit=unit,
        piece=piece,
        source=unit,
        shift=np.where(is_wall, points, 0.0),
        wall=is_wall.astype(np.int64),
        kind=np.where(walls > 0, SCALAR, SINGLE).astype(np.int64),
        first=first,
        count=np.maximum(walls, 1),
    )


def columns_of(layer: ScalarPWL | GroupMax, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the output behind each column of the next map, and for each unit its column and the step.

    A local winner passes on one of several outputs, so it has a column for each of its rows.
    """
    if isinstance(layer, LocalWinner):
        return rows.source, rows.first, np.ones(layer.n_units, np.int64)
    units = np.arange(layer.n_units)
    return units, units, np.zeros(layer.n_units, np.int64)


@dataclass(frozen=True, eq=False)
class Matrix:
    """An affine map with bounds.

    Parameters
    ----------
    weight, size : ndarray, shape (n_out, n_in), or None
        Entries, and bounds of the sizes of what was added up; None for an operator.
    bias, bias_size : ndarray, shape (n_out,)
    theta : float
        Relative error of the entries.
    terms : int
        Products in one output at most.
    """

    weight: np.ndarray | None
    size: np.ndarray | None
    bias: np.ndarray
    bias_size: np.ndarray
    theta: float
    terms: int


def fused(layer: KernelLayer) -> Matrix:
    """Return the map to a layer of the kernel."""
    n_in, affine = layer.nonlinear.n_in, layer.affine
    if layer.operator is not None:
        one = layer.operator
        theta = 0.0 if one.divisors is None else 2.2 * UNIT_ROUNDOFF
        return Matrix(None, None, one.bias, np.abs(one.bias), theta, one.n_terms)
    if not affine:
        return Matrix(np.eye(n_in), np.eye(n_in), np.zeros(n_in), np.zeros(n_in), 0.0, n_in)
    weight, bias, terms = affine[0].weight, affine[0].bias, 0
    size, bias_size = affine[0].weight_size, np.abs(bias)
    for one in affine[1:]:
        steep = one.weight_size
        weight, size = one.weight @ weight, steep @ size
        bias, bias_size = one.weight @ bias + one.bias, steep @ bias_size + np.abs(one.bias)
        terms += one.n_in + 3
    terms += sum(one.n_terms + 2 for one in affine if not one.has_exact_weight)
    slack = 1 + 1e-9 if terms else 1
    return Matrix(weight, size * slack, bias, bias_size * slack, 1.1 * terms * UNIT_ROUNDOFF, weight.shape[1])
