"""The layers of a piecewise-linear network: `Affine`, `ScalarPWL`, `GroupMax`, `LocalWinner`.

All are immutable. Their float64 entries are the mathematical object: the network is the
real-arithmetic function of exactly these numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from plnet.errors import NetworkError
from plnet.geometry.exact import object_array, to_fractions
from plnet.ir.affine import Affine, check_finite, frozen_array

__all__ = ["Affine", "GroupMax", "Layer", "LocalWinner", "ScalarPWL", "padded_groups"]


@dataclass(frozen=True, eq=False)
class ScalarPWL:
    """A continuous piecewise-linear function of one variable for each unit.

    Piece ``p`` of a unit holds where exactly ``p`` of its breakpoints are strictly below
    the pre-activation; a ReLU at 0 is therefore in piece 0.

    Parameters
    ----------
    breakpoints : array_like, shape (n, q)
        Strictly ascending in each row; units with fewer breakpoints are padded with ``inf``.
    slopes : array_like, shape (n, q + 1)
        Slope of each piece; entries behind the padding are not used.
    anchors : array_like, shape (n,)
        Value at the unit's first breakpoint, or at 0 where it has none.
    name : str
        Qualified name of the module it comes from.

    Raises
    ------
    NetworkError
        If shapes do not fit, breakpoints are not ascending, or an entry is not finite.

    Examples
    --------
    >>> from plnet.ir import ScalarPWL
    >>> ScalarPWL.hardtanh(1, -1.0, 1.0).breakpoints.tolist()
    [[-1.0, 1.0]]
    """

    breakpoints: np.ndarray
    slopes: np.ndarray
    anchors: np.ndarray
    name: str = ""
    n_pieces: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for key in ("breakpoints", "slopes", "anchors"):
            object.__setattr__(self, key, frozen_array(getattr(self, key)))
        n, q = self.breakpoints.shape if self.breakpoints.ndim == 2 else (-1, -1)
        if self.slopes.shape != (n, q + 1) or self.anchors.shape != (n,):
            raise NetworkError(
                f"Expected breakpoints (n, q), slopes (n, q + 1) and anchors (n,) in layer "
                f"{self.name or '(unnamed)'}, got {self.breakpoints.shape}, {self.slopes.shape} "
                f"and {self.anchors.shape}."
            )
        used = self.breakpoints < np.inf
        if np.isnan(self.breakpoints).any() or (self.breakpoints == -np.inf).any():
            raise NetworkError(f"Breakpoints of layer {self.name or '(unnamed)'} must be finite numbers.")
        ascending = self.breakpoints[:, 1:] > self.breakpoints[:, :-1]
        if not ascending[used[:, 1:]].all():
            raise NetworkError(f"Breakpoints of layer {self.name or '(unnamed)'} must ascend strictly.")
        check_finite(self.slopes, "slopes", self.name)
        check_finite(self.anchors, "anchors", self.name)
        object.__setattr__(self, "n_pieces", frozen_array(used.sum(axis=1) + 1, np.int64))

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.slopes.shape[0]

    @property
    def n_out(self) -> int:
        """Number of outputs, one for each input."""
        return self.slopes.shape[0]

    @property
    def n_units(self) -> int:
        """Number of units, one for each input."""
        return self.slopes.shape[0]

    @cached_property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Units that stand for all units with the same function, and which of them each unit is like."""
        table = np.concatenate([self.breakpoints, self.slopes, self.anchors[:, None]], axis=1)
        _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
        return first, inverse.reshape(-1)

    @cached_property
    def exact_slopes(self) -> np.ndarray:
        """Slopes as fractions, shape (n, q + 1)."""
        first, inverse = self.kinds
        return to_fractions(self.slopes[first])[inverse]

    @cached_property
    def exact_intercepts(self) -> np.ndarray:
        """Exact intercept of each piece, shape (n, q + 1); 0 behind the padding."""
        first, inverse = self.kinds
        rows = [self._intercepts_of(unit) for unit in first.tolist()]
        out = np.full((len(first), self.slopes.shape[1]), 0, dtype=object)
        for i, row in enumerate(rows):
            out[i, : len(row)] = row
        return out[inverse]

    def _intercepts_of(self, unit: int) -> list[Fraction]:
        pieces = int(self.n_pieces[unit])
        slopes = [Fraction(s) for s in self.slopes[unit, :pieces].tolist()]
        points = [Fraction(t) for t in self.breakpoints[unit, : pieces - 1].tolist()]
        out = [Fraction(float(self.anchors[unit])) - (slopes[0] * points[0] if points else 0)]
        for p, point in enumerate(points):
            out.append(out[-1] + (slopes[p] - slopes[p + 1]) * point)
        return out

    @cached_property
    def intercepts(self) -> np.ndarray:
        """Intercept of each piece, rounded once to float64, shape (n, q + 1)."""
        first, inverse = self.kinds
        return frozen_array(self.exact_intercepts[first].astype(np.float64)[inverse])

    @cached_property
    def integer_pieces(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Slopes and intercepts as integers over a common denominator: (slopes, intercepts, denominator)."""
        first, inverse = self.kinds
        slopes, intercepts = self.exact_slopes[first], self.exact_intercepts[first]
        entries = [Fraction(x) for table in (slopes, intercepts) for x in table.flat]
        common = math.lcm(*(x.denominator for x in entries))
        scaled = object_array([int(x * common) for x in entries], (2, *slopes.shape))
        return scaled[0][inverse], scaled[1][inverse], common

    @classmethod
    def uniform(
        cls, n: int, breakpoints: Iterable[float], slopes: Iterable[float], anchor: float, name: str = ""
    ) -> ScalarPWL:
        """Give n units the same function."""
        points, steep = list(breakpoints), list(slopes)
        return cls(
            np.tile(np.array(points, dtype=np.float64), (n, 1)).reshape(n, len(points)),
            np.tile(np.array(steep, dtype=np.float64), (n, 1)),
            np.full(n, anchor, dtype=np.float64),
            name,
        )

    @classmethod
    def identity(cls, n: int, name: str = "") -> ScalarPWL:
        """Pass n units on unchanged: one piece, no breakpoint."""
        return cls.uniform(n, [], [1.0], 0.0, name)

    @classmethod
    def relu(cls, n: int, name: str = "") -> ScalarPWL:
        """max(0, z)."""
        return cls.uniform(n, [0.0], [0.0, 1.0], 0.0, name)

    @classmethod
    def absolute(cls, n: int, name: str = "") -> ScalarPWL:
        """|z|."""
        return cls.uniform(n, [0.0], [-1.0, 1.0], 0.0, name)

    @classmethod
    def leaky_relu(cls, slopes: Any, name: str = "") -> ScalarPWL:
        """Slope ``slopes[i]`` (any real number) at or below 0, slope 1 above; also PReLU."""
        below = np.atleast_1d(np.asarray(slopes, dtype=np.float64))
        n = len(below)
        return cls(np.zeros((n, 1)), np.stack([below, np.ones(n)], axis=1), np.zeros(n), name)

    @classmethod
    def hardtanh(cls, n: int, low: float, high: float, name: str = "") -> ScalarPWL:
        """Clip to [low, high]; ReLU6 is ``hardtanh(n, 0, 6)``."""
        return cls.uniform(n, [low, high], [0.0, 1.0, 0.0], low, name)

    @classmethod
    def concatenate(cls, parts: Iterable[ScalarPWL], name: str = "") -> ScalarPWL:
        """Put the units of several layers behind one another."""
        layers = list(parts)
        q = max(layer.breakpoints.shape[1] for layer in layers)
        pad = [q - layer.breakpoints.shape[1] for layer in layers]
        pairs = list(zip(layers, pad, strict=True))
        return cls(
            np.concatenate(
                [np.pad(a.breakpoints, ((0, 0), (0, p)), constant_values=np.inf) for a, p in pairs]
            ),
            np.concatenate([np.pad(a.slopes, ((0, 0), (0, p)), mode="edge") for a, p in pairs]),
            np.concatenate([a.anchors for a in layers]),
            name,
        )


@dataclass(frozen=True, eq=False)
class GroupMax:
    """The maximum over groups of inputs: maxout and max-pooling.

    The piece of a unit is the position in its group of the *last* maximiser, so that the
    group (z, 0) has the piece pattern of a ReLU, read backwards.

    Parameters
    ----------
    groups : array_like of int, shape (n_out, k)
        Input indices. A group with fewer members repeats one of them.
    n_in : int
        Number of inputs.
    name : str
        Qualified name of the module it comes from.

    Raises
    ------
    NetworkError
        If an index is out of range or a group is empty.
    """

    groups: np.ndarray
    n_in: int
    name: str = ""
    n_pieces: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", frozen_array(self.groups, np.int64))
        if self.groups.ndim != 2 or self.groups.shape[1] == 0:
            raise NetworkError(
                f"Expected groups (n_out, k) with k >= 1 in layer {self.name or '(unnamed)'}, "
                f"got shape {self.groups.shape}."
            )
        if self.groups.size and (self.groups.min() < 0 or self.groups.max() >= self.n_in):
            raise NetworkError(
                f"Group indices of layer {self.name or '(unnamed)'} must lie in [0, {self.n_in}), "
                f"got {self.groups.min()} to {self.groups.max()}."
            )
        distinct = [len(set(row)) for row in self.groups.tolist()]
        object.__setattr__(self, "n_pieces", frozen_array(distinct, np.int64))

    @property
    def n_out(self) -> int:
        """Number of outputs, one for each group."""
        return self.groups.shape[0]

    @property
    def n_units(self) -> int:
        """Number of units, one for each group."""
        return self.groups.shape[0]


@dataclass(frozen=True, eq=False)
class LocalWinner(GroupMax):
    """Local winner takes all: each group passes on its largest input, the others become 0.

    A group is one unit and its piece is the winner, the *last* maximiser; outputs stand where
    the inputs stand. The function jumps where the winner changes, unless all tied values are 0.

    Parameters
    ----------
    groups : array_like of int, shape (n_units, k)
        Input indices; each input is in exactly one group. A group with fewer members repeats one.
    n_in : int
        Number of inputs, and of outputs.
    name : str
        Qualified name of the module it comes from.

    Raises
    ------
    NetworkError
        If the groups are no partition of the inputs.

    References
    ----------
    Srivastava, Masci, Kazerounian, Gomez and Schmidhuber (2013), "Compete to compute".
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        used = np.concatenate([np.empty(0, np.int64), *(np.unique(row) for row in self.groups)])
        if not np.array_equal(np.sort(used), np.arange(self.n_in)):
            raise NetworkError(
                f"Expected each of the {self.n_in} inputs of layer {self.name or '(unnamed)'} in exactly one "
                "group of local winners."
            )

    @property
    def n_out(self) -> int:
        """Number of outputs, one for each input."""
        return self.n_in

    def winners(self, pieces: np.ndarray) -> np.ndarray:
        """Return the inputs that win, for pieces (..., n_units)."""
        return self.groups[np.arange(self.n_units), pieces]


def padded_groups(groups: list[np.ndarray]) -> np.ndarray:
    """Put groups of different sizes below each other; smaller ones repeat their last member."""
    size = max(group.shape[1] for group in groups)
    rows = [np.pad(group, ((0, 0), (0, size - group.shape[1])), mode="edge") for group in groups]
    return np.concatenate(rows)


Layer = Affine | ScalarPWL | GroupMax
