"""`MaxAffine`: the maximum of several affine functions, with exact rational coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import DimensionError, DomainError, NetworkError
from plnet.geometry.exact import RationalMatrix, rational, to_fractions
from plnet.ir.network_checks import rounded_fraction
from plnet.maxout.words import counted

if TYPE_CHECKING:
    from plnet.ir.network import PLNetwork
    from plnet.networks.modules import Maxout

__all__ = ["MaxAffine"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class MaxAffine:
    """The convex function ``x -> max_j (slopes[j] . x + offsets[j])``: one maxout unit of rank k.

    Parameters
    ----------
    slopes : array_like, shape (k, d)
        Floats, integers or fractions; floats are dyadic rationals and are taken over exactly.
    offsets : array_like, shape (k,)

    Attributes
    ----------
    slopes : ndarray of Fraction, shape (k, d)
        Read-only.
    offsets : ndarray of Fraction, shape (k,)
        Read-only.

    Raises
    ------
    NetworkError
        If there is no piece, an entry is not a finite number, or the shapes do not fit.

    Examples
    --------
    >>> from plnet.maxout import MaxAffine
    >>> absolute = MaxAffine([[-1], [1]], [0, 0])
    >>> absolute([[-2.0], [3.0]]).tolist()
    [2.0, 3.0]
    """

    slopes: np.ndarray
    offsets: np.ndarray

    def __init__(self, slopes: Any, offsets: Any) -> None:
        slopes, offsets = _exact_array(slopes, "slopes"), _exact_array(offsets, "offsets")
        if slopes.ndim != 2 or offsets.ndim != 1 or len(slopes) != len(offsets) or slopes.shape[1] == 0:
            raise NetworkError(
                f"Expected slopes (k, d) and offsets (k,) of a MaxAffine, got {slopes.shape} and "
                f"{offsets.shape}. A function of one variable has slopes of shape (k, 1)."
            )
        if not len(slopes):
            raise NetworkError("Expected at least one piece in a MaxAffine, got k = 0.")
        object.__setattr__(self, "slopes", slopes)
        object.__setattr__(self, "offsets", offsets)

    def __len__(self) -> int:
        return len(self.offsets)

    def __repr__(self) -> str:
        return f"MaxAffine({counted(self.pieces, 'piece')}, dimension {self.dim})"

    @property
    def pieces(self) -> int:
        """Number k of affine functions."""
        return len(self.offsets)

    @property
    def dim(self) -> int:
        """Dimension d of the input."""
        return self.slopes.shape[1]

    @cached_property
    def forms(self) -> RationalMatrix:
        """The rows ``[slopes | offset]`` over one denominator, shape (k, d + 1)."""
        return rational(np.concatenate([self.slopes, self.offsets[:, None]], axis=1))

    @cached_property
    def float_slopes(self) -> np.ndarray:
        """Slopes, each rounded once to float64, shape (k, d)."""
        return _rounded(self.slopes)

    @cached_property
    def float_offsets(self) -> np.ndarray:
        """Offsets, each rounded once to float64, shape (k,)."""
        return _rounded(self.offsets)

    @cached_property
    def has_float_coefficients(self) -> bool:
        """Whether every coefficient is a float64, so that `to_module` rounds nothing."""
        pairs = ((self.slopes, self.float_slopes), (self.offsets, self.float_offsets))
        return all(
            np.isfinite(rounded).all() and (to_fractions(rounded) == exact).all() for exact, rounded in pairs
        )

    def __call__(self, x: Any, *, exact: bool = False) -> np.ndarray:
        """Evaluate at points.

        Parameters
        ----------
        x : array_like, shape (n, d)
            For d = 1 also (n,). Floats, or fractions with ``exact=True``.
        exact : bool
            Compute in exact rationals.

        Returns
        -------
        ndarray, shape (n,)
            float64, or `fractions.Fraction` objects.

        Raises
        ------
        DimensionError
            If `x` has another shape.
        DomainError
            If `x` is not finite.
        """
        points = self._points(x, exact)
        if not exact:
            return (points @ self.float_slopes.T + self.float_offsets).max(axis=1)
        values = self._exact_values(points)
        out = np.empty(len(points), dtype=object)
        out[:] = [Fraction(max(row), values.denominator) for row in values.integers.T.tolist()]
        return out

    def active_piece(self, x: Any, *, exact: bool = False) -> np.ndarray:
        """Return the index of a greatest piece at each point, the last one at a tie, shape (n,)."""
        points = self._points(x, exact)
        if exact:
            columns = self._exact_values(points).integers.T.tolist()
            found = [max(range(len(row)), key=lambda j: (row[j], j)) for row in columns]
            return np.array(found, dtype=np.int64)
        values = points @ self.float_slopes.T + self.float_offsets
        return self.pieces - 1 - values[:, ::-1].argmax(axis=1)

    def to_module(self) -> Maxout:
        """Return a trainable float64 `plnet.networks.Maxout` unit with these pieces.

        Each coefficient is rounded once where it is no float; `has_float_coefficients` says whether any is.
        """
        from plnet.maxout.conversion.modules import max_affine_module

        return max_affine_module(self)

    def to_network(self) -> PLNetwork:
        """Return the function as a network, exactly, also where coefficients are no floats."""
        from plnet.maxout.conversion.rational_layers import max_affine_network

        return max_affine_network(self)

    def _points(self, x: Any, exact: bool) -> np.ndarray:
        try:
            points = np.asarray(x) if exact else np.asarray(x, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DomainError(f"Expected points as numbers of shape (n, {self.dim}): {error}.") from error
        if points.ndim == 1 and self.dim == 1:
            points = points[:, None]
        if points.ndim != 2 or points.shape[1] != self.dim:
            raise DimensionError(f"Expected points of shape (n, {self.dim}), got {points.shape}.")
        if points.dtype.kind == "f" and not np.isfinite(points).all():
            raise DomainError("Expected finite points, got NaN or infinity.")
        return points

    def _exact_values(self, points: np.ndarray) -> RationalMatrix:
        ones = np.full((1, len(points)), Fraction(1), dtype=object)
        return self.forms @ rational(np.concatenate([to_fractions(points).T, ones]))


def _exact_array(values: Any, what: str) -> np.ndarray:
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NetworkError(f"Expected finite {what} of a MaxAffine, got NaN or infinity.")
    try:
        exact = to_fractions(array)
    except (TypeError, ValueError, OverflowError) as error:
        raise NetworkError(f"Expected numbers as {what} of a MaxAffine: {error}.") from error
    exact.setflags(write=False)
    return exact


def _rounded(values: np.ndarray) -> np.ndarray:
    flat = [rounded_fraction(value) for value in values.flat]
    out = np.array(flat, dtype=np.float64).reshape(values.shape)
    out.setflags(write=False)
    return out
