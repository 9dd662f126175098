"""What counting returns: `RegionCount` and `Explanation`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plnet.errors import IncompleteResultError

__all__ = ["Explanation", "RegionCount"]


@dataclass(frozen=True, eq=False)
class RegionCount:
    """A number of regions, and how far it can be trusted.

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
    >>> int(four), four == 4
    (4, True)
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

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if isinstance(other, RegionCount):
            same_kind = self.known and other.known and self.definition == other.definition
            return same_kind and self.count == other.count
        if isinstance(other, int):
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
        Rough estimate for random weights.
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
            f"about {self.expected_regions:.3g} regions expected, at most {_short(self.upper_bound)}; "
            f"about {self.expected_seconds:.2g} s"
        )


def _short(number: int) -> str:
    """Write an integer of any size in a few characters."""
    return f"{number:.3g}" if number < 10**15 else f"10^{int(math.log10(number))}"
