"""Exact splitting of one cell by one layer: every sign is decided in integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plnet.budgets import look
from plnet.geometry.cells import AnyCell, Form, signs, split
from plnet.geometry.exact import RationalMatrix
from plnet.ir.layers import GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork

__all__ = ["split_by_layer"]


@dataclass(frozen=True)
class _Wall:
    """A breakpoint of a scalar unit: the unit is above it where the form is positive."""

    unit: int
    piece: int
    form: Form


@dataclass(frozen=True)
class _Group:
    """A maxout unit whose maximum may still be any of some pieces."""

    unit: int
    pieces: tuple[tuple[int, Form], ...]


def split_by_layer(
    depth: int, layer: ScalarPWL | GroupMax, forms: RationalMatrix, cell: AnyCell
) -> Iterator[tuple[np.ndarray, AnyCell]]:
    """Cut a cell into the cells on which every unit of a layer is in one piece.

    Parameters
    ----------
    depth : int
        Index of the layer among the nonlinear layers.
    layer : ScalarPWL or GroupMax
    forms : RationalMatrix, shape (n_in, d + 1)
        Exact forms of the layer's inputs on the cell.
    cell : Cell or Polyhedron

    Yields
    ------
    pieces : ndarray of int, shape (n_out,)
    cell : Cell or Polyhedron

    Notes
    -----
    Depth-first; O(n_out) sign evaluations at each vertex of each cell.
    """
    pieces = PLNetwork.default_pieces(layer)
    pending: list[_Wall | _Group] = list(
        _walls(layer, forms) if isinstance(layer, ScalarPWL) else _groups(layer, forms)
    )
    stack = [(cell, pieces, pending)]
    while stack:
        look()
        cell, pieces, pending = stack.pop()
        pieces = pieces.copy()
        open_items = [rest for item in pending if (rest := _settle(item, cell, pieces)) is not None]
        if not open_items:
            yield pieces, cell
            continue
        first, rest = open_items[0], open_items[1:]
        if isinstance(first, _Wall):
            below, above = _cut(depth, first, cell)
            raised = pieces.copy()
            raised[first.unit] += 1
            stack += [(above, raised, rest), (below, pieces, rest)]
        else:
            for piece, part in _maximal_parts(depth, first, cell):
                chosen = pieces.copy()
                chosen[first.unit] = piece
                stack.append((part, chosen, rest))


def _walls(layer: ScalarPWL, forms: RationalMatrix) -> Iterator[_Wall]:
    rows = forms.integers.tolist()
    for unit in range(layer.n_out):
        for piece in range(int(layer.n_pieces[unit]) - 1):
            numerator, denominator = float(layer.breakpoints[unit, piece]).as_integer_ratio()
            row = [x * denominator for x in rows[unit]] if denominator != 1 else list(rows[unit])
            row[-1] -= numerator * forms.denominator
            yield _Wall(unit, piece, tuple(row))


def _groups(layer: GroupMax, forms: RationalMatrix) -> Iterator[_Group]:
    rows = [tuple(row) for row in forms.integers.tolist()]
    for unit, members in enumerate(layer.groups.tolist()):
        last = {index: piece for piece, index in enumerate(members)}
        if len(last) > 1:
            yield _Group(
                unit, tuple((piece, rows[index]) for index, piece in sorted(last.items(), key=lambda x: x[1]))
            )


def _settle(item: _Wall | _Group, cell: AnyCell, pieces: np.ndarray) -> _Wall | _Group | None:
    """Record the piece of a unit that has only one on the cell; return what stays open."""
    if isinstance(item, _Wall):
        at = signs(item.form, cell)
        if 1 in at and -1 in at:
            return item
        pieces[item.unit] += 1 in at
        return None
    left = _undominated(item, cell)
    if len(left) == 1:
        pieces[item.unit] = left[0][0]
        return None
    return _Group(item.unit, left)


def _undominated(group: _Group, cell: AnyCell) -> tuple[tuple[int, Form], ...]:
    """Drop each piece that another one reaches or exceeds on the whole cell."""
    left: list[tuple[int, Form]] = []
    for piece, form in group.pieces:
        # Later pieces win ties, so a piece in `left` goes if it is nowhere above the new one.
        left = [(p, f) for p, f in left if 1 in signs(_difference(f, form), cell)]
        rivals = [signs(_difference(form, f), cell) for _, f in left]
        if all(1 in at or -1 not in at for at in rivals):
            left.append((piece, form))
    return tuple(left)


def _difference(f: Form, g: Form) -> Form:
    return tuple(a - b for a, b in zip(f, g, strict=True))


def _cut(depth: int, wall: _Wall, cell: AnyCell) -> tuple[AnyCell, AnyCell]:
    return split(cell, wall.form, (depth, wall.unit, wall.piece, wall.piece + 1), signs(wall.form, cell))


def _maximal_parts(depth: int, group: _Group, cell: AnyCell) -> Iterator[tuple[int, AnyCell]]:
    for piece, form in group.pieces:
        part: AnyCell | None = cell
        for other, rival in group.pieces:
            if other == piece:
                continue
            look()
            difference = _difference(form, rival)
            at = signs(difference, part)
            if 1 not in at:
                tied = -1 not in at and piece > other
                part = part if tied else None
            elif -1 in at:
                part = split(part, difference, (depth, group.unit, min(piece, other), max(piece, other)), at)[
                    1
                ]
            if part is None:
                break
        if part is not None:
            yield piece, part
