"""From a graph of operations to a chain of layers: what is needed later is carried along.

The chain's current vector is a list of atoms. One layer at a time, all operations of one
kind whose inputs are there are done together, and every other atom that is still needed
passes through: by a row of the identity, a unit without breakpoint, or a group of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plnet.ir.handlers.symbols import Op
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL, padded_groups
from plnet.ir.operators import SMALL, SparseAffine, StackedAffine, compact

__all__ = ["linearise"]


def linearise(ops: Sequence[Op], inputs: np.ndarray, outputs: np.ndarray) -> tuple[Layer, ...]:
    """Return the layers of a chain that computes `outputs` from `inputs`.

    Parameters
    ----------
    ops : sequence of Op
        In an order in which they can be computed; those that `outputs` does not need are
        left out.
    inputs : ndarray of int, shape (n,)
        Atoms of the chain's input.
    outputs : ndarray of int, shape (m,)
        Atoms of the chain's output.

    Returns
    -------
    tuple of Affine, ScalarPWL or GroupMax

    Notes
    -----
    Affine operations come as early as they can, so that parallel branches share layers.
    Two affine layers become one only where one of them is synthetic (an addition, a
    selection) and the product rounds nothing.
    """
    todo = _needed(ops, outputs)
    chain = _Chain(inputs, int(max((op.outputs.max() for op in ops), default=0)))
    chain.n_atoms = max(chain.n_atoms, int(inputs.max()) + 1, int(outputs.max()) + 1)
    while todo:
        live = np.zeros(chain.n_atoms, dtype=bool)
        live[chain.state] = True
        ready = [op for op in todo if live[op.inputs].all()]
        first = next((op for op in ready if isinstance(op.layer, Affine)), ready[0])
        now = [op for op in ready if _kind(op.layer) == _kind(first.layer)]
        todo = [op for op in todo if op not in now]
        later = np.zeros(chain.n_atoms, dtype=bool)
        later[outputs] = True
        for op in todo:
            later[op.inputs] = True
        carried = chain.state[later[chain.state]]
        if isinstance(first.layer, Affine):
            chain.affine(now, carried)
        elif isinstance(first.layer, ScalarPWL):
            chain.scalar(now, carried)
        elif isinstance(first.layer, LocalWinner):
            chain.winner(now, carried)
        else:
            chain.maximum(now, carried)
    if not np.array_equal(chain.state, outputs):
        chain.select(outputs)
    return tuple(chain.layers)


def _needed(ops: Sequence[Op], outputs: np.ndarray) -> list[Op]:
    wanted = set(outputs.tolist())
    kept = []
    for op in reversed(ops):
        if not wanted.isdisjoint(op.outputs.tolist()):
            kept.append(op)
            wanted.update(op.inputs.tolist())
    return kept[::-1]


def _kind(layer: Layer) -> tuple[type, int]:
    if isinstance(layer, Affine):
        return Affine, 0
    # Maxima of different sizes stay apart: a padded group would repeat some of its members.
    return type(layer), layer.groups.shape[1] if isinstance(layer, GroupMax) else 0


class _Chain:
    """The layers so far, and the atoms in the current vector."""

    def __init__(self, inputs: np.ndarray, highest: int) -> None:
        self.state = inputs
        self.n_atoms = highest + 1
        self.layers: list[Layer] = []
        self._synthetic = False

    def affine(self, ops: list[Op], carried: np.ndarray) -> None:
        """Apply affine operations; carried atoms get a row of the identity."""
        places = self._places()
        carried = np.unique(carried)
        carried = carried[np.argsort(places[carried])]
        width = len(self.state)
        rows = sum(op.layer.n_out for op in ops) + len(carried)
        if rows * width > SMALL or not all(op.layer.is_dense for op in ops if isinstance(op.layer, Affine)):
            self._stack(ops, carried)
            return
        weight = np.zeros((rows, width))
        bias = np.zeros(rows)
        row = 0
        for op in ops:
            assert isinstance(op.layer, Affine)
            end = row + op.layer.n_out
            # An atom may be read twice; Graph.emit has made sure that the sum is exact.
            np.add.at(weight[row:end].T, places[op.inputs], op.layer.weight.T)
            bias[row:end] = op.layer.bias
            row = end
        weight[row + np.arange(len(carried)), places[carried]] = 1.0
        self.state = np.concatenate([*(op.outputs for op in ops), carried])
        self._append(Affine(weight, bias, _names(ops)), synthetic=all(op.synthetic for op in ops))

    def _stack(self, ops: list[Op], carried: np.ndarray) -> None:
        """Apply large affine operations side by side, without a matrix of all."""
        places, width = self._places(), len(self.state)
        parts = [op.layer for op in ops if isinstance(op.layer, Affine)]
        inputs = [places[op.inputs] for op in ops]
        if len(carried):
            parts.append(SparseAffine.select(np.arange(len(carried)), len(carried)))
            inputs.append(places[carried])
        layer: Affine = parts[0]
        if len(parts) > 1 or not np.array_equal(inputs[0], np.arange(width)):
            layer = StackedAffine(parts, inputs, width, _names(ops))
        self.state = np.concatenate([*(op.outputs for op in ops), carried])
        self._append(layer, synthetic=all(op.synthetic for op in ops))

    def scalar(self, ops: list[Op], carried: np.ndarray) -> None:
        """Apply scalar functions in place where each atom has one use, behind a selection otherwise."""
        wanted = np.concatenate([*(op.inputs for op in ops), np.unique(carried)])
        if not np.array_equal(np.sort(wanted), np.sort(self.state)):
            self.select(wanted)
            order = np.arange(len(wanted))
        else:
            # Units stand where their inputs stand, so that nothing has to be moved.
            order = np.argsort(wanted)[np.argsort(np.argsort(self.state))]
        n_carried = len(wanted) - sum(op.layer.n_out for op in ops)
        parts = [op.layer for op in ops if isinstance(op.layer, ScalarPWL)] + (
            [ScalarPWL.identity(n_carried)] if n_carried else []
        )
        after = np.concatenate([*(op.outputs for op in ops), wanted[len(wanted) - n_carried :]])
        name = _names(ops)
        joined = parts[0] if len(parts) == 1 else ScalarPWL.concatenate(parts)
        self.layers.append(
            ScalarPWL(joined.breakpoints[order], joined.slopes[order], joined.anchors[order], name)
        )
        self.state = after[order]

    def maximum(self, ops: list[Op], carried: np.ndarray) -> None:
        """Apply maxima; a carried atom is a group that repeats one index."""
        places = self._places()
        carried = np.unique(carried)
        groups = [places[op.inputs][op.layer.groups] for op in ops if isinstance(op.layer, GroupMax)]
        groups.append(places[carried][:, None])
        self.layers.append(GroupMax(padded_groups(groups), len(self.state), _names(ops)))
        self.state = np.concatenate([*(op.outputs for op in ops), carried])

    def winner(self, ops: list[Op], carried: np.ndarray) -> None:
        """Let local winners compete; a carried atom is a group of its own."""
        wanted = np.concatenate([*(op.inputs for op in ops), np.unique(carried)])
        if not np.array_equal(wanted, self.state):
            self.select(wanted)
        groups, begin = [], 0
        for op in ops:
            assert isinstance(op.layer, LocalWinner)
            groups.append(op.layer.groups + begin)
            begin += op.layer.n_in
        groups.append(np.arange(begin, len(wanted))[:, None])
        self.layers.append(LocalWinner(padded_groups(groups), len(wanted), _names(ops)))
        self.state = np.concatenate([*(op.outputs for op in ops), wanted[begin:]])

    def select(self, wanted: np.ndarray) -> None:
        """Rearrange, repeat or drop entries of the current vector."""
        layer = compact(SparseAffine.select(self._places()[wanted], len(self.state)))
        self.state = wanted
        self._append(layer, synthetic=True)

    def _places(self) -> np.ndarray:
        places = np.full(self.n_atoms, -1, dtype=np.int64)
        # Written backwards, so that an atom that stands twice is found at its first place.
        places[self.state[::-1]] = np.arange(len(self.state))[::-1]
        return places

    def _append(self, layer: Affine, synthetic: bool) -> None:
        before = self.layers[-1] if self.layers else None
        if isinstance(before, Affine) and (synthetic or self._synthetic):
            merged = _exact_product(layer, before)
            if merged is not None:
                self.layers[-1] = merged
                self._synthetic = synthetic and self._synthetic
                return
        self.layers.append(layer)
        self._synthetic = synthetic


def _exact_product(second: Affine, first: Affine) -> Affine | None:
    """Return ``second(first(x))`` as one layer if no entry of it is rounded, else None.

    Each entry must be a sum of at most one non-zero product, and one factor of it ±1.
    """
    if not (second.is_dense and first.is_dense):
        # Large ones stay apart, except that two selections are one.
        return _selection_of(second, first)
    used, odd = _masks(second.weight)
    entries, others = _masks(np.column_stack([first.weight, first.bias]))
    count = used @ entries
    count[:, -1] += second.bias != 0
    if (count > 1).any() or (odd @ others).any():
        return None
    bias = second.weight @ first.bias + second.bias
    name = "+".join(part for part in (first.name, second.name) if part)
    return Affine(second.weight @ first.weight, bias, name)


def _selection_of(second: Affine, first: Affine) -> Affine | None:
    if not (isinstance(second, SparseAffine) and isinstance(first, SparseAffine)):
        return None
    if not (second.is_selection and first.is_selection):
        return None
    return compact(SparseAffine.select(first.inputs[second.inputs], first.n_in))


def _masks(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return as 0/1 floats where a matrix is non-zero, and where it is neither 0 nor ±1."""
    return (matrix != 0).astype(np.float64), (~np.isin(matrix, (-1.0, 0.0, 1.0))).astype(np.float64)


def _names(ops: list[Op]) -> str:
    return ", ".join(dict.fromkeys(op.layer.name for op in ops))
