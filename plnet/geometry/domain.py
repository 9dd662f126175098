"""Domains: a polytope in its own coordinates and an exact affine embedding.

`Space`, `Box`, `Polytope`, `Slice` and `Segment` are what users write. `Domain.chart`
turns each of them into a `Chart`, the one thing that engines see: coordinates t in R^d,
half-spaces in t, and ``x = directions @ t + origin`` over the rationals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from plnet.errors import DimensionError, DomainError
from plnet.geometry.exact import RationalMatrix, rational, rounded_root
from plnet.geometry.linear import determinant, rank

__all__ = ["Box", "Chart", "Domain", "Polytope", "Segment", "Slice", "Space"]


@dataclass(frozen=True, eq=False)
class Chart:
    """A domain as engines see it.

    Parameters
    ----------
    embedding : RationalMatrix, shape (n, d + 1)
        ``[directions | origin]``: the input of the network is ``directions @ t + origin``.
    facets : RationalMatrix, shape (f, d + 1)
        Rows ``[a | c]`` of the half-spaces ``a . t + c >= 0``.
    facet_names : tuple of str
        One readable inequality for each facet.
    """

    embedding: RationalMatrix
    facets: RationalMatrix
    facet_names: tuple[str, ...]

    @property
    def dim(self) -> int:
        """Dimension d of the domain."""
        return self.embedding.shape[1] - 1

    @property
    def input_dim(self) -> int:
        """Dimension n of the network's input."""
        return self.embedding.shape[0]

    @cached_property
    def directions(self) -> np.ndarray:
        """Directions as columns, rounded once, shape (n, d)."""
        return self.embedding.to_float()[:, :-1]

    @cached_property
    def origin(self) -> np.ndarray:
        """Origin of the coordinates, rounded once, shape (n,)."""
        return self.embedding.to_float()[:, -1]

    @cached_property
    def gram(self) -> np.ndarray:
        """Gram matrix of the directions, shape (d, d)."""
        return self.directions.T @ self.directions

    @cached_property
    def _gram(self) -> list[list[int]] | None:
        """Gram matrix times the squared denominator of the embedding; None for the identity."""
        columns = self.embedding.integers[:, :-1]
        if np.array_equal(columns, np.eye(*columns.shape)) and self.embedding.denominator == 1:
            return None
        return columns.T.dot(columns).tolist()

    @cached_property
    def gram_determinant(self) -> Fraction:
        """Determinant of the Gram matrix, exactly: the squared volume of the unit cube of coordinates."""
        if self._gram is None:
            return Fraction(1)
        return Fraction(determinant(self._gram), self.embedding.denominator ** (2 * self.dim))

    def squared_slope(self, normal: Sequence[int]) -> Fraction:
        """Return the squared greatest slope, along the domain in the input space, of the form ``normal . t``.

        It is ``n . inverse(Gram) n``, from the determinant of the Gram matrix bordered by n.
        """
        if self._gram is None:
            return Fraction(sum(x * x for x in normal))
        bordered = [[*row, x] for row, x in zip(self._gram, normal, strict=True)] + [[*normal, 0]]
        return Fraction(-determinant(bordered) * self.embedding.denominator**2, determinant(self._gram))

    @property
    def volume_factor(self) -> float:
        """Volume in the input space of the unit cube of coordinates: sqrt(det Gram), rounded once."""
        return rounded_root(self.gram_determinant)

    def embed(self, t: Any) -> np.ndarray:
        """Return the network inputs of coordinates t, shape (k, d) -> (k, n)."""
        return np.asarray(t, dtype=np.float64) @ self.directions.T + self.origin

    def contains(self, t: Iterable[Fraction]) -> bool:
        """Return whether exact coordinates (d,) lie in the closed domain."""
        column = rational(np.array([*t, Fraction(1)], dtype=object)[:, None])
        return all(height >= 0 for height in (self.facets @ column).integers.flat)


class Domain:
    """Base of all domains."""

    @property
    def dim(self) -> int | None:
        """Dimension of the domain; None for a box of scalars, which takes the network's."""
        raise DomainError(f"Expected one of the domains of plnet, got {type(self).__name__}.")

    def chart(self, input_dim: int) -> Chart:  # noqa: ARG002
        """Return the domain for a network with `input_dim` inputs.

        Raises
        ------
        DimensionError
            If the domain lives in another space than the network's input.
        DomainError
            If this is the base of all domains, which is none itself.
        """
        raise DomainError(f"Expected one of the domains of plnet, got {type(self).__name__}.")


def _check_dim(kind: str, found: int, expected: int) -> None:
    if found != expected:
        raise DimensionError(
            f"The network takes {expected} inputs, but the {kind} lives in dimension {found}. "
            "Give the domain in the space of the network's input; flatten images to one row."
        )


def _finite(values: Any, what: str, ndim: int | None) -> np.ndarray:
    try:
        array = _as_array(values)
    except (ValueError, TypeError, NotImplementedError, RuntimeError) as error:
        raise DomainError(f"Expected numbers as {what}, got {type(values).__name__}: {error}.") from error
    if array.dtype.kind == "O":
        _check_objects(array, what)
    if array.dtype.kind not in "fiubO":
        raise DomainError(f"Expected numbers as {what}, got dtype {array.dtype}.")
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        if np.isnan(array).any() or np.isinf(array).any():
            raise DomainError(
                f"Expected finite numbers as {what}, got {array.tolist()}. "
                "For all of R^n use Space(n) or no domain."
            )
    if ndim is not None and array.ndim != ndim:
        raise DomainError(f"Expected {what} with {ndim} axes, got shape {array.shape}.")
    array = array.copy()
    array.setflags(write=False)
    return array


def _as_array(values: Any) -> np.ndarray:
    if not hasattr(values, "detach"):
        return np.asarray(values)
    tensor = values.detach().cpu()
    # numpy has no bfloat16; every floating type of torch fits into float64.
    return np.asarray(tensor.double() if tensor.is_floating_point() else tensor)


def _check_objects(array: np.ndarray, what: str) -> None:
    """Refuse entries of an object array that are no finite numbers: each must be a fraction."""
    for entry in array.ravel().tolist():
        try:
            number = None if isinstance(entry, str) else Fraction(entry)
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None:
            raise DomainError(
                f"Expected finite numbers as {what}, got {entry!r}. For all of R^n use Space(n) or no domain."
            )


def _identity_embedding(n: int) -> RationalMatrix:
    return RationalMatrix(np.eye(n, n + 1, dtype=np.int64).astype(object))


def _box_facets(low: np.ndarray, high: np.ndarray, letter: str) -> tuple[RationalMatrix, tuple[str, ...]]:
    ends = rational(np.stack([low, high], axis=1))
    d, unit = len(low), ends.denominator
    integers = np.zeros((2 * d, d + 1), dtype=np.int64).astype(object)
    axes = np.arange(d)
    integers[2 * axes, axes], integers[2 * axes + 1, axes] = unit, -unit
    integers[2 * axes, d], integers[2 * axes + 1, d] = -ends.integers[:, 0], ends.integers[:, 1]
    pairs = ((f"{letter}{i} >= {low[i]}", f"{letter}{i} <= {high[i]}") for i in range(d))
    return RationalMatrix(integers, unit), tuple(name for pair in pairs for name in pair)


def _check_box(low: np.ndarray, high: np.ndarray, kind: str) -> None:
    bad = np.flatnonzero(~(low < high))
    if len(bad):
        i = int(bad[0])
        word = "flat" if low[i] == high[i] else "empty"
        raise DomainError(
            f"The {kind} is {word}: coordinate {i} runs from {low[i]} to {high[i]}. "
            "Expected low < high; for a lower-dimensional set use a Slice or a Segment."
        )


@dataclass(frozen=True, eq=False)
class Space(Domain):
    """All of R^d.

    Parameters
    ----------
    d : int
        Dimension, at least 1.
    """

    d: int

    def __post_init__(self) -> None:
        if isinstance(self.d, bool) or not isinstance(self.d, int | np.integer) or self.d < 1:
            raise DomainError(f"Expected a dimension as an integer of at least 1, got {self.d!r}.")
        object.__setattr__(self, "d", int(self.d))

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.d

    def chart(self, input_dim: int) -> Chart:
        """Return the domain for a network with `input_dim` inputs."""
        _check_dim("Space", self.d, input_dim)
        nothing = RationalMatrix(np.empty((0, self.d + 1), dtype=object))
        return Chart(_identity_embedding(self.d), nothing, ())


@dataclass(frozen=True, eq=False)
class Box(Domain):
    """The box low <= x <= high.

    Parameters
    ----------
    low, high : float or array_like, shape (n,)
        Scalars broadcast to the network's input.

    Raises
    ------
    DomainError
        If the box is empty, flat or not finite.

    Examples
    --------
    >>> from plnet import Box
    >>> Box(-1, 1).chart(2).facet_names
    ('x0 >= -1', 'x0 <= 1', 'x1 >= -1', 'x1 <= 1')
    """

    low: Any
    high: Any

    def __post_init__(self) -> None:
        for key in ("low", "high"):
            value = getattr(self, key)
            object.__setattr__(self, key, _finite(value, f"{key} of a Box", None))
        if self.low.ndim > 1 or self.high.ndim > 1:
            raise DomainError("Expected scalars or one row of numbers as low and high of a Box.")
        if self.low.ndim and self.high.ndim and self.low.shape != self.high.shape:
            raise DomainError(f"low and high of a Box have shapes {self.low.shape} and {self.high.shape}.")
        low, high = np.broadcast_arrays(np.atleast_1d(self.low), np.atleast_1d(self.high))
        _check_box(low, high, "Box")

    @property
    def dim(self) -> int | None:
        """Dimension of the domain; None for scalars, which take the network's."""
        size = max(self.low.size if self.low.ndim else 0, self.high.size if self.high.ndim else 0)
        return size or None

    def chart(self, input_dim: int) -> Chart:
        """Return the domain for a network with `input_dim` inputs."""
        if self.dim is not None:
            _check_dim("Box", self.dim, input_dim)
        low = np.broadcast_to(self.low, (input_dim,))
        high = np.broadcast_to(self.high, (input_dim,))
        return Chart(_identity_embedding(input_dim), *_box_facets(low, high, "x"))


@dataclass(frozen=True, eq=False)
class Polytope(Domain):
    """The polyhedron A x <= b, bounded or not.

    Parameters
    ----------
    A : array_like, shape (f, n)
    b : array_like, shape (f,)
    """

    A: Any
    b: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "A", _finite(self.A, "A of a Polytope", 2))
        object.__setattr__(self, "b", _finite(self.b, "b of a Polytope", 1))
        if len(self.A) != len(self.b) or self.A.shape[1] == 0:
            raise DomainError(f"Expected A (f, n) and b (f,), got {self.A.shape} and {self.b.shape}.")

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.A.shape[1]

    def chart(self, input_dim: int) -> Chart:
        """Return the domain for a network with `input_dim` inputs."""
        _check_dim("Polytope", self.A.shape[1], input_dim)
        rows = np.concatenate(
            [-rational(self.A).to_fractions(), rational(self.b[:, None]).to_fractions()], axis=1
        )
        names = tuple(f"A[{i}] x <= {value}" for i, value in enumerate(self.b.tolist()))
        return Chart(_identity_embedding(input_dim), rational(rows), names)


@dataclass(frozen=True, eq=False)
class Slice(Domain):
    """The affine slice x = origin + t_1 directions[0] + ... with low <= t <= high.

    The directions are kept as given, never orthonormalised, so that the slice meets the
    points it was made from exactly.

    Parameters
    ----------
    origin : array_like, shape (n,)
    directions : array_like, shape (d, n)
        Linearly independent.
    low, high : float or array_like, shape (d,)
        Range of the coordinates t.

    Raises
    ------
    DomainError
        If directions are parallel (linearly dependent), or the range is empty or flat.
    """

    origin: Any
    directions: Any
    low: Any = -1.0
    high: Any = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", _finite(self.origin, "origin of a Slice", 1))
        object.__setattr__(self, "directions", _finite(self.directions, "directions of a Slice", 2))
        d, n = self.directions.shape
        if n != len(self.origin) or d == 0:
            raise DomainError(
                f"Expected directions (d, n) and origin (n,), "
                f"got {self.directions.shape} and {self.origin.shape}."
            )
        for key in ("low", "high"):
            value = _finite(getattr(self, key), f"{key} of a Slice", None)
            if value.ndim and value.shape != (d,):
                raise DomainError(
                    f"Expected {key} of a Slice as a number or {d} numbers, got shape {value.shape}."
                )
            object.__setattr__(self, key, np.broadcast_to(value, (d,)))
        _check_box(self.low, self.high, "Slice")
        if rank(rational(self.directions)) < d:
            raise DomainError(
                f"The {d} directions of the Slice are linearly dependent, so it is not {d}-dimensional. "
                "Choose points that do not lie on one line."
            )

    @classmethod
    def through(cls, points: Any, margin: float = 0.0) -> Slice:
        """Return the slice through 2 or more points, whose coordinates are barycentric.

        Point 0 has coordinates 0, point i has coordinate 1 on axis i.

        Parameters
        ----------
        points : array_like, shape (d + 1, n)
        margin : float
            How far the coordinates go beyond [0, 1] on each side.

        Raises
        ------
        DomainError
            If there are fewer than two points, or they do not span the slice.

        Examples
        --------
        >>> from plnet import Slice
        >>> Slice.through([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 2.0, 1.0]], margin=0.5).dim
        2
        """
        rows = _finite(points, "points of a Slice", 2)
        if len(rows) < 2:
            raise DomainError(f"Expected at least 2 points for a Slice, got {len(rows)}.")
        exact = rational(rows)
        differences = RationalMatrix(exact.integers[1:] - exact.integers[:1], exact.denominator)
        beyond = _finite(margin, "margin of a Slice", 0).item()
        return cls(rows[0], differences.to_fractions(), -beyond, 1 + beyond)

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.directions.shape[0]

    def chart(self, input_dim: int) -> Chart:
        """Return the domain for a network with `input_dim` inputs."""
        _check_dim(type(self).__name__, len(self.origin), input_dim)
        columns = np.concatenate(
            [rational(self.directions).to_fractions().T, rational(self.origin[:, None]).to_fractions()],
            axis=1,
        )
        return Chart(rational(columns), *_box_facets(self.low, self.high, "t"))


@dataclass(frozen=True, eq=False)
class Segment(Domain):
    """The segment from start (t = 0) to end (t = 1).

    Parameters
    ----------
    start, end : array_like, shape (n,)
        Two different points.
    """

    start: Any
    end: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _finite(self.start, "start of a Segment", 1))
        object.__setattr__(self, "end", _finite(self.end, "end of a Segment", 1))
        if self.start.shape != self.end.shape:
            raise DomainError(f"start and end have shapes {self.start.shape} and {self.end.shape}.")
        if (self.start == self.end).all():
            raise DomainError("The Segment is flat: start and end are the same point.")

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return 1

    def chart(self, input_dim: int) -> Chart:
        """Return the domain for a network with `input_dim` inputs."""
        _check_dim("Segment", len(self.start), input_dim)
        return Slice.through(np.stack([self.start, self.end])).chart(input_dim)
