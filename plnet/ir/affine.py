"""`Affine`: an affine map, and what everything that uses one may ask of it.

The class itself stores a dense matrix. Its subclasses in `plnet.ir.operators` and
`plnet.ir.convolution` store much less and answer the same questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from plnet.errors import NetworkError
from plnet.geometry.exact import RationalMatrix, rational

__all__ = ["Affine", "Entries", "check_finite", "frozen_array"]

Entries = Literal["plain", "absolute", "squared"]
"""Which function of the matrix entries is meant."""


def frozen_array(values: Any, dtype: Any = np.float64) -> np.ndarray:
    """Return a read-only copy in row-major order."""
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def check_finite(array: np.ndarray, what: str, name: str) -> None:
    """Raise `NetworkError` if an entry is infinite or no number."""
    bad = ~np.isfinite(array)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise NetworkError(
            f"Expected finite numbers in the {what} of layer {name or '(unnamed)'}, "
            f"got {array[index]} at index {index} ({int(bad.sum())} such entries). "
            "Check the training run or the file that the weights come from."
        )


def entrywise(array: np.ndarray, entries: Entries) -> np.ndarray:
    """Return the entries of a matrix, their absolute values or their squares."""
    if entries == "plain":
        return array
    return np.abs(array) if entries == "absolute" else array**2


@dataclass(frozen=True, eq=False)
class Affine:
    """The affine map ``x -> weight @ x + bias``.

    Parameters
    ----------
    weight : array_like, shape (n_out, n_in)
    bias : array_like, shape (n_out,)
    name : str
        Qualified name of the module it comes from.

    Raises
    ------
    NetworkError
        If an entry is not finite or the shapes do not fit.
    """

    weight: np.ndarray
    bias: np.ndarray
    name: str = ""

    is_dense: ClassVar[bool] = True
    """Whether the matrix is stored; `weight` of other layers is made on demand."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen_array(self.weight))
        object.__setattr__(self, "bias", frozen_array(self.bias))
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise NetworkError(
                f"Expected weight (n_out, n_in) and bias (n_out,) in layer {self.name or '(unnamed)'}, "
                f"got {self.weight.shape} and {self.bias.shape}."
            )
        check_finite(self.weight, "weight", self.name)
        check_finite(self.bias, "bias", self.name)

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.weight.shape[1]

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self.bias.shape[0]

    @property
    def n_terms(self) -> int:
        """Number of products that one output adds up at most."""
        return self.n_in

    @property
    def stored(self) -> np.ndarray:
        """The numbers that the matrix is made of, each at least once, in any order."""
        return self.weight

    @property
    def has_exact_weight(self) -> bool:
        """Whether `weight` is the exact matrix; otherwise its entries are rounded, and `exact` is."""
        return True

    @property
    def weight_size(self) -> np.ndarray:
        """Bounds (n_out, n_in) of what was added up for each entry of `weight`."""
        return np.abs(self.weight)

    @property
    def divisors(self) -> np.ndarray | None:
        """Integers (n_out,) by which the rows are divided, exactly; None if there are none."""
        return None

    @cached_property
    def exact(self) -> tuple[RationalMatrix, RationalMatrix]:
        """Exact weight (n_out, n_in) and exact bias as a column (n_out, 1)."""
        return rational(self.weight), self.exact_bias

    @cached_property
    def exact_bias(self) -> RationalMatrix:
        """Exact bias as a column (n_out, 1)."""
        return rational(self.bias[:, None])

    def multiply(self, values: np.ndarray, entries: Entries = "plain") -> np.ndarray:
        """Apply the linear part, or that of the absolute or squared entries, to rows (n, n_in)."""
        return values @ entrywise(self.weight, entries).T

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Apply the map to rows (n, n_in)."""
        return self.multiply(values) + self.bias

    def apply_absolute(self, values: np.ndarray) -> np.ndarray:
        """Return ``|weight| @ x + |bias|`` for rows x (n, n_in)."""
        return self.multiply(values, "absolute") + np.abs(self.bias)

    def multiply_exactly(self, matrix: RationalMatrix) -> RationalMatrix:
        """Return the linear part times an exact matrix (n_in, k)."""
        return self.exact[0] @ matrix

    def terms(self, output: int) -> tuple[list[int], list[float], int]:
        """Return inputs, their factors and a divisor: the output is the sum of the products, divided.

        An input may be listed twice.
        """
        inputs = np.flatnonzero(self.weight[output])
        return inputs.tolist(), self.weight[output, inputs].tolist(), 1

    def row(self, output: int) -> tuple[np.ndarray, list[Fraction]]:
        """Return the inputs that one output reads, ascending, and their exact weights, none of them 0."""
        inputs, factors, divisor = self.terms(output)
        found: dict[int, Fraction] = {}
        for place, factor in zip(inputs, factors, strict=True):
            found[place] = found.get(place, Fraction(0)) + Fraction(factor)
        used = sorted(place for place, weight in found.items() if weight)
        return np.array(used, dtype=np.int64), [found[place] / divisor for place in used]
