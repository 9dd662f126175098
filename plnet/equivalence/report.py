"""What a comparison returns: `EquivalenceReport`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from plnet.errors import IncompleteResultError

__all__ = ["EquivalenceReport"]


@dataclass(frozen=True)
class EquivalenceReport:
    """Whether two networks f and g are one function on a domain, and how far they differ.

    Deviation means the largest absolute difference of an output, ``max_j |f_j(x) - g_j(x)|``;
    `max_deviation` is its supremum over the domain.

    Parameters
    ----------
    equivalent : bool or None
        None if it is not decided: a budget ran out, or a network can jump.
    max_deviation : Fraction, float or None
        Exact; 0 if the networks are equal, inf if the difference is unbounded, None if not known.
    lower, upper : Fraction or float
        Proved bounds of the deviation; equal to `max_deviation` where that is known. A lower
        bound is attained at `witness`.
    witness : tuple of Fraction or None
        An input at which the networks differ; by `max_deviation` itself if that is finite and
        known, else by `lower`.
    ray : tuple of Fraction or None
        A direction of inputs along which the difference grows without bound.
    output : int or None
        The output that differs most at the witness.
    exact : bool
        Whether `equivalent` and `max_deviation` are both proved.
    method : str
        "structural", "enumeration", "recession", "witness" or "branch_and_bound": what decided, or
        what gave the bounds.
    reason : str
        The same in words.
    seconds : float
        Wall time.
    stopped_by : str or None
        What ended it before both were proved: "max_regions", "max_seconds" or "Ctrl-C".

    Examples
    --------
    >>> from plnet.equivalence import check_equivalence
    >>> from plnet.ir import PLNetwork, ScalarPWL
    >>> relu = PLNetwork((ScalarPWL.relu(1),), input_dim=1)
    >>> leaky = PLNetwork((ScalarPWL.leaky_relu([0.25]),), input_dim=1)
    >>> report = check_equivalence(relu, leaky)
    >>> report.equivalent, report.max_deviation, report.ray
    (False, inf, (Fraction(-1, 1),))
    """

    equivalent: bool | None
    max_deviation: Fraction | float | None
    lower: Fraction | float
    upper: Fraction | float
    witness: tuple[Fraction, ...] | None
    ray: tuple[Fraction, ...] | None
    output: int | None
    exact: bool
    method: str
    reason: str
    seconds: float
    stopped_by: str | None = None

    def __bool__(self) -> bool:
        """Return whether the networks are equal.

        Raises
        ------
        IncompleteResultError
            If it is not decided.
        """
        if self.equivalent is None:
            raise IncompleteResultError(
                f"It is not decided whether the networks are equal: the deviation is between "
                f"{_short(self.lower)} and {_short(self.upper)}. Read .lower and .upper, or compare again "
                "with a larger max_regions or max_seconds."
            )
        return self.equivalent

    def __str__(self) -> str:
        if self.equivalent:
            return f"equal everywhere on the domain (proved: {self.method}; {self.seconds:.3g} s)"
        if self.max_deviation is not None:
            size = _short(self.max_deviation)
            return f"different: largest deviation {size} (exact: {self.method}; {self.seconds:.3g} s)"
        word = "not decided" if self.equivalent is None else "different"
        return (
            f"{word}: deviation between {_short(self.lower)} and {_short(self.upper)} "
            f"({self.method}; {self.seconds:.3g} s)"
        )


def _short(number: Fraction | float) -> str:
    """Write a number in few characters."""
    if isinstance(number, Fraction) and number.denominator < 10**6 and abs(number) < 10**6:
        return str(number)
    try:
        return f"{float(number):.6g}"
    except OverflowError:
        return str(math.inf)
