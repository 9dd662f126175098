"""How many maxout pieces a conversion takes, and why fewer are impossible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plnet.geometry.exact import RationalMatrix, rational
from plnet.geometry.linear import rank
from plnet.ir.layers import Affine, GroupMax, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.maxout.conversion.activation_names import describe, needed_pieces
from plnet.maxout.conversion.scalar_units import scalar_functions, signed_units
from plnet.maxout.words import counted
from plnet.regions.api import count_regions

__all__ = ["ConversionReport", "UnitConversion", "maxima_report", "scalar_report"]

_MOST_INPUTS, _MOST_PIECES, _MOST_UNITS = 8, 32, 256
"""Layers up to this size are examined where independence proves nothing."""


@dataclass(frozen=True)
class UnitConversion:
    """What units of one kind in one layer became.

    Parameters
    ----------
    layer : str
        Qualified name of the layer they come from.
    function : str
        What they compute, in words.
    count : int
        How many there are.
    pieces : tuple of int
        Pieces of each maxout unit that one of them became.
    signs : tuple of int
        1 or -1 for each maxout unit; the function is the sum with these signs.
    fewest : bool
        Whether fewer pieces are proved to be impossible; otherwise the number is an upper bound.
    reason : str
    """

    layer: str
    function: str
    count: int
    pieces: tuple[int, ...]
    signs: tuple[int, ...]
    fewest: bool
    reason: str

    @property
    def label(self) -> str:
        """The word "fewest" or "upper bound"."""
        return "fewest" if self.fewest else "upper bound"


@dataclass(frozen=True)
class ConversionReport:
    """The units of a conversion by layer and kind.

    Parameters
    ----------
    rows : tuple of UnitConversion
    deviation : float
        A proved bound of the distance to the function that was converted, on the domain that was given,
        in real arithmetic. 0 unless layers were fused.
    """

    rows: tuple[UnitConversion, ...]
    deviation: float = 0.0

    @property
    def n_units(self) -> int:
        """Number of maxout units with more than one piece."""
        return sum(row.count * sum(k > 1 for k in row.pieces) for row in self.rows)

    @property
    def n_pieces(self) -> int:
        """Number of pieces of these units."""
        return sum(row.count * sum(k for k in row.pieces if k > 1) for row in self.rows)

    @property
    def fewest(self) -> bool:
        """Whether every single unit has the fewest pieces; another network may still need fewer units."""
        return all(row.fewest for row in self.rows)

    def __str__(self) -> str:
        lines = [
            f"{row.layer or '(unnamed)'}: {row.count} x {row.function} -> "
            f"{_signed(row)} ({row.label}: {row.reason})"
            for row in self.rows
        ]
        distance = "the function is the same, exactly"
        if self.deviation:
            distance = (
                f"the function differs by at most {self.deviation:.3g} on the domain, for rows were rounded"
            )
        total = f"{counted(self.n_units, 'maxout unit')}, {counted(self.n_pieces, 'piece')}; {distance}."
        return "\n".join([*lines, total])


def scalar_report(layer: ScalarPWL) -> list[UnitConversion]:
    """Return one row for each different function of a layer of activations."""
    _, kind_of = layer.kinds
    counts = np.bincount(kind_of)
    rows = []
    for function, count in zip(scalar_functions(layer), counts.tolist(), strict=True):
        units = signed_units(function)
        rows.append(
            UnitConversion(
                layer.name,
                describe(function),
                count,
                tuple(unit.pieces for unit in units),
                tuple(unit.sign for unit in units),
                True,
                needed_pieces(function) or "linear, one piece",
            )
        )
    return rows


def maxima_report(layer: GroupMax, before: Any) -> list[UnitConversion]:
    """Return one row for each size of a maximum, and whether all members are needed."""
    rows: dict[tuple[int, int | None], int] = {}
    for size, needed in zip(layer.n_pieces.tolist(), _needed(layer, before), strict=True):
        rows[size, needed] = rows.get((size, needed), 0) + 1
    behind = isinstance(before, Affine) and before.is_dense
    found = []
    for (size, needed), count in rows.items():
        function = f"maximum of {size}" if size > 1 else "identity"
        reason = _maximum_reason(size, needed, behind)
        found.append(UnitConversion(layer.name, function, count, (size,), (1,), needed == size, reason))
    return found


def _signed(row: UnitConversion) -> str:
    parts = [f"{'+' if sign > 0 else '-'}maxout({k})" for k, sign in zip(row.pieces, row.signs, strict=True)]
    return " ".join(parts)


def _needed(layer: GroupMax, before: Any) -> list[int | None]:
    """Return for each unit how many of its members are ever the greatest; None where it is not known.

    Members are functions of the inputs of the affine layer in front. Where there is no such layer
    they are free, and all are needed.
    """
    if not (isinstance(before, Affine) and before.is_dense):
        return layer.n_pieces.tolist()
    small = before.n_in <= _MOST_INPUTS and layer.groups.shape[1] <= _MOST_PIECES
    exact = rational(before.weight)
    found: list[int | None] = []
    for group in layer.groups:
        members = np.unique(group)
        if _independent(exact.rows(members)):
            found.append(len(members))
        elif small and len(layer.groups) <= _MOST_UNITS:
            found.append(_count_needed(before, members))
        else:
            found.append(None)
    return found


def _independent(rows: RationalMatrix) -> bool:
    """Return whether the differences of some rows are linearly independent, so that each is needed."""
    size, n_in = rows.shape
    if size - 1 > n_in:
        return False
    differences = RationalMatrix(rows.integers[1:] - rows.integers[:1], rows.denominator)
    return rank(differences) == size - 1


def _count_needed(affine: Affine, members: np.ndarray) -> int:
    """Return the number of members that are the greatest on an open set: the linear regions of one unit."""
    rows = Affine(affine.weight[members], affine.bias[members])
    unit = PLNetwork((rows, GroupMax(np.arange(len(members))[None], len(members))), affine.n_in)
    return int(count_regions(unit, progress=None))


def _maximum_reason(size: int, needed: int | None, behind: bool) -> str:
    if size == 1:
        return "linear, one piece"
    if needed is None:
        return "the members depend on each other, and whether all are needed was not examined"
    if needed < size:
        return f"only {needed} of the {size} members are ever the greatest"
    if behind:
        return "each member is the greatest somewhere"
    return "each member is the greatest for some values of the members"
