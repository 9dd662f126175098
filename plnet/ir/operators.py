"""Affine maps that are not stored as a matrix: sparse rows with exact divisors, and stacks of maps.

They are `Affine` layers and answer the same questions. `weight` is made on demand, up to a
size limit; code that must work on large networks asks for `multiply`, `row` and the like.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from plnet.errors import NetworkError
from plnet.geometry.exact import RationalMatrix, object_array, rational
from plnet.ir.affine import Affine, Entries, check_finite, entrywise, frozen_array

__all__ = [
    "DENSE_LIMIT",
    "SMALL",
    "AffineOperator",
    "SparseAffine",
    "StackedAffine",
    "compact",
    "gather_block",
    "sparse_rows",
]

DENSE_LIMIT = 1 << 24
"""Largest number of entries of a matrix that is written out on demand."""

SMALL = 1 << 18
"""A matrix with at most so many entries may as well be stored."""

_BLOCK = 1 << 23
"""Numbers in use at a time where values are gathered."""


class AffineOperator(Affine):
    """An affine map whose matrix is known without being stored."""

    is_dense: ClassVar[bool] = False

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        raise NotImplementedError

    @cached_property
    def weight(self) -> np.ndarray:  # type: ignore[override]
        """The matrix (n_out, n_in), each entry rounded once to float64.

        Raises
        ------
        NetworkError
            If it has more than `DENSE_LIMIT` entries.
        """
        if self.n_in * self.n_out > DENSE_LIMIT:
            raise NetworkError(
                f"Layer {self.name or '(unnamed)'} maps {self.n_in} values to {self.n_out}; a matrix of that "
                f"size is not written out (limit: {DENSE_LIMIT} entries). Use an engine that works on a "
                "plane or a segment: plnet.Slice.through(points), plnet.Segment(start, end)."
            )
        return frozen_array(self.multiply(np.eye(self.n_in)).T)

    @cached_property
    def has_exact_weight(self) -> bool:  # type: ignore[override]
        """Whether `weight` is the exact matrix; otherwise its entries are rounded, and `exact` is."""
        return False

    @property
    def weight_size(self) -> np.ndarray:
        """Bounds (n_out, n_in) of what was added up for each entry of `weight`."""
        return self.multiply(np.eye(self.n_in), "absolute").T

    @cached_property
    def exact(self) -> tuple[RationalMatrix, RationalMatrix]:
        """Exact weight (n_out, n_in) and exact bias as a column (n_out, 1)."""
        # `weight` may be rounded: by divisors, and where padding reads one input at several taps.
        if self.n_in * self.n_out > DENSE_LIMIT:
            self.weight  # noqa: B018 - refuses
        return self.multiply_exactly(rational(np.eye(self.n_in))), self.exact_bias

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.n_in} → {self.n_out}, name={self.name!r})"

    def _freeze(self, **values: Any) -> None:
        for key, value in values.items():
            object.__setattr__(self, key, value)


@dataclass(frozen=True, eq=False, init=False, repr=False)
class SparseAffine(AffineOperator):
    """Rows with few entries, each row divided by an integer: ``y = (S x) / divisors + bias``.

    Selections, sums, average pooling and scalings are of this kind. A division by 9 is a
    rational number here, not the float nearest to 1/9.

    Parameters
    ----------
    starts : array_like of int, shape (n_out + 1,)
        Entries ``starts[i] : starts[i + 1]`` belong to row i.
    inputs : array_like of int, shape (entries,)
        Input of each entry.
    values : array_like of float, shape (entries,)
    n_in : int
    bias : array_like, shape (n_out,)
    name : str
    divisors : array_like of int, shape (n_out,), optional
        Positive.

    Raises
    ------
    NetworkError
        If an entry is not finite, or the shapes do not fit.
    """

    starts: np.ndarray
    inputs: np.ndarray
    values: np.ndarray
    size_in: int
    by: np.ndarray | None

    def __init__(
        self,
        starts: Any,
        inputs: Any,
        values: Any,
        n_in: int,
        bias: Any,
        name: str = "",
        divisors: Any = None,
    ) -> None:
        self._freeze(
            starts=frozen_array(starts, np.int64),
            inputs=frozen_array(inputs, np.int64),
            values=frozen_array(values),
            size_in=int(n_in),
            bias=frozen_array(bias),
            name=name,
            by=None if divisors is None else frozen_array(divisors, np.int64),
        )
        n_out = len(self.bias)
        fits = (
            self.starts.shape == (n_out + 1,)
            and self.starts[0] == 0
            and bool((np.diff(self.starts) >= 0).all())
            and self.starts[-1] == len(self.inputs) == len(self.values)
            and (not self.inputs.size or (self.inputs.min() >= 0 and self.inputs.max() < n_in))
            and (self.by is None or (self.by.shape == (n_out,) and bool((self.by > 0).all())))
        )
        if not fits:
            raise NetworkError(f"The sparse rows of layer {name or '(unnamed)'} do not fit together.")
        check_finite(self.values, "weight", name)
        check_finite(self.bias, "bias", name)

    @classmethod
    def select(cls, inputs: Any, n_in: int, name: str = "") -> SparseAffine:
        """Pass on the chosen inputs."""
        n = len(inputs)
        return cls(np.arange(n + 1), inputs, np.ones(n), n_in, np.zeros(n), name)

    @classmethod
    def diagonal(cls, factors: Any, bias: Any, name: str = "") -> SparseAffine:
        """Multiply input i by ``factors[i]`` and add ``bias[i]``."""
        n = len(factors)
        return cls(np.arange(n + 1), np.arange(n), factors, n, bias, name)

    @classmethod
    def table(
        cls, inputs: np.ndarray, values: Any, n_in: int, name: str = "", divisors: Any = None
    ) -> SparseAffine:
        """Add up, for row i, the inputs ``inputs[i, :]`` times ``values[i, :]``; input -1 is left out."""
        used = inputs >= 0
        spread = np.broadcast_to(values, inputs.shape)
        starts = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
        return cls(starts, inputs[used], spread[used], n_in, np.zeros(len(inputs)), name, divisors)

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.size_in

    @property
    def n_terms(self) -> int:
        """Number of products that one output adds up at most; a division counts as one more."""
        return int(np.diff(self.starts).max(initial=0)) + (self.by is not None)

    @property
    def stored(self) -> np.ndarray:
        """The entries before the division."""
        return self.values

    @property
    def divisors(self) -> np.ndarray | None:
        """Integers (n_out,) by which the rows are divided, exactly; None if there are none."""
        return self.by

    @cached_property
    def has_exact_weight(self) -> bool:  # type: ignore[override]
        """Whether `weight` is the exact matrix: no divisors, and no input twice in a row."""
        rows = np.repeat(np.arange(self.n_out), np.diff(self.starts))
        entries = rows * self.n_in + self.inputs
        return self.by is None and len(np.unique(entries)) == len(entries)

    @cached_property
    def is_selection(self) -> bool:
        """Whether each output is one of the inputs, unchanged."""
        single = bool((np.diff(self.starts) == 1).all()) and bool((self.values == 1.0).all())
        return single and self.by is None and not self.bias.any()

    @cached_property
    def matrix(self) -> Any:
        """The rows before the division, as a scipy matrix."""
        from scipy import sparse

        return sparse.csr_array((self.values, self.inputs, self.starts), shape=(self.n_out, self.n_in))

    def multiply(self, values: np.ndarray, entries: Entries = "plain") -> np.ndarray:
        """Apply the linear part, or that of the absolute or squared entries, to rows (n, n_in)."""
        matrix = self.matrix
        if entries != "plain":
            matrix = matrix.copy()
            matrix.data = entrywise(matrix.data, entries)
        out = np.ascontiguousarray((matrix @ np.ascontiguousarray(values.T)).T)
        if self.by is None:
            return out
        return out / (self.by.astype(np.float64) ** (2 if entries == "squared" else 1))

    @cached_property
    def _integers(self) -> RationalMatrix:
        return rational(self.values[None])

    def multiply_exactly(self, matrix: RationalMatrix) -> RationalMatrix:
        """Return the linear part times an exact matrix (n_in, k). Costs entries * k products."""
        counts = np.diff(self.starts)
        single = bool((counts == 1).all()) and bool((self.values == 1.0).all())
        if single:
            out, denominator = matrix.integers[self.inputs], matrix.denominator
        else:
            terms = matrix.integers[self.inputs] * self._integers.integers[0][:, None]
            columns = matrix.shape[1]
            out = object_array([0] * (self.n_out * columns), (self.n_out, columns))
            filled = counts > 0
            if filled.any():
                out[filled] = np.add.reduceat(terms, self.starts[:-1][filled], axis=0)
            denominator = matrix.denominator * self._integers.denominator
        if self.by is None:
            return RationalMatrix(out, denominator)
        common = math.lcm(*self.by.tolist())
        factors = object_array([common // d for d in self.by.tolist()], (self.n_out, 1))
        return RationalMatrix(out * factors, denominator * common)

    def terms(self, output: int) -> tuple[list[int], list[float], int]:
        """Return inputs, their factors and a divisor: the output is the sum of the products, divided."""
        entries = slice(self.starts[output], self.starts[output + 1])
        divisor = 1 if self.by is None else int(self.by[output])
        return self.inputs[entries].tolist(), self.values[entries].tolist(), divisor


@dataclass(frozen=True, eq=False, init=False, repr=False)
class StackedAffine(AffineOperator):
    """Several affine maps side by side, each of some of the inputs: ``[conv | identity]``.

    Parameters
    ----------
    parts : sequence of Affine
        Their outputs follow each other.
    inputs : sequence of array_like of int
        For each part, which inputs it reads; one may be read twice.
    n_in : int
    name : str

    Raises
    ------
    NetworkError
        If a part reads another number of inputs than it has.
    """

    parts: tuple[Affine, ...]
    inputs: tuple[np.ndarray, ...]
    size_in: int

    def __init__(self, parts: Sequence[Affine], inputs: Sequence[Any], n_in: int, name: str = "") -> None:
        self._freeze(
            parts=tuple(parts),
            inputs=tuple(frozen_array(index, np.int64) for index in inputs),
            size_in=int(n_in),
            bias=frozen_array(np.concatenate([part.bias for part in parts])),
            name=name,
        )
        for part, index in zip(self.parts, self.inputs, strict=True):
            if index.shape != (part.n_in,) or index.min() < 0 or index.max() >= n_in:
                raise NetworkError(f"The parts of layer {name or '(unnamed)'} do not fit together.")

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.size_in

    @property
    def n_terms(self) -> int:
        """Number of products that one output adds up at most."""
        return max(part.n_terms for part in self.parts)

    @cached_property
    def has_exact_weight(self) -> bool:  # type: ignore[override]
        """Whether `weight` is the exact matrix; otherwise its entries are rounded, and `exact` is."""
        distinct = all(len(np.unique(index)) == len(index) for index in self.inputs)
        return distinct and all(part.has_exact_weight for part in self.parts)

    @property
    def stored(self) -> np.ndarray:
        """The numbers that the matrices of the parts are made of."""
        return np.concatenate([part.stored.ravel() for part in self.parts])

    @property
    def divisors(self) -> np.ndarray | None:
        """Integers (n_out,) by which the rows are divided, exactly; None if there are none."""
        found = [part.divisors for part in self.parts]
        if all(by is None for by in found):
            return None
        pairs = zip(self.parts, found, strict=True)
        return np.concatenate([np.ones(part.n_out, np.int64) if by is None else by for part, by in pairs])

    def multiply(self, values: np.ndarray, entries: Entries = "plain") -> np.ndarray:
        """Apply the linear part, or that of the absolute or squared entries, to rows (n, n_in)."""
        pairs = zip(self.parts, self.inputs, strict=True)
        return np.concatenate([part.multiply(values[:, index], entries) for part, index in pairs], axis=1)

    def multiply_exactly(self, matrix: RationalMatrix) -> RationalMatrix:
        """Return the linear part times an exact matrix (n_in, k)."""
        pairs = zip(self.parts, self.inputs, strict=True)
        found = [part.multiply_exactly(matrix.rows(index)) for part, index in pairs]
        common = math.lcm(*(part.denominator for part in found))
        return RationalMatrix(np.concatenate([part.over(common) for part in found]), common)

    def terms(self, output: int) -> tuple[list[int], list[float], int]:
        """Return inputs, their factors and a divisor: the output is the sum of the products, divided."""
        for part, index in zip(self.parts, self.inputs, strict=True):
            if output < part.n_out:
                read, factors, divisor = part.terms(output)
                return index[read].tolist(), factors, divisor
            output -= part.n_out
        raise IndexError(output)


def sparse_rows(layer: Affine) -> SparseAffine:
    """Return the same map with its entries listed one by one. Costs as much memory as it has entries."""
    rows = [layer.terms(i) for i in range(layer.n_out)]
    starts = np.cumsum([0, *(len(inputs) for inputs, _, _ in rows)])
    inputs = [place for found, _, _ in rows for place in found]
    factors = [factor for _, found, _ in rows for factor in found]
    divisors = None if layer.divisors is None else [divisor for _, _, divisor in rows]
    return SparseAffine(starts, inputs, factors, layer.n_in, layer.bias, layer.name, divisors)


def compact(layer: SparseAffine) -> Affine:
    """Return the same map as a dense layer if that is small and exact."""
    if layer.divisors is not None or layer.n_in * layer.n_out > SMALL:
        return layer
    return Affine(layer.weight, layer.bias, layer.name)


def gather_block(n_rows: int, numbers_each: int) -> list[slice]:
    """Return slices of rows such that few numbers are in use at a time."""
    size = max(1, _BLOCK // max(1, numbers_each))
    return [slice(begin, begin + size) for begin in range(0, n_rows, size)]
