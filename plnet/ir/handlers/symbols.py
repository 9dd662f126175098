"""Symbolic tensors: which number of the network stands where.

Every number that a network computes from one input is an *atom*. A `Symbol` is a batch
of tensors whose entries are atoms, stored as integers ``sample * STRIDE + atom``. Views,
slices, concatenations and transpositions are then done by torch itself on the integers, and
only arithmetic adds an `Op`, an IR layer with the atoms it reads and writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from plnet.errors import NetworkError, UnsupportedLayerError
from plnet.ir.layers import Affine, Layer
from plnet.ir.operators import SparseAffine, compact

__all__ = ["BATCH", "Graph", "Indices", "Op", "Symbol"]

BATCH = 3
"""Samples in a symbolic batch: more than one, so that mixing samples is seen."""

STRIDE = 1 << 40


@dataclass(eq=False)
class Symbol:
    """A batch of tensors of atoms; `ids` has the shape of the torch tensor it stands for."""

    ids: torch.Tensor

    @property
    def shape(self) -> torch.Size:
        """Shape of the tensor, the batch of `BATCH` samples included."""
        return self.ids.shape


class Indices:
    """Stands for the positions that ``max(dim)`` returns; nothing can be done with them."""


@dataclass(frozen=True, eq=False)
class Op:
    """An IR layer that reads and writes atoms.

    Attributes
    ----------
    layer : Affine, ScalarPWL or GroupMax
    inputs : ndarray of int, shape (layer.n_in,)
        Distinct atoms, except that a synthetic Affine may read one twice.
    outputs : ndarray of int, shape (layer.n_out,)
    synthetic : bool
        The layer is arithmetic between modules and may be merged where that is exact.
    """

    layer: Layer
    inputs: np.ndarray
    outputs: np.ndarray
    synthetic: bool = False


@dataclass
class Graph:
    """The operations of a network in the order in which they were computed.

    `name` is the qualified name of what is being computed, for layers and messages.
    """

    ops: list[Op] = field(default_factory=list)
    n_atoms: int = 0
    name: str = ""

    def fresh(self, shape: tuple[int, ...]) -> Symbol:
        """Return a symbol of new atoms; `shape` is that of one sample."""
        count = int(np.prod(shape, dtype=np.int64))
        atoms = np.arange(self.n_atoms, self.n_atoms + count)
        self.n_atoms += count
        return _symbol(atoms.reshape(shape))

    def atoms(self, value: Symbol) -> np.ndarray:
        """Return the atoms of one sample, in the shape of one sample.

        Raises
        ------
        UnsupportedLayerError
            If the batch is not the first dimension, or samples are mixed.
        """
        if not isinstance(value, Symbol):
            raise UnsupportedLayerError(
                f"{self.name}: expected a tensor that depends on the input, got {type(value).__name__}."
            )
        ids = value.ids
        if ids.ndim >= 1 and ids.shape[0] == BATCH and ids.dtype == torch.int64:
            first = ids[0]
            shift = torch.arange(BATCH).reshape(-1, *([1] * (ids.ndim - 1))) * STRIDE
            if bool((first < STRIDE).all()) and torch.equal(ids, first + shift):
                return first.numpy()
        raise UnsupportedLayerError(
            f"{self.name}: expected a tensor whose first dimension is the batch and whose samples do not "
            f"mix, got shape {tuple(ids.shape)} (for a batch of {BATCH}). Reshape the features only, and "
            "keep the batch first; if one input is more than a vector, give its input_shape."
        )

    def emit(
        self, layer: Layer, inputs: np.ndarray, shape: tuple[int, ...], synthetic: bool = False
    ) -> Symbol:
        """Add an operation and return its output in the given shape of one sample.

        Raises
        ------
        NetworkError
            If it has no outputs, or reads nothing.
        """
        if layer.n_out == 0 or layer.n_in == 0:
            raise NetworkError(
                f"{self.name}: expected at least one input and one output, got {layer.n_in} inputs and "
                f"{layer.n_out} outputs. Remove the empty layer."
            )
        inputs = np.asarray(inputs).ravel()
        if (
            isinstance(layer, Affine)
            and layer.is_dense
            and len(np.unique(inputs)) < len(inputs)
            and not _adds_exactly(layer, inputs)
        ):
            # Two columns of one atom would have to be added, which rounds: read copies.
            eye = compact(SparseAffine.select(np.arange(len(inputs)), len(inputs), "copy"))
            inputs = self.atoms(self.emit(eye, inputs, (len(inputs),), synthetic=True))
        out = self.fresh(shape)
        self.ops.append(Op(layer, inputs, self.atoms(out).ravel(), synthetic))
        return out

    def constant(self, values: torch.Tensor) -> Symbol:
        """Turn a tensor (batch first, or without the batch) of constants into atoms."""
        values = values.detach()
        if (
            values.ndim == 0
            or values.shape[0] != BATCH
            or not bool(((values == values[:1]) | values.isnan()).all())
        ):
            raise UnsupportedLayerError(
                f"{self.name}: expected a constant with the batch as its first dimension, got shape "
                f"{tuple(values.shape)}. Expand it with `.expand(x.shape[0], ...)`."
            )
        bias = values[0].double().numpy()
        # Any atom will do as the input of a map that ignores it.
        layer = Affine(np.zeros((bias.size, 1)), bias.ravel(), self.name)
        return self.emit(layer, np.zeros(1, dtype=np.int64), bias.shape, synthetic=True)


def _symbol(atoms: np.ndarray) -> Symbol:
    shift = torch.arange(BATCH).reshape(-1, *([1] * atoms.ndim)) * STRIDE
    return Symbol(torch.from_numpy(atoms.copy()).reshape(1, *atoms.shape) + shift)


def _adds_exactly(layer: Affine, inputs: np.ndarray) -> bool:
    """Tell whether adding the columns that read the same atom rounds nothing.

    Sums of at most two entries ±1 are exact; so is one non-zero entry among zeros.
    """
    distinct, place = np.unique(inputs, return_inverse=True)
    unit = np.isin(layer.weight, (-1.0, 0.0, 1.0))
    merge = np.eye(len(distinct))[place]
    entries = (layer.weight != 0) @ merge
    others = (~unit) @ merge
    return bool(((entries <= 1) | (others == 0)).all())
