"""What the convexity tests return."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from plnet.errors import IncompleteResultError

__all__ = ["ConvexityReport", "ConvexityWitness"]

Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class ConvexityWitness:
    """Two points and their midpoint that refute convexity, or concavity; exact, and easy to check by hand.

    Parameters
    ----------
    start, middle, end : tuple of Fraction
        Inputs of the network.
    values : tuple of three Fraction
        Outputs at the three points.
    wall : str
        The unit at whose wall the function bends the wrong way, where the walls were looked at.
    """

    start: Point
    middle: Point
    end: Point
    values: tuple[Fraction, Fraction, Fraction]
    wall: str = ""

    @property
    def gap(self) -> Fraction:
        """Value in the middle minus the mean of the two ends: positive where convexity fails."""
        return self.values[1] - (self.values[0] + self.values[2]) / 2

    def __str__(self) -> str:
        ends = " and ".join(_text(point) for point in (self.start, self.end))
        side = "above" if self.gap > 0 else "below"
        where = f" at a wall of {self.wall}" if self.wall else ""
        return (
            f"between the inputs {ends} the value in the middle lies {float(abs(self.gap)):.6g} {side} the "
            f"chord{where}"
        )


@dataclass(frozen=True, eq=False)
class ConvexityReport:
    """Whether a function is convex (or concave), and how that is known.

    Parameters
    ----------
    property : str
        "convex" or "concave".
    holds : bool or None
        None if a budget ended before it was decided.
    witness : ConvexityWitness or None
        Where it fails.
    method : str
        "structure" (the signs of the weights prove it), "search" (a witness was found on random
        segments), or "walls" (the bend at every wall between regions).
    reason : str
    n_regions, n_walls : int
        Regions and walls that were looked at.
    seconds : float
    stopped_by : str or None
        What ended it undecided: "max_regions", "max_seconds" or "Ctrl-C".

    Notes
    -----
    Used as a truth value it is `holds`; an undecided one raises.

    Examples
    --------
    >>> from plnet.ir import PLNetwork, ScalarPWL
    >>> from plnet.maxout import is_convex
    >>> bool(is_convex(PLNetwork((ScalarPWL.absolute(1),), input_dim=1)))
    True
    """

    property: str
    holds: bool | None
    witness: ConvexityWitness | None
    method: str
    reason: str
    n_regions: int
    n_walls: int
    seconds: float
    stopped_by: str | None = None

    def __bool__(self) -> bool:
        if self.holds is None:
            raise IncompleteResultError(
                f"It is not decided whether the function is {self.property}: {self.reason}. "
                "Raise max_regions or max_seconds, or take a smaller domain."
            )
        return self.holds

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, bool) and self.holds is other)

    def __hash__(self) -> int:
        return id(self)

    def __str__(self) -> str:
        if self.holds is None:
            return f"undecided whether {self.property}: {self.reason}"
        if self.holds:
            return f"{self.property}: {self.reason}"
        return f"not {self.property}: {self.witness}"


def _text(point: Point) -> str:
    shown = ", ".join(f"{float(x):.6g}" for x in point[:6])
    return f"({shown}{', ...' if len(point) > 6 else ''})"
