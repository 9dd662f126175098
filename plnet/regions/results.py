"""What counting returns: `RegionCount` and `Explanation`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from plnet.errors import IncompleteResultError

__all__ = ["Explanation", "RegionCount"]


def _calculating(operation: Callable[[Any, Any], Any]) -> Callable[[RegionCount, Any], Any]:
    """Return an operation on numbers as a method of counts; counts among its arguments are integers."""

    def method(count: RegionCount, other: Any) -> Any:
        if isinstance(other, RegionCount):
            other = int(other)
        return operation(int(count), other) if isinstance(other, Real) else NotImplemented

    return method


def _exchanged(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda count, other: operation(other, count)


@dataclass(frozen=True, eq=False)
class RegionCount:
    """A number of regions, and how far it can be trusted.

    A known count calculates, compares, sorts and formats like the integer it is; one that is not known
    raises `IncompleteResultError` there, as ``int(count)`` does. Only ``==`` and ``str`` work with both: a
    count that is not known equals no number.

    Parameters
    ----------
    count : int
        The number of regions if `known`, else the largest number that is proved to be there: `lower`.
    exact : bool
        True only if every decision was proved and nothing was left out.
    complete : bool
        False after a budget ran out or an interruption.
    lower, upper : int
        Proved bounds of the number of regions. They can differ in a complete count: "convex" is
        a minimum over all complexes, which is not always found.
    definition : str
        What a region is; see the glossary.
    engine, reason : str
        The algorithm, and why it was chosen.
    seconds : float
        Wall time.
    n_undecided : int
        Cells in which a decision was left open.
    n_fallbacks : int
        Cells that floating point could not decide and rational arithmetic did.
    stopped_by : str or None
        What ended an incomplete count: "max_regions", "max_seconds" or "Ctrl-C".

    Examples
    --------
    >>> from plnet.regions import RegionCount
    >>> four = RegionCount(4, True, True, 4, 4, "activation", "cells", "two dimensions", 0.1)
    >>> int(four), four == 4, four < 10, f"{four:,} of {four + 1:,}"
    (4, True, True, '4 of 5')
    """

    count: int
    exact: bool
    complete: bool
    lower: int
    upper: int
    definition: str
    engine: str
    reason: str
    seconds: float
    n_undecided: int = 0
    n_fallbacks: int = 0
    stopped_by: str | None = None

    @property
    def known(self) -> bool:
        """Whether the count is complete and its two bounds are equal."""
        return self.complete and self.lower == self.upper

    def __int__(self) -> int:
        """Return the count.

        Raises
        ------
        IncompleteResultError
            If the number is not known.
        """
        if not self.complete:
            raise IncompleteResultError(
                f"The count was stopped by {self.stopped_by}: between {self.lower} and {self.upper} regions "
                "are proved. Read .lower and .upper, or count again with a larger max_regions or max_seconds."
            )
        if not self.known:
            raise IncompleteResultError(
                f"The number of regions ({self.definition}) is between {self.lower} and {self.upper}, "
                "more is not proved. Read .lower and .upper."
            )
        return self.count

    __index__ = __int__

    __lt__, __le__ = _calculating(operator.lt), _calculating(operator.le)
    __gt__, __ge__ = _calculating(operator.gt), _calculating(operator.ge)
    __add__, __radd__ = _calculating(operator.add), _calculating(_exchanged(operator.add))
    __sub__, __rsub__ = _calculating(operator.sub), _calculating(_exchanged(operator.sub))
    __mul__, __rmul__ = _calculating(operator.mul), _calculating(_exchanged(operator.mul))
    __mod__, __rmod__ = _calculating(operator.mod), _calculating(_exchanged(operator.mod))
    __pow__, __rpow__ = _calculating(operator.pow), _calculating(_exchanged(operator.pow))
    __truediv__ = _calculating(operator.truediv)
    __rtruediv__ = _calculating(_exchanged(operator.truediv))
    __floordiv__ = _calculating(operator.floordiv)
    __rfloordiv__ = _calculating(_exchanged(operator.floordiv))

    def __neg__(self) -> int:
        return -int(self)

    def __format__(self, spec: str) -> str:
        """Format the number; without a specification, as `str` does."""
        return format(int(self), spec) if spec else str(self)

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if isinstance(other, RegionCount):
            same_kind = self.known and other.known and self.definition == other.definition
            return same_kind and self.count == other.count
        if isinstance(other, Real):
            return self.known and self.count == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.count)

    def __str__(self) -> str:
        if not self.complete:
            how = f"stopped by {self.stopped_by}, engine {self.engine}"
            return f"at least {self.lower} regions ({self.definition}; {how})"
        number = str(self.count) if self.known else f"between {self.lower} and {self.upper}"
        word = "exact" if self.exact else "not proved" if self.known else "both proved"
        return f"{number} regions ({self.definition}; {word}, engine {self.engine}, {self.seconds:.3g} s)"


@dataclass(frozen=True)
class Explanation:
    """Which engine would run, why, and what it would cost.

    Parameters
    ----------
    engine, reason : str
        The algorithm that ``engine="auto"`` takes, and why.
    dim : int
        Dimension of the domain.
    n_units : int
        Units with more than one piece.
    upper_bound : int
        No network of this shape has more regions.
    expected_regions : float
        Rough estimate for random weights; inf beyond the range of floats.
    expected_seconds : float
        The same, divided by the measured speed of the engine.
    """

    engine: str
    reason: str
    dim: int
    n_units: int
    upper_bound: int
    expected_regions: float
    expected_seconds: float

    def __str__(self) -> str:
        return (
            f"engine {self.engine}: {self.reason}\n"
            f"{self.n_units} units on a domain of dimension {self.dim}; "
            f"{_about(self.expected_regions, '.3g')} regions expected, at most {_short(self.upper_bound)}; "
            f"{_about(self.expected_seconds, '.2g')} s"
        )


def _about(number: float, digits: str) -> str:
    return f"about {number:{digits}}" if math.isfinite(number) else "more than 10^308"


def _short(number: int) -> str:
    """Write an upper bound of any size in a few characters."""
    return f"{number:.3g}" if number < 10**15 else f"10^{int(math.log10(number)) + 1}"
