"""What every engine is: a frozen record with a name, a check and a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from plnet.regions.control import Control
from plnet.regions.leaves import LeafStore
from plnet.regions.problem import Problem

__all__ = ["Engine", "Tally"]


@dataclass(frozen=True)
class Tally:
    """What a run of an engine found.

    Parameters
    ----------
    count : int
        Regions found, each proved.
    complete : bool
        Whether nothing was left out.
    n_undecided : int
        Cells with a decision that was left open.
    n_fallbacks : int
        Cells that were decided in rationals after floating point could not.
    """

    count: int
    complete: bool
    n_undecided: int = 0
    n_fallbacks: int = 0


class Engine(Protocol):
    """An algorithm that finds the activation regions of a network on a domain; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str:
        """Name under which users choose the engine."""
        ...

    def check(self, problem: Problem) -> None:
        """Raise an error that names another engine if this one cannot solve the problem."""
        ...

    def run(self, problem: Problem, control: Control, store: LeafStore | None) -> Tally:
        """Find all regions; put them into `store` if there is one."""
        ...
