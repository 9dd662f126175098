"""Any piecewise-linear network as a chain whose only nonlinearity is maxout; numbers only.

Each scalar activation becomes one elementwise maxout unit, or a difference of two, behind the affine
layer it had. Weights and activation are never multiplied with each other, so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from plnet.ir.affine import frozen_array
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.network_checks import require_continuous
from plnet.ir.operators import SMALL, SparseAffine, compact
from plnet.maxout.conversion.rational_layers import Row, exact_affine, is_float
from plnet.maxout.conversion.report import ConversionReport, UnitConversion, maxima_report, scalar_report
from plnet.maxout.conversion.scalar_units import SignedUnit, scalar_functions, signed_units

__all__ = ["DenseMaxout", "MaxoutChain", "MaxoutLayer", "maxout_chain"]


@dataclass(frozen=True, eq=False)
class MaxoutLayer:
    """Units ``max_j (weight[i, j] * x[groups[i, j]] + bias[i, j])``: every piece reads one input.

    Parameters
    ----------
    groups : array_like of int, shape (n_out, k)
    weight, bias : array_like, shape (n_out, k)
        A unit with fewer than k pieces repeats its last one.
    n_in : int
    name : str
    """

    groups: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    n_in: int
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", frozen_array(self.groups, np.int64))
        object.__setattr__(self, "weight", frozen_array(self.weight))
        object.__setattr__(self, "bias", frozen_array(self.bias))


@dataclass(frozen=True, eq=False)
class DenseMaxout:
    """A maxout layer that the network had already: a dense affine layer, and maxima of neighbouring rows."""

    affine: Affine
    maximum: GroupMax


Step = Affine | MaxoutLayer | DenseMaxout
"""One module of the result."""


@dataclass(frozen=True, eq=False)
class MaxoutChain:
    """A network of affine and maxout layers.

    Parameters
    ----------
    steps : tuple of Affine, MaxoutLayer or DenseMaxout
    source : PLNetwork
        The network that was converted.
    report : ConversionReport
    """

    steps: tuple[Step, ...]
    source: PLNetwork
    report: ConversionReport


@dataclass(frozen=True, eq=False)
class _Mixing:
    """How outputs are made of maxout units: unit j is added to output ``owner[j]`` with ``sign[j]``."""

    owner: np.ndarray
    sign: np.ndarray
    n_out: int

    @cached_property
    def is_identity(self) -> bool:
        """Whether there is nothing to do."""
        return np.array_equal(self.owner, np.arange(self.n_out)) and bool((self.sign > 0).all())

    def folded(self, layer: Affine) -> Affine | None:
        """Return the next layer with its columns repeated and negated, which rounds nothing."""
        if not layer.is_dense or layer.n_out * len(self.owner) > SMALL:
            return None
        return Affine(layer.weight[:, self.owner] * self.sign, layer.bias, layer.name)

    def as_layer(self, name: str) -> Affine:
        """Return the sums as a layer of their own."""
        order = np.argsort(self.owner, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.owner, minlength=self.n_out))])
        values = self.sign[order].astype(np.float64)
        return compact(SparseAffine(starts, order, values, len(order), np.zeros(self.n_out), name))


def maxout_chain(network: PLNetwork) -> MaxoutChain:
    """Return the same function with maxout as its only nonlinearity.

    Parameters
    ----------
    network : PLNetwork

    Returns
    -------
    MaxoutChain
        Exactly the same function: affine layers stay as they are, apart from columns that are
        repeated or negated.

    Raises
    ------
    EngineError
        If the network can jump.
    NetworkError
        If a piece of an activation has coefficients beyond the range of floats.

    Notes
    -----
    Costs O(weights + units).
    """
    require_continuous(network, "A conversion to maxout")
    steps: list[Step] = []
    rows: list[UnitConversion] = []
    mixing: _Mixing | None = None
    layers = list(network.layers)
    while layers:
        layer = layers.pop(0)
        if mixing is not None:
            folded = mixing.folded(layer) if isinstance(layer, Affine) else None
            if folded is None:
                steps.append(mixing.as_layer("sum of maxout units"))
            layer, mixing = folded or layer, None
        if isinstance(layer, ScalarPWL):
            mixing = _scalar(layer, steps)
            rows += scalar_report(layer)
        elif isinstance(layer, GroupMax):
            rows += maxima_report(layer, steps[-1] if steps else None)
            _maximum(layer, steps)
        else:
            steps.append(layer)
    if mixing is not None:
        steps.append(mixing.as_layer("sum of maxout units"))
    return MaxoutChain(tuple(steps), network, ConversionReport(tuple(rows)))


def _maximum(layer: GroupMax, steps: list[Step]) -> None:
    before = steps[-1] if steps else None
    in_order = layer.groups.shape[1] > 1 and np.array_equal(layer.groups.ravel(), np.arange(layer.n_in))
    if isinstance(before, Affine) and before.is_dense and in_order:
        steps[-1] = DenseMaxout(before, layer)
        return
    shape = layer.groups.shape
    steps.append(MaxoutLayer(layer.groups, np.ones(shape), np.zeros(shape), layer.n_in, layer.name))


def _scalar(layer: ScalarPWL, steps: list[Step]) -> _Mixing | None:
    """Append the units of a layer of activations; return how their sums are made."""
    units = [signed_units(function) for function in scalar_functions(layer)]
    _, kind_of = layer.kinds
    owner = np.repeat(np.arange(layer.n_units), [len(units[kind]) for kind in kind_of.tolist()])
    chosen = [unit for kind in kind_of.tolist() for unit in units[kind]]
    if all(unit.pieces == 1 for unit in chosen):
        rows = [Row({i: unit.slopes[0]}, unit.intercepts[0]) for i, unit in enumerate(chosen)]
        steps += exact_affine(rows, layer.n_units, layer.name)
        return None
    if all(is_float(x) for found in units for unit in found for x in (*unit.slopes, *unit.intercepts)):
        steps.append(_direct(chosen, owner, layer))
    else:
        steps += _through_pieces(chosen, owner, layer)
    mixing = _Mixing(owner, np.array([unit.sign for unit in chosen]), layer.n_units)
    return None if mixing.is_identity else mixing


def _direct(units: Sequence[SignedUnit], owner: np.ndarray, layer: ScalarPWL) -> MaxoutLayer:
    most = max(unit.pieces for unit in units)
    weight = np.array([_floats(unit.slopes, most) for unit in units])
    bias = np.array([_floats(unit.intercepts, most) for unit in units])
    groups = np.repeat(owner[:, None], most, axis=1)
    return MaxoutLayer(groups, weight, bias, layer.n_units, layer.name)


def _through_pieces(
    units: Sequence[SignedUnit], owner: np.ndarray, layer: ScalarPWL
) -> Iterator[Affine | MaxoutLayer]:
    """Yield affine layers that give the values of all pieces, and maxima with weight 1."""
    rows, groups = [], []
    most = max(unit.pieces for unit in units)
    for place, unit in zip(owner.tolist(), units, strict=True):
        begin = len(rows)
        pairs = zip(unit.slopes, unit.intercepts, strict=True)
        rows += [Row({place: slope} if slope else {}, intercept) for slope, intercept in pairs]
        groups.append([min(begin + j, len(rows) - 1) for j in range(most)])
    yield from exact_affine(rows, layer.n_units, layer.name)
    shape = len(units), most
    yield MaxoutLayer(np.array(groups), np.ones(shape), np.zeros(shape), len(rows), layer.name)


def _floats(values: Sequence[Fraction], size: int) -> list[float]:
    return [float(values[min(j, len(values) - 1)]) for j in range(size)]
